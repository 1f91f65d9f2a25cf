// What was learned on the digits 0 to 4 helps with 5 to 9, of which few have labels. Alone: `TransferLearning`; on two ranks:
// `mpirun -n 2 TransferLearning`.
import Dist
import Engine
import Foundation

/// From an image to features that say what is in it.
final class Trunk: Module {
  func call(_ image: Tensor) -> Tensor {
    var x = expandDims(image, axis: -1)
    x = Conv2D(16, kernelSize: 3, padding: .same, activation: .relu)(x)
    x = MaxPooling2D()(x)
    return Flatten()(Conv2D(32, kernelSize: 3, padding: .same, activation: .relu)(x))
  }
}

/// A trunk, which others may have too, and a head of its own.
final class Classifier: Module {
  let trunk: Trunk

  init(_ trunk: Trunk) {
    self.trunk = trunk
    super.init()
  }

  func call(_ image: Tensor) -> Tensor { Linear(5)(trunk(image)) }
}

func model(_ classifier: Classifier, learningRate: Double) -> Model {
  Model(
    module: classifier, loss: SparseCategoricalCrossentropy(fromLogits: true),
    metrics: [SparseCategoricalAccuracy(name: "accuracy")],
    optimizer: Adam(learningRate: learningRate))
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let isTiny = CommandLine.arguments.contains("--tiny")  // as the tests run it
  let epochs = 10
  let digits = try Digits.load()
  let labels = digits.labels.scalars(as: Int.self)
  func part(_ wanted: ClosedRange<Int>, in rows: Range<Int>) -> (x: Tensor, y: Tensor) {
    let found = Tensor(rows.filter { wanted.contains(labels[$0]) })
    return (digits.images[found] / 16, digits.labels[found] - wanted.lowerBound)
  }
  let (many, few) = (part(0...4, in: 0..<1437), part(5...9, in: 0..<50))
  let test = part(5...9, in: 1437..<1797)
  /// Trains on few images; the accuracy is that on the test images.
  func accuracy(_ model: Model, epochs: Int) throws -> Double {
    try model.fit(x: few.x, y: few.y, batchSize: 16, epochs: epochs, verbose: .silent)
    return try model.evaluate(x: test.x, y: test.y)["accuracy"] ?? .nan
  }
  // As many steps as the other way takes on these images.
  let scratch = try accuracy(model(Classifier(Trunk()), learningRate: 1e-3), epochs: 2 * epochs)

  let trunk = Trunk()
  try model(Classifier(trunk), learningRate: 1e-3)
    .fit(x: many.x, y: many.y, batchSize: 32, epochs: isTiny ? 5 : 15)
  let learned: Tensor = trunk.conv2d.kernel
  /// How far a weight of the first layer has gone from there.
  func moved() -> Double { max(abs(trunk.conv2d.kernel - learned)).item() }

  // The head alone is trained; the trunk stays what it is.
  trunk.freeze()
  let classifier = Classifier(trunk)
  let frozen = try accuracy(model(classifier, learningRate: 1e-2), epochs: epochs)
  let movedFrozen = moved()

  // Then all of it, in small steps.
  trunk.unfreeze()
  let tuned = try accuracy(model(classifier, learningRate: 3e-4), epochs: epochs)

  if DistributionContext.strategy.communicator.rank == 0 {
    print(classifier.tabulate())
    print(
      String(
        format: "from scratch: %.1f %%; frozen trunk: %.1f %%; fine-tuned: %.1f %%; "
          + "the trunk's weights moved by %.4f, and then by %.4f",
        100 * scratch, 100 * frozen, 100 * tuned, movedFrozen, moved()))
  }
}
