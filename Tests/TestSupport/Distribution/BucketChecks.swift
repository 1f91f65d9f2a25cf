import Engine

/// What must hold of gradients in buckets, on any number of ranks: N ranks give what one process gives.
extension TrainingCheck {
  static let buckets: [TrainingCheck] =
    [
      TrainingCheck(name: "random-graphs") {
        for seed in 0..<24 {
          try checkSteps(
            rows: 24, width: 12, of: RandomNetwork(seed: UInt64(seed)), dtype: .float64)
        }
      },
      TrainingCheck(name: "shared-gradient") {
        try checkSteps(rows: 24, width: 600, of: SharedGradient(), dtype: .float32)
      },
      TrainingCheck(name: "gradient-read-by-others") {
        try checkSteps(rows: 24, width: 600, of: LowRankAddend(), dtype: .float32)
      },
      TrainingCheck(name: "many-buckets") {
        try checkSteps(rows: 24, width: 64, of: ManyLayers(), dtype: .float32)
      },
      TrainingCheck(name: "unused-parameters", run: checkUnusedParameters),
      TrainingCheck(name: "unused-on-one-rank", run: checkUnusedOnOneRank),
      TrainingCheck(name: "failing-step", run: checkFailingStep),
    ]
}

/// Both biases have the same gradient, and lie in different buckets.
private final class SharedGradient: Module {
  func call(_ x: Tensor) -> Tensor {
    tanh(Linear(600, name: "a")(x) + Linear(600, name: "b")(x))
  }
}

/// The gradients of `a` and `b` read that of `w`, whose bucket is full by then.
private final class LowRankAddend: Module {
  func call(_ x: Tensor) -> Tensor {
    let w = parameter("w", shape: [600, 600])
    let (a, b) = (parameter("a", shape: [600, 600]), parameter("b", shape: [600, 600]))
    return matmul(x, w + matmul(a, b))
  }
}

/// 80 kernels, each long enough not to be summed at once.
private final class ManyLayers: Module {
  func call(_ x: Tensor) -> Tensor {
    (0..<80).reduce(x) { h, _ in h + 0.1 * tanh(Linear(64)(h)) }
  }
}

