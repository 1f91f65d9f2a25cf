import Engine

/// Something that one rank has otherwise than all others, which every rank must say in the same words before any number is wrong:
/// `mpirun -n 3 MPIChecks differ-seed`.
public struct Difference: Sendable, CustomStringConvertible {
  /// What differs.
  public let name: String
  /// What the error must contain, besides the ranks.
  public let words: [String]
  /// What a rank does; it must throw. The argument says whether it is the rank that differs.
  private let body: @Sendable (Bool) throws -> Void

  /// The name.
  public var description: String { name }

  init(_ name: String, _ words: String..., body: @escaping @Sendable (Bool) throws -> Void) {
    (self.name, self.words, self.body) = (name, words, body)
  }

  /// Runs on this rank: the last one differs.
  public func run() throws {
    try body(communicator.rank == communicator.size - 1)
  }

  /// All of them.
  public static let all: [Difference] = settings + data + modules + weights + collectives

  private static let settings: [Difference] = [
    Difference("seed", "seed: 1", "seed: 2") { try train(seed: $0 ? 1 : 2) },
    Difference("precision", "precision: float32", "precision: mixed") {
      try train(precision: $0 ? .mixedBFloat16 : .float32)
    },
    Difference("eager", "runEagerly") { try train(runEagerly: $0) },
    Difference("scaling", "lossScaling: globalBatch") { odd in
      let strategy = FixedStrategy(communicator, lossScaling: odd ? .globalBatch : .replicas)
      try DistributionContext.$strategy.withValue(strategy) { try train() }
    },
    Difference("buckets", "gradients.limits") { odd in
      let reduction = BucketedAllReduce(limits: BucketLimits(bytes: odd ? 64 : 128))
      let strategy = FixedStrategy(communicator, gradientReduction: reduction)
      try DistributionContext.$strategy.withValue(strategy) { try train() }
    },
    Difference("momentum", "optimizer.rule.momentum: 0.5") {
      try train(optimizer: SGD(learningRate: 0.1, momentum: $0 ? 0.5 : 0.9))
    },
    Difference("beta", "beta2: 0.99") { try train(optimizer: Adam(beta2: $0 ? 0.99 : 0.999)) },
    Difference("clipping", "clipping") {
      try train(optimizer: SGD(clipping: .globalNorm($0 ? 1 : 2)))
    },
    Difference("decay", "weightDecay: 0.1") {
      try train(optimizer: AdamW(weightDecay: $0 ? 0.1 : 0))
    },
    Difference("rate", "0.25") { try train(optimizer: SGD(learningRate: $0 ? 0.25 : 0.5)) },
    Difference("schedule", "schedule") {
      try train(
        optimizer: SGD(
          learningRate: CosineDecay(initialLearningRate: 0.1, decaySteps: $0 ? 10 : 20)))
    },
    Difference("warm-up", "schedule.schedule.initialValue: 0.25") {
      try train(optimizer: SGD(learningRate: LinearWarmup(warmupSteps: 4, then: $0 ? 0.25 : 0.5)))
    },
    Difference("average", "options.emaMomentum: 0.5") {
      try train(
        optimizer: SGD(options: OptimizerOptions(useEMA: true, emaMomentum: $0 ? 0.5 : 0.9)))
    },
    Difference("accumulation", "options.gradientAccumulationSteps: 3") {
      try train(optimizer: SGD(options: OptimizerOptions(gradientAccumulationSteps: $0 ? 3 : 2)))
    },
    Difference("group", "options.groups[1].learningRateMultiplier: 0.25") {
      try train(
        optimizer: SGD(
          options: OptimizerOptions(
            groups: [
              ParameterGroup("bias"),
              ParameterGroup("kernel", learningRateMultiplier: $0 ? 0.25 : 0.5),
            ])))
    },
    Difference("excluded", "options.excludeFromWeightDecay[0]: \"bias\"") {
      try train(
        optimizer: AdamW(options: OptimizerOptions(excludeFromWeightDecay: [$0 ? "bias" : "b"])))
    },
    Difference("excluded-layers", "routing.excludeLayers[0]: \"last\"") {
      try train(optimizer: Muon(excludeLayers: [$0 ? "last" : "first"]))
    },
    Difference("optimizer", "optimizer: SGD", "optimizer: Adam") {
      try train(optimizer: $0 ? SGD() : Adam())
    },
    Difference("reduction", "reduction") {
      try train(loss: MeanSquaredError(reduction: $0 ? .sum : .sumOverBatchSize))
    },
    Difference("loss-weight", "weight: 2.0") {
      try train(loss: MeanSquaredError(weight: $0 ? 2 : 1))
    },
    Difference("loss", "mean_absolute_error") { odd in
      if odd { try train(loss: MeanAbsoluteError()) } else { try train(loss: MeanSquaredError()) }
    },
    Difference("metrics", "metric") { odd in
      try train(metrics: odd ? [Metrics.MeanAbsoluteError()] : [])
    },
    Difference("batch-size", "batchSize: 4") { try train(batchSize: $0 ? 4 : 8) },
    Difference("epochs", "epochs: 0..<3") { try train(epochs: $0 ? 3 : 2) },
    Difference("shuffle", "shuffle: false") { try train(shuffle: !$0) },
    Difference("steps", "steps: 2") { try train(steps: $0 ? 2 : nil) },
    Difference("validation-steps", "validationSteps: 1") {
      try train(validationSplit: 0.5, validationSteps: $0 ? 1 : 2)
    },
    Difference("class-weight", "1: 2.0") { odd in
      try train(y: Tensor([Int](repeating: 1, count: 24)), classWeight: [0: 1, 1: odd ? 2 : 1])
    },
    Difference("kernels", "kernels: of one CPU", "kernels: of another") { odd in
      try KernelSet.$description.withValue(odd ? "of another" : "of one CPU") {
        try train(requiresSameBits: true)
      }
    },
    Difference("threads", "threads: 1", "threads: 2") { odd in
      try ComputeThreads.with(odd ? 2 : 1) { try train(requiresSameBits: true) }
    },
    Difference("same-bits", "requiresSameBits: true", "requiresSameBits: false") {
      try train(requiresSameBits: $0)
    },
    Difference("callback", "callback") { odd in
      try train(callbacks: odd ? [EarlyStopping(monitor: "loss")] : [])
    },
    Difference("rate-between-batches", "the call of trainOnBatch", "learningRate: 0.25") { odd in
      let model = model()
      model.driftInterval = 3
      try model.trainOnBatch(x: x, y: y)
      if odd { model.learningRate = 0.25 }
      for _ in 0..<3 { try model.trainOnBatch(x: x, y: y) }
    },
    Difference("interval-between-batches", "driftInterval: 2", "driftInterval: 100") { odd in
      let model = model()
      try model.trainOnBatch(x: x, y: y)
      if odd { model.driftInterval = 2 }
      try model.trainOnBatch(x: x, y: y)
    },
    Difference("long-table", "table: 100 elements") { odd in
      try train(loss: Tabled((0..<100).map { odd ? $0 : 2 * $0 }))
    },
    Difference("long-table-of-objects", "table[99].factor: 2.0") { odd in
      try train(loss: Tabled((0..<100).map { Factor(odd && $0 == 99 ? 2 : 1) }))
    },
  ]

