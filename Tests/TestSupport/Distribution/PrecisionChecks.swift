import Engine

/// Products that round their factors to bfloat16, on ranks and in one process.
///
/// Factors are the same numbers wherever a row is computed, and their products are added in float32, so one step differs by the
/// order of sums alone where 1/replicas is a power of 2. Otherwise gradients of the loss are rounded after another scaling: by half a unit of 8
/// bits, in either factor. Later steps begin with weights that differ in their last bits, some of which round the other way.
func checkMixedPrecision() throws {
  try check(Sequential([Linear(64, activation: .tanh), Linear(32)]), [384, 40], ["matMul"])
  try check(
    ConvolutionAndAttention(), [384, 5, 5, 16],
    ["conv2D", "conv2DKernelGradient", "attention", "attentionGradient"])
}

/// A convolution that is a product, and attention over its pixels.
private final class ConvolutionAndAttention: Module {
  func call(_ x: Tensor) -> Tensor {
    let y = tanh(Conv2D(32, kernelSize: 5, padding: .same)(x)).reshape([x.shape[0], 25, 32])
    // Attention does not change with the bias of keys, whose gradient would be rounding alone.
    return Linear(32)(Flatten()(MultiHeadAttention(numHeads: 2, keyDim: 16, useBias: false)(y)))
  }
}

private func check(
  _ module: @autoclosure @escaping () -> any Module, _ shape: Shape, _ names: [String]
) throws {
  let x = randomNormal(shape, key: RandomKey(seed: 31))
  let y = randomNormal([384, 32], key: RandomKey(seed: 32))
  func train(steps: Int, precision: PrecisionPolicy) throws -> (Model, Double) {
    let model = Model(
      module: module(), loss: MeanSquaredError(),
      optimizer: SGD(learningRate: 0.1), seed: 9, precision: precision)
    if precision == .mixedBFloat16 { model.usesBFloat16 = true }
    var loss = Double.nan
    for step in 0..<steps {
      let rows = (192 * (step % 2))..<(192 * (step % 2) + 192)
      loss = try model.trainOnBatch(x: x[rows], y: y[rows])["loss"] ?? .nan
    }
    return (model, loss)
  }
  let half = 1.0 / 256
  let isPowerOfTwo = communicator.size.nonzeroBitCount == 1
  let (expected, _) = try alone { try train(steps: 1, precision: .mixedBFloat16) }
  let (model, _) = try train(steps: 1, precision: .mixedBFloat16)
  for name in names {
    try require(
      model.planOfLastStep?.description.contains("\(name)[bfloat16]") == true,
      "\(name) does not round")
  }
  try requireSameWeights(model, expected, tolerance: isPowerOfTwo ? 1e-6 : 2 * half * 0.1)
  let (_, expectedLoss) = try alone { try train(steps: 20, precision: .mixedBFloat16) }
  let (trained, loss) = try train(steps: 20, precision: .mixedBFloat16)
  try requireSameOnAllRanks(trained)
  try require(
    Swift.abs(loss - expectedLoss) <= half * expectedLoss,
    "the loss after 20 steps is \(loss), one process says \(expectedLoss)")
}
