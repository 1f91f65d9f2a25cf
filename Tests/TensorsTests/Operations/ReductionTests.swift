import Tensors
import TensorsTestSupport
import Testing

@Suite("Reductions")
struct ReductionTests {
  private let x = Tensor([[[1.0, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]])

  @Test(
    "A sum has the shape and values of NumPy for any axes",
    arguments: [
      ([0], [2, 2], [15, 18, 21, 24]), ([1], [3, 2], [4, 6, 12, 14, 20, 22]),
      ([-1], [3, 2], [3, 7, 11, 15, 19, 23]), ([0, 1], [2], [36, 42]), ([0, 2], [2], [33, 45]),
      ([2, 1], [3], [10, 26, 42]), ([0, 1, 2], [], [78]), ([], [3, 2, 2], Array(1...12)),
    ] as [([Int], [Int], [Int])])
  func sums(_ axes: [Int], _ shape: [Int], _ values: [Int]) {
    let result = sum(x, axes: axes)
    #expect(result.shape == Shape(shape))
    expectClose(result, values.map(Double.init))
    let kept = sum(x, axes: axes, keepDims: true)
    #expect(kept.rank == 3)
    expectClose(kept, values.map(Double.init))
  }

  @Test("Without axes everything is reduced")
  func everything() {
    #expect(sum(x).shape == [])
    #expect(sum(x).item() == 78)
    #expect(mean(x).item() == 6.5)
    #expect(max(x).item() == 12)
    #expect(min(x).item() == 1)
    #expect(prod(x[0]).item() == 24)
    #expect(x.sum(axis: 0, keepDims: true).shape == [1, 2, 2])
  }

  @Test("Largest and smallest elements follow any axes, and NaN wins")
  func extremes() {
    expectClose(max(x, axes: [0, 2]), [10, 12])
    expectClose(min(x, axis: 1), [1, 2, 5, 6, 9, 10])
    expectClose(max(Tensor([1, Double.nan])), [.nan])
    #expect(max(Tensor([true, false])).item() == 1)
  }

  @Test("argmax and argmin give the first of equals as int32")
  func positions() {
    let y = Tensor([[1.0, 3, 3], [2, 0, 0]])
    #expect(argmax(y, axis: 1).dtype == .int32)
    expectClose(argmax(y, axis: 1), [1, 0])
    expectClose(argmin(y, axis: -1, keepDims: true), [0, 1])
    expectClose(argmax(y, axis: 0), [1, 0, 0])
    #expect(argmax(y).item() == 1)
    #expect(argmax(y, keepDims: true).shape == [1, 1])
    #expect(argmax(y.transpose()).item() == 2)
  }

  @Test("any and all test for what differs from 0")
  func tests() {
    let y = Tensor([[0.0, 2], [0, 0]])
    #expect(any(y, axis: 1).scalars(as: Bool.self) == [true, false])
    #expect(all(y, axis: 0).scalars(as: Bool.self) == [false, false])
    #expect(any(y).item() == 1)
    #expect(all(Tensor([Bool]())).item() == 1)
  }

  @Test("Variance is that of the population")
  func variances() {
    expectClose(variance(Tensor([1.0, 2, 3, 4])), [1.25])
    expectClose(variance(x, axis: 0), [32 / 3, 32 / 3, 32 / 3, 32 / 3])
    // The mean of squares less the square of the mean would lose every digit.
    expectClose(variance(Tensor([10_000.0, 10_001, 10_002])), [2 / 3], rtol: 1e-4)
  }

  @Test("The sum of nothing is 0, the product 1, the mean NaN")
  func nothing() {
    let empty = Tensor.zeros([0, 2])
    expectClose(sum(empty, axis: 0), [0, 0])
    expectClose(prod(empty, axis: 0), [1, 1])
    expectClose(mean(empty, axis: 0), [.nan, .nan])
    #expect(sum(empty, axis: 1).shape == [0])
    #expect(max(empty, axis: 1).shape == [0])
  }

  @Test("The largest of nothing is an error")
  func largestOfNothing() {
    let expected = EngineError.shape(
      operation: "max",
      message: "shape [0, 2] has no elements along axes [0], and nothing has no max")
    #expect(throws: expected) { try withErrors { max(Tensor.zeros([0, 2]), axis: 0) } }
  }

  @Test("bool and uint8 are summed as int64, integers are averaged as float32")
  func integers() {
    let count = sum(Tensor([Bool](repeating: true, count: 1000)))
    #expect(count.dtype == .int64)
    #expect(count.item() == 1000)
    #expect(sum(Tensor([UInt8](repeating: 255, count: 4))).item() == 1020)
    #expect(mean(Tensor([1, 2])).dtype == .float32)
    #expect(mean(Tensor([1, 2])).item() == 1.5)
    #expect(sum(Tensor([1, 2])).dtype == .int32)
  }

  @Test("A long float32 sum keeps its digits")
  func longSum() {
    let count = 1 << 22
    expectClose(
      sum(Tensor.full([count], 0.1)).item(), Double(count) * Double(Float(0.1)), rtol: 1e-6)
  }

  @Test("Running sums go forwards and backwards, with and without the element itself")
  func runningSums() {
    let y = Tensor([1.0, 2, 3])
    expectClose(cumulativeSum(y, axis: 0), [1, 3, 6])
    expectClose(cumulativeSum(y, axis: 0, exclusive: true), [0, 1, 3])
    expectClose(cumulativeSum(y, axis: 0, reverse: true), [6, 5, 3])
    expectClose(cumulativeSum(y, axis: 0, exclusive: true, reverse: true), [5, 3, 0])
    expectClose(cumulativeSum(x, axis: 1)[0], [1, 2, 4, 6])
    #expect(cumulativeSum(Tensor([true, true]), axis: 0).dtype == .int64)
  }

  @Test("softmax rows add up to 1 and do not overflow")
  func softmaxRows() {
    let y = softmax(Tensor([[1000.0, 1000], [0, -1000], [1, 2]]))
    expectClose(y, [0.5, 0.5, 1, 0, 0.26894143, 0.7310586])
    expectClose(
      logSoftmax(Tensor([[1000.0, 1000], [1, 2]])),
      [-0.6931472, -0.6931472, -1.3132617, -0.3132617])
    expectClose(softmax(Tensor([[1.0, 5], [2, 5]]), axis: 0), [0.26894143, 0.5, 0.7310586, 0.5])
    expectClose(sum(softmax(x, axis: 1), axis: 1), [1, 1, 1, 1, 1, 1])
  }

  @Test("Layer normalisation gives rows of mean 0 and variance 1")
  func normalisedRows() {
    let y = layerNorm(x * 3 + 1, epsilon: 0)
    #expect(y.shape == x.shape)
    expectClose(y[0, 0], [-1, 1])
    expectClose(layerNorm(Tensor([[5.0, 5, 5]])), [0, 0, 0])
    expectClose(layerNorm(Tensor([0.0, 2]), epsilon: 3), [-0.5, 0.5])
  }

  @Test("Asking for an axis twice, or for one that does not exist, is an error")
  func wrongAxes() {
    #expect(throws: EngineError.invalidArgument(message: "sum: an axis is repeated in [0, -3]")) {
      try withErrors { sum(x, axes: [0, -3]) }
    }
    #expect(
      throws: EngineError.shape(
        operation: "mean",
        message: "axis 3 does not exist in shape [3, 2, 2]: it must be in -3..<3")
    ) { try withErrors { mean(x, axis: 3) } }
    #expect(throws: EngineError.invalidArgument(message: "sum: give either axis or axes, not both"))
    {
      try withErrors { sum(x, axis: 0, axes: [1]) }
    }
  }
}