  private static let data: [Difference] = [
    Difference("own-data", "data with the fingerprint") { odd in
      try train(x: x * (odd ? 2 : 1))
    },
    Difference("own-share", "x: float32[12, 3]") { odd in
      try train(x: odd ? x[0..<12] : x, y: odd ? y[0..<12] : y)
    },
    Difference("sample-weight", "sampleWeight") { odd in
      try train(sampleWeight: odd ? Tensor.ones([24]) : nil)
    },
    Difference("evaluate", "batchSize: 4") { odd in
      _ = try model().evaluate(x: x, y: y, batchSize: odd ? 4 : 8)
    },
    Difference("predict", "x: float32[12, 3]") { odd in
      let _: Tensor = try model().predict(x: odd ? x[0..<12] : x)
    },
    Difference("batch", "data with the fingerprint") { odd in
      try model().trainOnBatch(x: x * (odd ? 2 : 1), y: y)
    },
    Difference("later-batch", "data with the fingerprint") { odd in
      let model = model()
      model.driftInterval = 0
      try model.trainOnBatch(x: x, y: y)
      try model.trainOnBatch(x: x * (odd ? 2 : 1), y: y)
    },
  ]

  private static let modules: [Difference] = [
    Difference("units", "layers/0.units: 4") { odd in
      try train(module: Sequential([Linear(odd ? 4 : 5), Linear(1)]))
    },
    Difference("rate-of-dropout", "rate: 0.25") { odd in
      try train(module: Sequential([Dropout(odd ? 0.25 : 0.5), Linear(1)]))
    },
    Difference("frozen", "not trained") { odd in
      let model = model()
      let _: Tensor = try model.predict(x: x)
      if odd { model.module.freeze() }
      try model.fit(x: x, y: y, verbose: .silent)
    },
    Difference("mode", "at inference") { odd in
      let model = model()
      if odd { model.module.eval() }
      try model.fit(x: x, y: y, verbose: .silent)
    },
  ]