/// Two steps of SGD on a batch that divides by 1, 2, 3 and 4, relative to the largest weight of a tensor.
private func checkSteps(
  rows: Int, width: Int, of module: @autoclosure () -> AnyModule, dtype: DType
) throws {
  var draw = SeededGenerator(seed: 11)
  let x = draw.uniform([rows, width], dtype: dtype)
  let y = draw.uniform([rows, width], dtype: dtype)
  func train() throws -> Model {
    let model = Model(
      module: module(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: 5)
    try model.fit(x: x, y: y, batchSize: rows, epochs: 2, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  let model = try train()
  try requireSameWeights(model, expected, tolerance: 1e-6)
  try requireSameOnAllRanks(model)
}

/// Parameters that nothing uses stay as they are: also when a whole bucket is of them, and when others are infinite.
private func checkUnusedParameters() throws {
  final class Network: Module {
    func call(_ x: Tensor) -> Tensor {
      _ = parameter("first", shape: [2, 3], initializer: Constant(.infinity))
      let w = parameter("w", shape: [3, 3])
      _ = parameter("unused", shape: [70], initializer: Constant(0.25))
      return matmul(x, w)
    }
  }
  var draw = SeededGenerator(seed: 2)
  let x = draw.uniform([24, 3], dtype: .float32)
  func train() throws -> Model {
    let model = Model(
      module: Network(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: 5)
    try model.fit(x: x, y: 2.0 * x, batchSize: 24, epochs: 3, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  let model = try train()
  for (name, value) in [("first", Double.infinity), ("unused", 0.25)] {
    let found = model.module.scope(named: name).scalars(as: Double.self)
    try require(
      found.allSatisfy { $0 == value } && !found.isEmpty, "unused \(name) became \(found)")
  }
  let difference = max(
    abs(model.module.scope(named: "w") - expected.module.scope(named: "w"))
  ).item()
  try require(difference < 1e-6, "w differs by \(difference)")
}

extension AnyModule {
  fileprivate func scope(named name: String) -> Tensor {
    namedVariables.first { $0.path == name }?.variable.value ?? Tensor(Double.nan)
  }
}

/// The identity, whose gradient fails when it is told to.
private struct Fragile: Primitive {
  final class Switch: Sendable {
    nonisolated(unsafe) var fails = false
  }

  let isBackward: Bool
  let failure: Switch

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (source, target, failure, isBackward) = (inputs[0], outputs[0], failure, isBackward)
    return {
      if isBackward, failure.fails {
        throw EngineError.invalidArgument(message: "a failure made on purpose")
      }
      target.pointer.copyMemory(
        from: source.pointer, byteCount: source.elementCount * source.dtype.size)
    }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] {
    [apply1(Fragile(isBackward: true, failure: failure), context.incomingOrZeros())]
  }

  func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? { nil }

  static func == (a: Self, b: Self) -> Bool {
    a.isBackward == b.isBackward && a.failure === b.failure
  }

  func hash(into hasher: inout Hasher) { hasher.combine(isBackward) }
}

/// A step that fails in the middle of the backward pass, when the sums of later layers are under way, leaves nothing pending:
/// training goes on as if it had not been.
private func checkFailingStep() throws {
  final class Network: Module {
    let failure: Fragile.Switch

    init(_ failure: Fragile.Switch) {
      self.failure = failure
      super.init()
    }

    func call(_ x: Tensor) -> Tensor {
      let h = tanh(Linear(70, name: "a")(x))
      return Linear(70, name: "b")(apply1(Fragile(isBackward: false, failure: failure), h))
    }
  }
  var draw = SeededGenerator(seed: 2)
  let x = draw.uniform([24, 70], dtype: .float32)
  func train() throws -> Model {
    let failure = Fragile.Switch()
    let model = Model(
      module: Network(failure), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1),
      seed: 5)
    for step in 0..<4 {
      failure.fails = step == 1
      do {
        try model.trainOnBatch(x: x, y: 2.0 * x)
        try require(step != 1, "a step that fails must throw")
      } catch let error as EngineError {
        try require(step == 1, "\(error)")
      }
    }
    return model
  }
  let expected = try alone { try train() }
  let model = try train()
  try requireSameWeights(model, expected, tolerance: 1e-6)
  try requireSameOnAllRanks(model)
}

/// `x a + tanh(x) b + x² c`, without the term of one of them on the last `share` rows of a batch of 24: on a rank that has only those its gradient,
/// which has a bucket of its own, is a constant.
private final class UnusedInLastShare: Module {
  let unused: String
  let share: Int

  init(_ unused: String, share: Int) {
    (self.unused, self.share) = (unused, share)
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let first = DistributionContext.strategy.communicator.rank * share
    let used = Swift.min(Swift.max(24 - share - first, 0), x.shape[0])
    let terms = [("a", x), ("b", tanh(x)), ("c", square(x))].map { name, factor in
      let weights = parameter(name, shape: [60, 60])
      if name != unused { return matmul(factor, weights) }
      return used == 0
        ? 0 * factor
        : concatenate([matmul(factor[0..<used], weights), 0 * factor[used...]], axis: 0)
    }
    return terms[0] + terms[1] + terms[2]
  }
}

/// The last rank does not use one of three buckets, the first of them or the last.
private func checkUnusedOnOneRank() throws {
  let size = DistributionContext.strategy.communicator.size
  let share = size == 1 ? 0 : 24 / size
  for name in ["a", "b", "c"] {
    try checkSteps(
      rows: 24, width: 60, of: UnusedInLastShare(name, share: share), dtype: .float32)
  }
}
