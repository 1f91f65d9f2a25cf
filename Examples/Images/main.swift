// A loss, a metric, a layer and a callback of one's own: a residual network on handwritten digits. Alone: `Images`; on three
// ranks: `mpirun -n 3 Images`.
import Dist
import Engine

/// Moves every image by up to `pixels`, each by its own amount, in training.
final class RandomShift: Module {
  let pixels: Int

  init(_ pixels: Int) {
    self.pixels = pixels
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    guard isTraining else { return x }
    let (count, size) = (x.shape[0], x.shape[1])
    let padded = pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])
    let wide = size + 2 * pixels
    // One-hot rows that pick `size` of the padded rows, or columns.
    func picks() -> Tensor {
      let start = floor(
        randomUniform([count, 1], key: nextKey(), low: 0, high: Double(2 * pixels + 1)))
      return oneHot(start.cast(to: .int32) + Tensor.arange(size), depth: wide)
    }
    let rows = matmul(picks(), padded.reshape([count, wide, wide]))
    return matmul(rows, transpose(picks(), [0, 2, 1])).reshape([count, size, size, 1])
  }
}

/// He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition* (2015).
final class ResidualBlock: Module {
  let filters: Int

  init(_ filters: Int) {
    self.filters = filters
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    var y = Conv2D(filters, kernelSize: 3, strides: 2, padding: .same, useBias: false)(x)
    y = relu(BatchNormalization(momentum: 0.9)(y))
    y = Conv2D(filters, kernelSize: 3, padding: .same, useBias: false)(y)
    y = BatchNormalization(momentum: 0.9)(y)
    return relu(y + Conv2D(filters, kernelSize: 1, strides: 2, padding: .same)(x))
  }
}

final class Network: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = RandomShift(1)(Rescaling(1.0 / 16)(x))
    x = relu(Conv2D(8, kernelSize: 3, padding: .same)(x))
    x = ResidualBlock(16)(x)
    x = ResidualBlock(32)(x)
    return Linear(10)(Dropout(0.2)(Flatten()(x)))
  }
}

/// Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection* (2017), with smoothed labels.
struct FocalLoss: Loss {
  struct Inputs: Decodable {
    let yTrue, yPred: Tensor
  }

  var gamma = 2.0
  var smoothing = 0.05

  /// One value a sample: means and weights are the model's business.
  func call(_ i: Inputs) -> Tensor {
    let classes = i.yPred.shape[-1]
    let target = oneHot(i.yTrue, depth: classes) * (1 - smoothing) + smoothing / Double(classes)
    let logProbability = logSoftmax(i.yPred)
    return -sum(target * pow(1 - exp(logProbability), gamma) * logProbability, axis: -1)
  }
}

/// Of the samples of each class, the part that is found. A result of several parts is logged part by part.
final class Recalls: Metric {
  struct Inputs: Decodable {
    let yTrue, yPred: Tensor
  }

  func update(_ i: Inputs) {
    let matrix = state("matrix", shape: [10, 10])
    let truth = oneHot(i.yTrue, depth: 10)
    let guess = oneHot(argmax(i.yPred, axis: -1), depth: 10)
    matrix.value = matrix.value + matmul(transpose(truth), guess).cast(to: .float64)
  }

  func result() -> [String: Tensor] {
    let matrix = state("matrix", shape: [10, 10]).value
    let recalls = takeDiagonal(matrix) / maximum(sum(matrix, axis: 1), 1)
    return ["worst": min(recalls), "mean": mean(recalls)]
  }

  private func takeDiagonal(_ matrix: Tensor) -> Tensor {
    sum(matrix * oneHot(Tensor.arange(10), depth: 10).cast(to: .float64), axis: 1)
  }
}

/// Ends training when few of some images are taken for something else. Every rank has it, and predicts its share.
final class GoodEnough: Callback {
  let x: Tensor
  let y: Tensor
  let goal: Double

  init(_ x: Tensor, _ y: Tensor, goal: Double) {
    (self.x, self.y, self.goal) = (x, y, goal)
    super.init()
  }

  override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    guard let model = model as? Model else { return }
    let logits: Tensor = try model.predict(x: x, batchSize: 128)
    let wrong = sum((argmax(logits, axis: -1) .!= y).cast(to: .int32)).item()
    logs["misclassified"] = wrong
    if wrong <= goal { model.stopTraining = true }
  }
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let epochs = CommandLine.arguments.contains("--tiny") ? 3 : 20  // 3 as the tests run it
  let digits = try Digits.load()
  let images = digits.images.reshape([-1, 8, 8, 1])
  let (training, test) = (0..<1437, 1437..<1797)
  let steps = (training.count + 63) / 64
  let model = Model(
    module: Network(), loss: FocalLoss(),
    metrics: [SparseCategoricalAccuracy(name: "accuracy"), Recalls(name: "recall")],
    optimizer: Adam(
      learningRate: CosineDecay(initialLearningRate: 1e-2, decaySteps: epochs * steps)))
  try model.fit(
    x: images[training], y: digits.labels[training], batchSize: 64, epochs: epochs,
    callbacks: [
      GoodEnough(images[test], digits.labels[test], goal: 5),
      ModelCheckpoint(path: "best.safetensors", monitor: "val_accuracy", saveBestOnly: true),
    ],
    validationData: try ValidationData(x: images[test], y: digits.labels[test]))
  try model.loadWeights(from: "best.safetensors")
  let logs = try model.evaluate(x: images[test], y: digits.labels[test])
  if model.isChief { print(logs) }
}