  private static let weights: [Difference] = [
    Difference("assignment", "kernel: float32", "the call of fit") { odd in
      let model = model()
      try model.fit(x: x, y: y, verbose: .silent)
      if odd { model.module.variables[0].value = .zeros([3, 1]) }
      try model.fit(x: x, y: y, verbose: .silent)
    },
    Difference("drift", "kernel: float32", "the weights") { odd in
      let model = model()
      model.driftInterval = 2
      let meddling = LambdaCallback(onTrainBatchEnd: { step, _ in
        if odd, step == 2 { model.module.variables[0].value = .zeros([3, 1]) }
      })
      try model.fit(x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent, callbacks: [meddling])
    },
    Difference("checkpoint", "kernel: float32", "the weights") { odd in
      let model = model()
      let path = TemporaryFolder.path("differing.safetensors")
      let meddling = LambdaCallback(onEpochEnd: { _, _ in
        if odd { model.module.variables[0].value = .zeros([3, 1]) }
      })
      try model.fit(
        x: x, y: y, verbose: .silent,
        callbacks: [meddling, ModelCheckpoint(path: path, monitor: "loss")])
    },
    Difference("assignment-at-the-end", "kernel: float32", "the weights") { odd in
      let model = model()
      let meddling = LambdaCallback(onEpochEnd: { epoch, _ in
        if odd, epoch == 1 { model.module.variables[0].value = .zeros([3, 1]) }
      })
      try model.fit(x: x, y: y, epochs: 2, verbose: .silent, callbacks: [meddling])
    },
    Difference("rate-in-a-callback", "optimizer.learningRate: 0.5") { odd in
      let model = model()
      let meddling = LambdaCallback(onEpochEnd: { _, _ in
        if odd { model.optimizer?.learningRate = 0.5 }
      })
      try model.fit(x: x, y: y, epochs: 2, verbose: .silent, callbacks: [meddling])
    },
    Difference("mode-in-a-callback", "at inference") { odd in
      let model = model()
      let meddling = LambdaCallback(onTrainBatchEnd: { _, _ in
        if odd { model.module.eval() }
      })
      try model.fit(x: x, y: y, epochs: 2, verbose: .silent, callbacks: [meddling])
    },
    Difference("drift-of-the-optimizer", "velocity", "the weights") { odd in
      let optimizer = SGD(learningRate: 0.1, momentum: 0.9)
      let model = model(optimizer: optimizer)
      // Before the next step, which would change the weights.
      model.driftInterval = 3
      let meddling = LambdaCallback(onTrainBatchEnd: { step, _ in
        if odd, step == 2 {
          for variable in optimizer.variables where variable.shape.elementCount > 1 {
            variable.value = variable.value * 0
          }
        }
      })
      try model.fit(x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent, callbacks: [meddling])
    },
  ]

