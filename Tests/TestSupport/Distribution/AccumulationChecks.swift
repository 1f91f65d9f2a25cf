import Engine
import Synchronization

/// Gradients of several batches that make one update: N ranks give what one process gives, and add gradients once an update.
extension TrainingCheck {
  static let accumulation: [TrainingCheck] =
    [false, true].flatMap { isEager in
      let suffix = isEager ? "-eagerly" : ""
      return [
        TrainingCheck(name: "accumulated" + suffix) { try checkAccumulated(runEagerly: isEager) },
        TrainingCheck(name: "accumulated-skip" + suffix) { try checkSkipped(runEagerly: isEager) },
      ] + (isEager ? [] : [TrainingCheck(name: "accumulated-stop", run: checkStopped)])
    } + [
      TrainingCheck(name: "rate-of-replicas") {
        try requireEqual(LinearScaling(0.1).replicas, communicator.size, "replicas")
      }
    ]
}

private let rows = 12
private var x: Tensor { randomNormal([4 * rows, 3], key: RandomKey(seed: 3)) }
private var y: Tensor { x.sum(axis: 1, keepDims: true) }

private func make(runEagerly: Bool) -> Model {
  Model(
    module: Sequential(Linear(4, activation: .tanh), Linear(1)), loss: MeanSquaredError(),
    optimizer: Adam(
      learningRate: 0.02, clipping: .globalNorm(0.5),
      options: OptimizerOptions(useEMA: true, emaMomentum: 0.5, gradientAccumulationSteps: 3)),
    seed: 7, runEagerly: runEagerly)
}

/// Adds gradients, and counts those that it is given besides what ranks tell each other.
private final class Counting: GradientReduction, CustomStringConvertible {
  /// The same in all processes: ranks compare it.
  let description = "Counting"
  private let added = Mutex<[Int]>([])

  var counts: [Int] { added.withLock { $0 } }

  func sums(of gradients: [Tensor], over communicator: any Communicator) throws -> [Tensor] {
    added.withLock { $0.append(gradients.count - 2) }
    return try BucketedAllReduce().sums(of: gradients, over: communicator)
  }
}

/// Four batches an epoch, three for an update: in 3 epochs 4 updates, and a comparison in the middle of one.
private func checkAccumulated(runEagerly: Bool) throws {
  func train() throws -> Model {
    let model = make(runEagerly: runEagerly)
    model.driftInterval = 2
    try model.fit(x: x, y: y, batchSize: rows, epochs: 3, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  try requireSameWeights(try train(), expected, tolerance: 1e-5)
  guard runEagerly, communicator.size > 1 else { return }
  let counting = Counting()
  let strategy = FixedStrategy(communicator, gradientReduction: counting)
  let model = try DistributionContext.$strategy.withValue(strategy) { try train() }
  try requireSameWeights(model, expected, tolerance: 1e-5)
  try requireEqual(
    counting.counts, [0, 0, 4, 0, 0, 4, 0, 0, 4, 0, 0, 4], "gradients that are added in each step")
}

/// A batch that is NaN on one rank is left out on all of them.
private func checkSkipped(runEagerly: Bool) throws {
  var values = x.scalars(as: Float.self)
  values[(2 * rows - 1) * 3] = .nan
  let spoiled = Tensor(values, shape: [4 * rows, 3])
  let skipping = make(runEagerly: runEagerly)
  skipping.nonFinite = .skipStep
  try skipping.fit(x: spoiled, y: y, batchSize: rows, verbose: .silent, shuffle: false)
  try requireEqual(skipping.skippedSteps, 1, "steps that are left out")
  let expected = make(runEagerly: runEagerly)
  let order: [Int] = Array(0..<rows) + Array(2 * rows..<4 * rows)
  let rest = take(x, Tensor(order), axis: 0)
  try expected.fit(
    x: rest, y: rest.sum(axis: 1, keepDims: true), batchSize: rows, verbose: .silent,
    shuffle: false)
  for (a, b) in zip(
    skipping.module.trainableVariables, expected.module.trainableVariables)
  {
    try requireEqual(
      a.value.scalars(as: Float.self), b.value.scalars(as: Float.self),
      "\(a.path) without the batch")
  }
}

/// One rank ends training in a step that only accumulates.
private func checkStopped() throws {
  let stopping = make(runEagerly: false)
  var steps = 0
  let callback = LambdaCallback(onTrainBatchEnd: { step, _ in
    steps += 1
    if step == 0, communicator.rank == communicator.size - 1 { stopping.stopTraining = true }
  })
  try stopping.fit(x: x, y: y, batchSize: rows, verbose: .silent, callbacks: [callback])
  try requireEqual(steps, communicator.size == 1 ? 1 : 2, "steps")
}
