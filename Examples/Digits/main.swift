// Trains a network on handwritten digits. Alone: `Digits`; on two ranks: `mpirun -n 2 Digits`.
import Dist
import Engine

final class Network: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = Flatten()(x.cast(to: .float32) / 16)
    x = relu(Linear(128)(x))
    x = Dropout(0.2)(x)
    return Linear(10)(x)
  }
}

// One process when not started by mpirun or srun. Shares of a batch that are not equal count by their samples.
try withStrategy(.mpi, lossScaling: .globalBatch) {
  let digits = try Digits.load()
  let model = Model(
    module: Network(), loss: SparseCategoricalCrossentropy(fromLogits: true),
    metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: Adam(learningRate: 1e-3))
  try model.fit(
    x: digits.images, y: digits.labels, batchSize: 64, epochs: 30, validationSplit: 0.2)
  try model.saveWeights(to: "digits.safetensors")
}
