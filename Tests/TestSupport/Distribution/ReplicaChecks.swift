import Engine

/// Loss scaling by replicas with the numbers that Keras gave for the same shares.
///
/// Measured on TensorFlow 2.9.3 with Keras 2.9.0 (`MirroredStrategy`, 1 to 3 replicas): `y = w · x`, mean squared error, `w = 1`, one
/// step of SGD with a learning rate of 1. The logged loss is that of one process whatever the shares; the gradient is the mean over
/// ranks of the mean over a rank's samples, where a rank without samples counts 0. Keras cuts 10 rows for 3 replicas into 4, 4 and 2;
/// here they are 4, 3 and 3 (``Sharding``), as with Keras's policies `FILE` and `OFF`: those rows of the table follow from the rule.
func checkKerasReplicas() throws {
  let tenths = (1...10).map { Double($0) / 10 }
  let cases = [
    ReplicaCase(
      "ten rows", x: tenths, loss: 0.385, gradients: [0.77, 0.77, 2.5166666666666666 / 3]),
    ReplicaCase("one row", x: [0.1], loss: 0.01, gradients: [0.02, 0.01, 0.02 / 3, 0.005]),
    ReplicaCase(
      "weighted rows", x: Array(tenths[..<4]), weights: [1, 0, 2, 4], loss: 0.2075,
      gradients: [0.415, 0.415, 0.55, 0.415]),
    ReplicaCase(
      "a penalty", x: [0, 0, 0, 0], penalty: 0.1, loss: 0.1, gradients: [0.2, 0.2, 0.2, 0.2]),
    ReplicaCase(
      "no reduction", x: Array(tenths[..<6]), reduction: .none, loss: 0.1516666666666667,
      gradients: [1.82, 1.82, 1.82, 1.82]),
  ]
  for example in cases where communicator.size <= example.gradients.count { try example.check() }
}

private struct ReplicaCase {
  let name: String
  let x: [Double]
  var weights: [Double]?
  var penalty = 0.0
  var reduction = Reduction.auto
  let loss: Double
  /// On 1, 2, ... ranks.
  let gradients: [Double]

  init(
    _ name: String, x: [Double], weights: [Double]? = nil, penalty: Double = 0,
    reduction: Reduction = .auto, loss: Double, gradients: [Double]
  ) {
    (self.name, self.x, self.weights, self.penalty) = (name, x, weights, penalty)
    (self.reduction, self.loss, self.gradients) = (reduction, loss, gradients)
  }

  func check() throws {
    for runEagerly in [false, true] {
      let layer = Linear(
        1, useBias: false, kernelInitializer: Ones(),
        kernelRegularizer: penalty > 0 ? L2(penalty) : nil)
      let model = Model(
        module: layer, loss: MeanSquaredError(reduction: reduction),
        optimizer: SGD(learningRate: 1), runEagerly: runEagerly)
      let x = Tensor(x).expandDims(axis: 1)
      let logs = try weightedBySamples(scaling: .replicas) {
        try model.trainOnBatch(x: x, y: 0 * x, sampleWeight: weights.map { Tensor($0) })
      }
      let gradient = 1 - model.module.trainableVariables[0].value.item()
      let expected = gradients[communicator.size - 1]
      try require(
        Swift.abs((logs["loss"] ?? .nan) - loss) < 1e-6, "\(name): the loss is \(logs)")
      try require(
        Swift.abs(gradient - expected) < 1e-6,
        "\(name): the gradient is \(gradient), not \(expected)")
    }
  }
}
