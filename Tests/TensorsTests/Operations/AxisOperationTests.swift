import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// Sorting, running results and norms.
@Suite struct AxisOperationTests {
  private func run(_ example: FixtureCase, _ x: Tensor) throws -> Tensor {
    let axis = try example["axis"].int()
    let operation = try example["operation"].string()
    switch operation {
    case "sort": return sort(x, axis: axis, descending: try example["descending"].bool())
    case "argsort": return argsort(x, axis: axis, descending: try example["descending"].bool())
    case "topK": return topK(x, try example["k"].int(), axis: axis).values
    case "cumulativeProduct": return cumulativeProduct(x, axis: axis)
    case "cumulativeMax": return cumulativeMax(x, axis: axis)
    case "cumulativeMin": return cumulativeMin(x, axis: axis)
    case "cumulativeLogSumExp": return cumulativeLogSumExp(x, axis: axis)
    case "norm": return norm(x, order: try example["order"].double(), axis: axis)
    case "logSumExp": return logSumExp(x, axis: axis)
    case "standardDeviation": return standardDeviation(x, axis: axis)
    case "clip": return clip(x, min: -0.5, max: 0.7)
    default:
      Issue.record("no operation \(operation)")
      return x
    }
  }

  @Test(
    "Values and gradients are PyTorch's, at once and compiled",
    arguments: try Fixture.load("operations", from: .module).cases, [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let tolerance = dtype == .float64 ? 1e-8 : 2e-6
    let x = try example["x"].tensor(dtype)
    let expected = try example["output"].tensor(.float64)
    for output in [try withErrors { try run(example, x) }, try jit { try run(example, $0) }(x)] {
      expectClose(output, expected, atol: tolerance, rtol: tolerance)
    }
    guard let cotangent = try example.optional("cotangent")?.tensor(dtype) else { return }
    let gradient = try example["gradient"].tensor(dtype)
    let slope = grad { (x: Tensor) in sum(try run(example, x) * cotangent) }
    for actual in [try slope(x), try jit { (x: Tensor) in try slope(x) }(x)] {
      expectClose(actual, gradient, atol: tolerance, rtol: tolerance)
    }
  }

  @Test func `NaN comes last, first when descending, and equal elements keep their order`() {
    let x = Tensor([2, .nan, 1, 2, -.infinity] as [Double], dtype: .float64)
    expectClose(sort(x), [-.infinity, 1, 2, 2, .nan])
    expectClose(argsort(x), [4, 2, 0, 3, 1])
    expectClose(argsort(x, descending: true), [1, 0, 3, 2, 4])
  }

  @Test(arguments: [DType.float32, .float64, .int32, .int64, .uint8])
  func `every numeric type can be sorted`(dtype: DType) {
    let x = Tensor([3, 1, 2, 1], dtype: dtype)
    #expect(x.sort().dtype == dtype)
    expectClose(x.sort(), [1, 1, 2, 3])
    expectClose(x.argsort(), [1, 3, 2, 0])
  }

  @Test func `topK gives values and places, and says what k can be`() {
    let (values, indices) = topK(Tensor([[1.0, 5, 3], [4, 4, 2]]), 2)
    expectClose(values, [5, 3, 4, 4])
    expectClose(indices, [1, 2, 0, 1])
    expectError("k must be in 0...3") { _ = topK(Tensor([1.0, 2, 3]), 4) }
    expectError("axis 1 does not exist") { _ = sort(Tensor([1.0, 2, 3]), axis: 1) }
    expectError("does not work on bool") {
      _ = apply(SortOperation(axis: 0, descending: false), [Tensor([1.0]) .> 0])
    }
  }

  @Test func `gradients at zero are numbers`() throws {
    let zeros = Tensor.zeros([3])
    for order in [1.0, 2, 3, .infinity, -.infinity, 0] {
      expectClose(try grad { (x: Tensor) in norm(x, order: order) }(zeros), [0, 0, 0])
    }
    expectClose(try grad { (x: Tensor) in standardDeviation(x) }(.ones([3])), [0, 0, 0])
    expectClose(try grad { (x: Tensor) in sum(safeSqrt(x)) }(Tensor([0.0, 4])), [0, 0.25])
    #expect(safeSqrt(Tensor(-1.0)).item().isNaN)
  }

  @Test func `logarithms of sums of infinities`() throws {
    let none = Tensor([-Double.infinity, -.infinity], dtype: .float64)
    #expect(logSumExp(none).item() == -.infinity)
    expectClose(cumulativeLogSumExp(none, axis: 0), [-.infinity, -.infinity])
    let one = Tensor([-Double.infinity, 3], dtype: .float64)
    expectClose(try grad { (x: Tensor) in logSumExp(x) }(one), [0, 1])
    expectClose(
      try grad { (x: Tensor) in cumulativeLogSumExp(x, axis: 0)[1] }(one), [0, 1])
    #expect(logSumExp(Tensor([1.0, .infinity])).item() == .infinity)
    expectClose(logSumExp(Tensor([1000.0, 1000])).item(), 1000.6931, rtol: 1e-6)
  }

  @Test(
    arguments: [
      (DType.float32, 1e20), (.float32, 2e37), (.float32, 1e-30), (.float32, 1), (.float64, 1e200),
      (.float64, 1e-200), (.float64, 1),
    ])
  func `norms of large and tiny numbers`(_ dtype: DType, _ scale: Double) throws {
    let x = Tensor([[3 * scale, 0, 5 * scale], [4 * scale, 0, 12 * scale]], dtype: dtype)
    expectClose(norm(x, axis: 0), [5 * scale, 0, 13 * scale], atol: 0, rtol: 1e-6)
    expectClose(norm(x[.all, 0..<1]), [5 * scale], atol: 0, rtol: 1e-6)
    expectClose(
      norm(x, axis: 1, keepDims: true) / scale,
      [Double(34).squareRoot(), Double(160).squareRoot()], rtol: 1e-6)
    // (3³ + 4³ + 5³)^(1/3) = 6
    let six = Tensor([3 * scale, 4 * scale, 5 * scale], dtype: dtype)
    expectClose(norm(six, order: 3).item(), 6 * scale, atol: 0, rtol: 1e-6)
    let slope = try grad { (x: Tensor) in norm(x) }(x[.all, 0])
    expectClose(slope, [0.6, 0.8], rtol: 1e-6)
    let unit = normalize(x, axes: [0], epsilon: 1e-300)
    expectClose(unit[.all, 0], [0.6, 0.8], rtol: 1e-6)
  }

  @Test func `norms of many numbers, along any axes, and of what is no number`() {
    // Σ 1² = n, beyond what one part of the sum holds.
    for shape in [[300_001], [1000, 301], [3, 70_001]] as [Shape] {
      let ones = Tensor.ones(shape)
      expectClose(norm(ones).item(), Double(shape.elementCount).squareRoot(), rtol: 1e-6)
      let columns: Shape = shape.rank == 1 ? [] : [shape[1]]
      expectClose(
        norm(ones, axis: 0), .full(columns, Double(shape[0]).squareRoot()), rtol: 1e-6)
    }
    let cube = Tensor.ones([2, 3, 4])
    expectClose(norm(cube, axes: [0, 2]), .full([3], Double(8).squareRoot()), rtol: 1e-6)
    expectClose(norm(Tensor([1, .infinity, 1])).item(), .infinity)
    expectClose(norm(Tensor([1, .infinity, .nan])).item(), .nan)
    expectClose(norm(Tensor([1, .infinity, .nan], dtype: .float64)).item(), .nan)
    expectClose(norm(Tensor.zeros([0, 2]), axis: 0), [0, 0])
    expectClose(norm(Tensor.zeros([0, 2]), order: 3, axis: 0), [0, 0])
  }

  @Test func `norm of order 0 counts, and integers are made floating`() {
    expectClose(norm(Tensor([3, 0, 4]), order: 0).item(), 2)
    expectClose(norm(Tensor([3, 0, 4])).item(), 5)
    expectClose(cumulativeProduct(Tensor([2, 3, 4]), axis: 0), [2, 6, 24])
    expectClose(clip(Tensor([1.0, 5, 9]), min: 2), [2, 5, 9])
  }
}
