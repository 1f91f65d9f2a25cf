import Engine
import Foundation

/// What messages lose of gradients comes with later ones.
extension TrainingCheck {
  static let errorFeedback: [TrainingCheck] = [
    TrainingCheck(name: "wire-long-run") { try checkLongRun(runEagerly: false) },
    TrainingCheck(name: "wire-long-run-eagerly") { try checkLongRun(runEagerly: true) },
    TrainingCheck(name: "wire-resume", run: checkResume),
    TrainingCheck(name: "wire-skipped-step", run: checkSkippedStep),
  ]
}

private struct ForgetfulHook: GradientHook {
  let name = "int8 without memory"
  let blockLength = Int8Hook().blockLength
  func byteCount(of count: Int) -> Int { Int8Hook().byteCount(of: count) }

  func encode(
    _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawPointer
  ) -> Bool { Int8Hook().encode(numbers, into: bytes) }

  func decode(
    _ bytes: UnsafeRawPointer, into numbers: UnsafeMutableBufferPointer<Float>, adds: Bool
  ) { Int8Hook().decode(bytes, into: numbers, adds: adds) }
}

private let features = 1500

/// A loss that is linear in the weights, so that its gradient is the same in every step, and other in each share.
private func linearModel(rate: Double, runEagerly: Bool = false) -> Model {
  Model(
    module: Linear(1, useBias: false), loss: MeanAbsoluteError(),
    optimizer: SGD(learningRate: rate), seed: 2, runEagerly: runEagerly)
}

private var x: Tensor { randomNormal([24, features], key: RandomKey(seed: 5)) }
private var y: Tensor { Tensor.full([24, 1], -1e5) }

/// With constant gradients the mean over T steps of what arrives differs from the true sum by at most half a step of each rank's scale, over T;
/// without memory it stays where it was.
private func checkLongRun(runEagerly: Bool) throws {
  // A power of two and small: the weights hardly round.
  let rate = 1.0 / 64
  let true_ = x.mean(axis: 0).scalars(as: Float.self).map(Double.init)
  func error(_ hook: any GradientHook, steps: Int) throws -> Double {
    let strategy = FixedStrategy(
      communicator, gradientReduction: BucketedAllReduce(hook: hook))
    return try DistributionContext.$strategy.withValue(strategy) {
      let model = linearModel(rate: rate, runEagerly: runEagerly)
      try model.trainOnBatch(x: x, y: y)
      let weights = { model.module.trainableVariables[0].value.scalars(as: Float.self) }
      let before = weights()
      for _ in 0..<steps { try model.trainOnBatch(x: x, y: y) }
      try requireSameOnAllRanks(model)
      return zip(zip(before, weights()), true_).map { pair, expected in
        Swift.abs(Double(pair.0 - pair.1) / (rate * Double(steps)) - expected)
      }.max() ?? .nan
    }
  }
  // Of each share's mean over 24 / size rows, divided by the number of ranks.
  let size = Double(communicator.size)
  let scale =
    1.1
    * (max(abs(x.reshape([communicator.size, 24 / communicator.size, features]).mean(axis: 1)))
      .item()) / 127 / size
  for steps in [4, 64] {
    let found = try error(.int8, steps: steps)
    // The loss of the first step and that of the last.
    let limit = sendsNothing ? 0 : size * scale / Double(steps)
    try require(
      found <= limit + 2e-5, "the mean of \(steps) steps is off by \(found), more than \(limit)")
  }
  guard !sendsNothing else { return }
  let forgotten = try error(ForgetfulHook(), steps: 64)
  try require(forgotten > scale / 8, "without memory the mean is off by \(forgotten) only")
}

private func inForce<R>(_ body: () throws -> R) throws -> R {
  let strategy = FixedStrategy(
    communicator, gradientReduction: BucketedAllReduce(hook: .int8))
  return try DistributionContext.$strategy.withValue(strategy, operation: body)
}

/// A training that goes on from a state has lost nothing: the same bits as one that was not broken off.
private func checkResume() throws {
  let folder = try communicator.broadcast(
    text: communicator.rank == 0
      ? TemporaryFolder.path("wire-\(UInt64.random(in: 0 ... .max))") : "")
  try inForce {
    let whole = linearModel(rate: 0.1)
    for _ in 0..<6 { try whole.trainOnBatch(x: x, y: y) }
    let first = linearModel(rate: 0.1)
    for _ in 0..<3 { try first.trainOnBatch(x: x, y: y) }
    try first.saveState(to: folder)
    let errors = first.optimizer?.variables.filter { $0.path.hasPrefix("gradient_error/") } ?? []
    try requireEqual(errors.count, sendsNothing ? 0 : 1, "tensors of what was lost")
    let second = linearModel(rate: 0.1)
    try second.restoreState(from: folder)
    for _ in 0..<3 { try second.trainOnBatch(x: x, y: y) }
    try requireEqual(second.weightsSHA256, whole.weightsSHA256, "weights after a state")
    try requireSameOnAllRanks(second)
  }
  // Where nothing is sent the state serves too.
  try communicator.barrier()
  let plain = linearModel(rate: 0.1)
  try plain.restoreState(from: folder)
  try plain.trainOnBatch(x: x, y: y)
}

/// A step that is left out leaves what was lost as it was.
private func checkSkippedStep() throws {
  for isEager in [false, true] {
    try inForce {
      let (skipping, expected) = (
        linearModel(rate: 0.1, runEagerly: isEager), linearModel(rate: 0.1, runEagerly: isEager)
      )
      skipping.nonFinite = .skipStep
      for model in [skipping, expected] { try model.trainOnBatch(x: x, y: y) }
      try skipping.trainOnBatch(x: x, y: y * Tensor(Float.nan))
      try requireEqual(skipping.skippedSteps, 1, "steps that were skipped")
      for model in [skipping, expected] { try model.trainOnBatch(x: x, y: y) }
      try requireEqual(skipping.weightsSHA256, expected.weightsSHA256, "weights")
    }
  }
}