  private static let collectives: [Difference] = [
    Difference("operation", "allReduce(min", "allReduce(sum") { odd in
      try reduce([1, 2, 3], odd ? .min : .sum)
    },
    Difference("count", "3 x float32", "2 x float32") { odd in
      try reduce(odd ? [1, 2] : [1, 2, 3], .sum)
    },
    Difference("type", "int32", "float32") { odd in
      if odd {
        try reduce([Int32(1), 2, 3], .sum)
      } else {
        try reduce([Float(1), 2, 3], .sum)
      }
    },
    Difference("root", "root 0", "root 1") { odd in
      var number: Int32 = 1
      try communicator.broadcast(&number, count: 1, dtype: .int32, root: odd ? 1 : 0)
    },
    Difference("swapped", "3 x float32", "2 x float32") { odd in
      for values in odd ? [[1, 2], [1, 2, 3]] : [[1, 2, 3], [1, 2]] { try reduce(values, .sum) }
    },
    Difference("parts", "reduceScatter(sum, 4 x float32 in all)", "allGather") { odd in
      if odd {
        _ = try allGather(Tensor([1.0]))
      } else {
        _ = try jit { (x: Tensor) in reduceScatter(x) }(Tensor([1.0, 2, 3, 4]))
      }
    },
    Difference("groups", "the numbers of groups for .node", "for .split") { odd in
      if odd { try withRanks(.node) { try $0.barrier() } } else { _ = try RankGroup.split(by: 1) }
    },
    Difference("kind", "barrier()", "allReduce") { odd in
      if odd { try communicator.barrier() } else { try reduce([1, 2, 3], .sum) }
    },
    Difference("gradients", "float32") { odd in
      // A loop of one's own in which one rank adds other things.
      let sums = jit { (x: Tensor) in try reduceGradients(odd ? [x, x * 2] : [x]) }
      _ = try sums(Tensor.ones([3000]))
    },
    Difference("bucket", "the gradients of bias", "the gradients of kernel") { odd in
      // As many numbers, so that MPI notices nothing.
      let sums = jit { (x: Tensor) in try reduceGradients([odd ? "bias" : "kernel": x]) }
      _ = try sums(Tensor.ones([3000]))
    },
  ]
}

/// A loss with a setting of many elements.
private struct Tabled<Element: Sendable>: Loss {
  var options = LossOptions()
  let table: [Element]

  init(_ table: [Element]) { self.table = table }

  func call(_ inputs: LabelsAndPredictions) -> Tensor {
    mean(square(inputs.yPred - inputs.yTrue), axis: -1)
  }
}

private final class Factor: Sendable {
  let factor: Double
  init(_ factor: Double) { self.factor = factor }
}

private var x: Tensor { randomNormal([24, 3], key: RandomKey(seed: 3)) }
private var y: Tensor { x.sum(axis: 1, keepDims: true) }

private func model(
  module: AnyModule = Linear(1), loss: some Loss = MeanSquaredError(), metrics: MetricTree = [],
  optimizer: Optimizer = SGD(learningRate: 0.05), seed: UInt64 = 1, runEagerly: Bool = false,
  precision: PrecisionPolicy = .float32
) -> Model {
  Model(
    module: module, loss: loss, metrics: metrics, optimizer: optimizer, seed: seed,
    runEagerly: runEagerly, precision: precision)
}

private func train(
  module: AnyModule = Linear(1), loss: some Loss = MeanSquaredError(), metrics: MetricTree = [],
  optimizer: Optimizer = SGD(learningRate: 0.05), seed: UInt64 = 1, runEagerly: Bool = false,
  precision: PrecisionPolicy = .float32, x: Tensor = x, y: Tensor = y, batchSize: Int = 8,
  epochs: Int = 2, callbacks: [Callback] = [], validationSplit: Double = 0, shuffle: Bool = true,
  classWeight: [Int: Double]? = nil, sampleWeight: Tensor? = nil, steps: Int? = nil,
  validationSteps: Int? = nil, requiresSameBits: Bool = false
) throws {
  let model = model(
    module: module, loss: loss, metrics: metrics, optimizer: optimizer, seed: seed,
    runEagerly: runEagerly, precision: precision)
  model.requiresSameBits = requiresSameBits
  try model.fit(
    x: x, y: y, batchSize: batchSize, epochs: epochs, verbose: .silent, callbacks: callbacks,
    validationSplit: validationSplit, shuffle: shuffle, classWeight: classWeight,
    sampleWeight: sampleWeight, stepsPerEpoch: steps, validationSteps: validationSteps)
}

private func reduce(_ values: [Int], _ operation: ReduceOperation) throws {
  try reduce(values.map(Float.init), operation)
}

private func reduce<T: TensorScalar>(_ values: [T], _ operation: ReduceOperation) throws {
  var values = values
  let count = values.count
  try values.withUnsafeMutableBytes { bytes in
    guard let start = bytes.baseAddress else { return }
    try communicator.allReduce(start, count: count, dtype: T.dtype, operation: operation)
  }
}
