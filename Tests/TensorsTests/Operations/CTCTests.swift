import Foundation
import Tensors
import TensorsTestSupport
import Testing

@Suite("Connectionist temporal classification")
struct CTCTests {
  /// Losses and gradients, as a function of logits.
  private func results(
    _ example: FixtureCase, _ dtype: DType
  ) throws -> (losses: Tensor, gradient: Tensor) {
    let (labels, lengths) = (try example["labels"].tensor(), try example["lengths"].tensor())
    let labelLengths = try example["label_lengths"].tensor()
    let (blank, cotangent) = (
      try example["blank"].int(), try example["cotangent"].tensor(dtype)
    )
    let loss = { (x: Tensor) in
      ctcLoss(
        target: labels, output: x, targetLength: labelLengths, outputLength: lengths,
        maskIndex: blank)
    }
    let logits = try example["logits"].tensor(dtype)
    return (loss(logits), try grad { sum(loss($0) * cotangent) }(logits))
  }

  @Test(
    "Losses and gradients are those of PyTorch",
    arguments: try Fixture.load("ctc", from: .module).cases
  )
  func torch(_ example: FixtureCase) throws {
    for dtype in [DType.float64, .float32] {
      let (losses, gradient) = try results(example, dtype)
      let tolerance = dtype == .float64 ? 1e-12 : 1e-5
      expectClose(
        losses, try example["losses"].tensor(dtype), atol: tolerance, rtol: tolerance, "\(dtype)")
      expectClose(
        gradient, try example["gradient"].tensor(dtype), atol: tolerance, rtol: tolerance,
        "\(dtype)")
    }
  }

  /// All ways to say `labels` in `count` steps, one after the other.
  private func alignments(_ labels: [Int], _ count: Int, classes: Int) -> [[Int]] {
    var all: [[Int]] = [[]]
    for _ in 0..<count { all = all.flatMap { path in (0..<classes).map { path + [$0] } } }
    return all.filter { path in
      let said = path.indices.filter { $0 == 0 || path[$0] != path[$0 - 1] }.map { path[$0] }
      return said.filter { $0 != 0 } == labels
    }
  }

  @Test("The loss is the sum over all alignments, written out")
  func enumerated() throws {
    var draw = SeededGenerator(seed: 3)
    let (steps, classes) = (5, 3)
    let logits = draw.uniform([1, steps, classes], from: -2, to: 2)
    let logarithms = logSoftmax(logits).scalars(as: Double.self)
    for labels in [[], [1], [2, 2], [1, 2, 1], [1, 1, 2], [2, 2, 2]] as [[Int]] {
      let paths = alignments(labels, steps, classes: classes)
      let likelihood = paths.reduce(0) { total, path in
        let path = path.enumerated().reduce(0) { $0 + logarithms[$1.offset * classes + $1.element] }
        return total + exp(path)
      }
      let padded = labels + [Int](repeating: 0, count: 3 - labels.count)
      let loss = ctcLoss(
        target: Tensor([padded]), output: logits, targetLength: Tensor([labels.count]),
        outputLength: Tensor([steps]))
      expectClose(loss, [-log(likelihood)], atol: 1e-12, rtol: 1e-12, "\(labels)")
    }
  }

  @Test("Too few steps give about 100 000, and finite gradients")
  func impossible() throws {
    var draw = SeededGenerator(seed: 3)
    let logits = draw.uniform([2, 3, 4], from: -2, to: 2)
    let loss = { (x: Tensor) in
      ctcLoss(
        target: Tensor([[1, 1, 2], [1, 2, 3]]), output: x, targetLength: Tensor([3, 3]),
        outputLength: Tensor([3, 2]))
    }
    let values = loss(logits).scalars(as: Double.self)
    #expect(values.allSatisfy { abs($0 - 100_000) < 20 })
    let gradient = try grad { sum(loss($0)) }(logits)
    // In each step that there is, probabilities add up to 1 on both sides.
    expectClose(sum(gradient, axis: -1), [0, 0, 0, 0, 0, 0], atol: 1e-12)
    expectClose(gradient[1, 2], [0, 0, 0, 0], atol: 0)
    #expect(max(abs(gradient)).item() > 0.1)
  }

  @Test("A symbol that cannot be said makes an infinite loss, and no NaN")
  func forbiddenSymbol() throws {
    let logits = Tensor([[[0.0, -.infinity, 0], [0, -.infinity, 1]]])
    let loss = { (x: Tensor) in
      ctcLoss(
        target: Tensor([[1]]), output: x, targetLength: Tensor([1]), outputLength: Tensor([2]))
    }
    #expect(loss(logits).item() == .infinity)
  }

  @Test("Many sequences on several threads give what each gives alone")
  func threads() throws {
    var draw = SeededGenerator(seed: 4)
    let (count, steps, classes) = (37, 24, 7)
    let logits = draw.uniform([count, steps, classes], from: -3, to: 3)
    let labels = Tensor((0..<count * 8).map { 1 + $0 * $0 % 6 }, shape: [count, 8])
    let lengths = Tensor((0..<count).map { $0 % 9 })
    let numbers = Tensor((0..<count).map { 16 + $0 % 9 })
    let loss = { (x: Tensor, rows: Range<Int>) in
      ctcLoss(
        target: labels[rows], output: x, targetLength: lengths[rows], outputLength: numbers[rows])
    }
    let losses = loss(logits, 0..<count)
    let gradient = try grad { sum(loss($0, 0..<count)) }(logits)
    for row in 0..<count {
      let rows = row..<row + 1
      expectClose(losses[rows], loss(logits[rows], rows), atol: 0, rtol: 0)
      expectClose(
        gradient[rows], try grad { sum(loss($0, rows)) }(logits[rows]), atol: 0, rtol: 0)
    }
  }

  @Test("Wrong shapes, labels, lengths and blanks are errors")
  func errors() {
    let logits = Tensor.zeros([2, 4, 3])
    func loss(
      _ labels: Tensor, lengths: [Int] = [1, 1], steps: [Int] = [4, 4], blank: Int = 0
    ) -> Tensor {
      ctcLoss(
        target: labels, output: logits, targetLength: Tensor(lengths), outputLength: Tensor(steps),
        maskIndex: blank)
    }
    expectError("found [2], [2, 4, 3], [2] and [2]") { _ = loss(Tensor([1, 2])) }
    expectError("found [3, 1], [2, 4, 3], [2] and [2]") { _ = loss(Tensor([[1], [2], [1]])) }
    expectError("number 3 at position 1 does not exist: it must be in 0..<3") {
      _ = loss(Tensor([[1], [3]]))
    }
    expectError("number 2 at position 0 does not exist: it must be in 0..<2") {
      _ = loss(Tensor([[1], [2]]), lengths: [2, 1])
    }
    expectError("number 5 at position 1 does not exist: it must be in 0..<5") {
      _ = loss(Tensor([[1], [2]]), steps: [4, 5])
    }
    expectError("the blank 3 is none of 3 classes") { _ = loss(Tensor([[1], [2]]), blank: 3) }
  }
}
