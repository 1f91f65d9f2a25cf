// An LSTM that must remember: somewhere in a sequence of letters are two marks, each X or Y, and the class says which ones in
// which order. Alone: `TemporalOrder`; on two ranks: `mpirun -n 2 TemporalOrder`.
//
// Hochreiter, Schmidhuber, *Long Short-Term Memory* (1997), experiment 6a, with sequences of different lengths.
import Dist
import Engine
import Foundation

let letters = Array("_abcdXY")  // 0 is no letter at all

/// Sequences of letters, shorter ones filled up with 0, and classes: 0 to 3 for XX, XY, YX, YY.
func sequences(
  _ count: Int, lengths: ClosedRange<Int>, seed: UInt64
) -> (letters: Tensor, classes: Tensor) {
  let draws = randomUniform(
    [count, lengths.upperBound + 5], key: RandomKey(seed: seed), dtype: .float64)
  var rows: [Int] = []
  var classes: [Int] = []
  for row in 0..<count {
    let r = draws[row].scalars(as: Double.self)
    let length = lengths.lowerBound + Int(r[0] * Double(lengths.count))
    var sequence = (0..<length).map { 1 + Int(4 * r[5 + $0]) }
    // One mark in either half.
    let half = length / 2
    let marks = [Int(2 * r[1]), Int(2 * r[2])]
    sequence[Int(r[3] * Double(half))] = 5 + marks[0]
    sequence[half + Int(r[4] * Double(length - half))] = 5 + marks[1]
    rows += sequence + Array(repeating: 0, count: lengths.upperBound - length)
    classes.append(2 * marks[0] + marks[1])
  }
  return (Tensor(rows, shape: [count, lengths.upperBound]), Tensor(classes))
}

final class Reader: Module {
  func call(_ text: Tensor) -> Tensor {
    let x = Embedding(inputs: letters.count, outputs: 8)(text)
    // Steps without a letter are skipped: the last state is that after the last letter.
    let state = LSTM(32)(x, mask: text .!= 0)
    return Linear(4)(state)
  }
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let isTiny = CommandLine.arguments.contains("--tiny")  // as the tests run it
  let lengths = isTiny ? 4...8 : 20...60
  let training = sequences(isTiny ? 1000 : 4000, lengths: lengths, seed: 1)
  let test = sequences(1000, lengths: lengths, seed: 2)

  let model = Model(
    module: Reader(), loss: SparseCategoricalCrossentropy(fromLogits: true),
    metrics: [SparseCategoricalAccuracy(name: "accuracy")],
    optimizer: Adam(learningRate: 1e-2, clipping: .globalNorm(1)))
  try model.fit(
    x: training.letters, y: training.classes, batchSize: 50, epochs: isTiny ? 12 : 6,
    validationData: try ValidationData(x: test.letters, y: test.classes))

  let logits: Tensor = try model.predict(x: test.letters)
  let accuracy = try model.evaluate(x: test.letters, y: test.classes)["accuracy"] ?? .nan
  if model.isChief {
    let guesses = argmax(logits, axis: -1).scalars(as: Int.self)
    for row in 0..<3 {
      let text = test.letters[row].scalars(as: Int.self).map { letters[$0] }
      print(String(text), ["XX", "XY", "YX", "YY"][guesses[row]])
    }
    // One who counts the marks and forgets their order is right three times in four.
    print(String(format: "right: %.1f %%, without the order: 75.0 %%", 100 * accuracy))
  }
}
