import Engine

/// What becomes of a step in which one rank meets a number that is not finite.
extension TrainingCheck {
  static let nonFinite: [TrainingCheck] = [false, true].flatMap { isEager in
    let suffix = isEager ? "-eagerly" : ""
    return [
      TrainingCheck(name: "not-finite-stops" + suffix) { try checkStop(runEagerly: isEager) },
      TrainingCheck(name: "not-finite-is-skipped" + suffix) { try checkSkip(runEagerly: isEager) },
      TrainingCheck(name: "not-finite-gradient" + suffix) {
        try checkGradient(runEagerly: isEager)
      },
      TrainingCheck(name: "not-finite-ignored" + suffix) { try checkIgnore(runEagerly: isEager) },
    ]
  }
}

/// Batch normalisation has statistics, which a step that is left out must not touch.
private final class Normed: Module {
  func call(_ x: Tensor) -> Tensor { Linear(1)(BatchNormalization()(Linear(4)(x))) }
}

private let rows = 12
private let steps = 4

/// Four batches of 12 rows.
private var y: Tensor { x.sum(axis: 1, keepDims: true) }
private var x: Tensor { randomNormal([rows * steps, 3], key: RandomKey(seed: 3)) }

/// One row of the last rank's share is NaN in the third batch.
private var spoiled: Tensor {
  var values = x.scalars(as: Float.self)
  values[(3 * rows - 1) * 3] = .nan
  return Tensor(values, shape: [rows * steps, 3])
}

private func model(runEagerly: Bool) -> Model {
  Model(
    module: Normed(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1, momentum: 0.9),
    seed: 7, runEagerly: runEagerly)
}

private func fit(_ model: Model, _ x: Tensor, _ y: Tensor) throws {
  try model.fit(x: x, y: y, batchSize: rows, verbose: .silent, shuffle: false)
}

private var who: String {
  communicator.size == 1 ? "the loss is nan" : "rank \(communicator.size - 1): the loss is nan"
}

private func variables(of model: Model) -> [Float] {
  model.variables.flatMap { $0.value.scalars(as: Float.self) }
}

private func checkStop(runEagerly: Bool) throws {
  let (stopped, expected) = (model(runEagerly: runEagerly), model(runEagerly: runEagerly))
  let error = try requireError("a loss that is NaN") { try fit(stopped, spoiled, y) }
  let last = communicator.size - 1
  try requireEqual(
    error as? EngineError,
    .notFinite(
      EngineError.NonFiniteStep(
        call: "fit", epoch: 0, step: 2,
        findings: [EngineError.NonFiniteStep.Finding(rank: last, tensor: "the loss", value: "nan")],
        ranks: communicator.size)),
    "the error that names step and rank")
  try require(
    "\(error)".hasPrefix("fit, epoch 1, step 3: \(who)."),
    "the error must name step and rank: \(error)")
  try agree(on: ["\(error)"], subject: "the error", communicator: communicator)
  try expected.fit(
    x: x, y: y, batchSize: rows, verbose: .silent, shuffle: false, stepsPerEpoch: 2)
  // Ranks average statistics at the end of an epoch only.
  let (a, b) = (stopped.module.trainableVariables, expected.module.trainableVariables)
  for (a, b) in zip(a, b) {
    try requireEqual(
      a.value.scalars(as: Float.self), b.value.scalars(as: Float.self), "\(a.path) before the step")
  }
}

private func checkSkip(runEagerly: Bool) throws {
  let (skipping, expected) = (model(runEagerly: runEagerly), model(runEagerly: runEagerly))
  skipping.nonFinite = .skipStep
  try fit(skipping, spoiled, y)
  try requireEqual(skipping.skippedSteps, 1, "steps that were skipped")
  func without(_ tensor: Tensor) -> Tensor {
    concatenate([tensor[0..<2 * rows], tensor[3 * rows..<4 * rows]], axis: 0)
  }
  try fit(expected, without(x), without(y))
  let (a, b) = (variables(of: skipping), variables(of: expected))
  for (a, b) in zip(a, b) {
    try require(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(a) with a step skipped, \(b) without it")
  }
  try requireEqual(
    skipping.history["loss"].count, 1, "the epochs with a loss")
  try require(skipping.history["loss"][0].isFinite, "the loss must leave the step out")
}

/// The loss is finite, but the gradient of a square root at 0 is not.
private func checkGradient(runEagerly: Bool) throws {
  final class Rooted: Module {
    func call(_ x: Tensor) -> Tensor {
      let p = parameter("p", shape: [1], initializer: Zeros())
      return Linear(1)(x) + sqrt(p)
    }
  }
  let model = Model(
    module: Rooted(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1),
    runEagerly: runEagerly)
  let error = try requireError("a gradient that is infinite") { try fit(model, x, y) }
  try require(
    "\(error)".contains("fit, epoch 1, step 1") && "\(error)".contains("the gradient of p is "),
    "the error must name the parameter: \(error)")
  try agree(on: ["\(error)"], subject: "the error", communicator: communicator)
}

private func checkIgnore(runEagerly: Bool) throws {
  let model = model(runEagerly: runEagerly)
  model.nonFinite = .ignore
  try fit(model, spoiled, y)
  try require(!model.hasFiniteWeights, "without a look weights become NaN")
}
