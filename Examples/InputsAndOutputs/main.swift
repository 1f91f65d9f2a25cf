// Two images, two answers: the sum of two digits, and whether the left one is larger. A functional model with named inputs and
// outputs. Alone: `InputsAndOutputs`; on two ranks: `mpirun -n 2 InputsAndOutputs`.
import Dist
import Engine
import Foundation

/// Every image of a range beside `copies` others, chosen at random: the inputs and the labels by name.
func pairs(
  of digits: (images: Tensor, labels: Tensor), in range: Range<Int>, copies: Int
) -> (x: [String: Tensor], y: [String: Tensor]) {
  let orders = (0..<copies).map { copy in
    Tensor(Permutation.shuffled(count: range.count, seed: 7, epoch: copy))
  }
  let right = concatenate(orders) + range.lowerBound
  let left = tile(Tensor.arange(range.count), [copies]) + range.lowerBound
  let (a, b) = (digits.labels[left], digits.labels[right])
  return (
    x: ["left": digits.images[left] / 16, "right": digits.images[right] / 16],
    y: ["sum": (a + b).cast(to: .float32), "larger": (a .> b).cast(to: .float32)]
  )
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let isTiny = CommandLine.arguments.contains("--tiny")  // as the tests run it
  let digits = try Digits.load()
  let training = pairs(of: digits, in: 0..<1437, copies: isTiny ? 1 : 8)
  let test = pairs(of: digits, in: 1437..<1797, copies: 4)

  let left = Input(shape: [8, 8], name: "left")
  let right = Input(shape: [8, 8], name: "right")
  // One reader for both: it is called twice and has its weights once.
  let reader = Sequential(
    Flatten(), Dense(64, activation: .relu), Dense(32, activation: .relu), name: "reader")
  let both = concatenate([reader(left), reader(right)], axis: -1)
  let hidden = Dense(64, activation: .relu, name: "hidden")(both)

  // The square of a sum of digits is a larger number than a crossentropy: the weights bring both to about 1.
  let model = Model(
    inputs: [left, right],
    outputs: [
      "sum": Dense(1, name: "sum_head")(hidden), "larger": Dense(1, name: "larger_head")(hidden),
    ],
    losses: [
      MeanSquaredError(weight: 0.1, on: "sum"),
      BinaryCrossentropy(fromLogits: true, weight: 1, on: "larger"),
    ],
    metrics: [
      Metrics.MeanAbsoluteError(on: "sum", name: "off_by"),
      BinaryAccuracy(threshold: 0, on: "larger", name: "accuracy"),
    ],
    optimizer: Adam(learningRate: 2e-3))
  if model.isChief { print(model.summary()) }
  try model.fit(
    x: training.x, y: training.y, batchSize: 64, epochs: isTiny ? 8 : 10,
    validationData: try ValidationData(x: test.x, y: test.y))

  let logs = try model.evaluate(x: test.x, y: test.y)
  // `predict` gives outputs by name too.
  let outputs: [String: Tensor] = try model.predict(x: test.x)
  if model.isChief, let sums = outputs["sum"], let expected = test.y["sum"] {
    for index in 0..<3 {
      print(String(format: "sum %.0f: %.1f", expected[index].item(), sums[index].item()))
    }
    let blind = mean(abs(expected - mean(expected))).item()
    print(
      String(
        format: "sum off by: %.2f, always the mean: %.2f; larger: %.1f %%",
        logs["off_by"] ?? .nan, blind, 100 * (logs["accuracy"] ?? .nan)))
  }
}
