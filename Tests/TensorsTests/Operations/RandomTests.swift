import Tensors
import TensorsTestSupport
import Testing

@Suite("Random numbers")
struct RandomTests {
  private let key = RandomKey(seed: 12, stream: 34)

  @Test("The same key gives the same numbers, another key others")
  func keys() {
    let a = randomUniform([100], key: key)
    expectClose(a, randomUniform([10, 10], key: key).reshape([100]), atol: 0, rtol: 0)
    let b = randomUniform([100], key: RandomKey(seed: 12, stream: 35))
    #expect(a.scalars(as: Float.self) != b.scalars(as: Float.self))
  }

  @Test("Uniform numbers fill their range evenly", arguments: [DType.float32, .float64])
  func uniform(_ dtype: DType) {
    let x = randomUniform([100_000], key: key, low: -1, high: 3, dtype: dtype)
    #expect(x.dtype == dtype)
    #expect(min(x).item() >= -1 && max(x).item() <= 3)
    // Five standard deviations of the mean and of the variance.
    expectClose(mean(x).item(), 1, atol: 0.02)
    expectClose(variance(x).item(), 16.0 / 12, atol: 0.02)
  }

  @Test(
    "Normal numbers have the mean and deviation asked for", arguments: [DType.float32, .float64])
  func normal(_ dtype: DType) {
    let x = randomNormal([100_000], key: key, mean: 2, standardDeviation: 0.5, dtype: dtype)
    #expect(x.dtype == dtype)
    expectClose(mean(x).item(), 2, atol: 0.01)
    expectClose(variance(x).item(), 0.25, atol: 0.01)
    let tails = mean((abs(x - 2) .> 1).cast(to: .float32)).item()
    expectClose(tails, 0.0455, atol: 0.005)
  }

  @Test("A folded key differs for every number and names an unrelated stream")
  func folded() {
    let keys = (0..<1000).map { foldKey(key.tensor, Int64($0)).scalars(as: Int.self) }
    #expect(Set(keys).count == 1000)
    #expect(foldKey(key.tensor, Tensor(3)).scalars(as: Int.self) == keys[3])
    let a = randomNormal([10_000], key: foldKey(key.tensor, 0))
    let b = randomNormal([10_000], key: foldKey(key.tensor, 1))
    expectClose(mean(a * b).item(), 0, atol: 0.05)
  }

  @Test("Dropout keeps the mean, drops the share asked for and scales the rest")
  func dropouts() {
    let x = Tensor.ones([100_000])
    let y = dropout(x, rate: 0.25, key: key.tensor)
    let values = Set(y.scalars(as: Float.self))
    #expect(values == [0, 4.0 / 3])
    expectClose(mean(y).item(), 1, atol: 0.01)
    expectClose(dropout(x[0..<3], rate: 0, key: key.tensor), [1, 1, 1])
    expectClose(dropout(x[0..<3], rate: 1, key: key.tensor), [0, 0, 0])
  }

  @Test(
    "Dropout takes number i of the key for element i, and so does its gradient",
    arguments: [DType.float32, .float64])
  func dropoutNumbers(_ dtype: DType) throws {
    // More than a block of the generator, and no multiple of one.
    let shape: Shape = [3, 367]
    let x = randomNormal(shape, key: RandomKey(seed: 5), dtype: dtype)
    let kept = (randomUniform(shape, key: key, dtype: dtype) .>= 0.3).cast(to: dtype)
    expectClose(dropout(x, rate: 0.3, key: key.tensor), x * kept * (1 / 0.7))
    let gradient = try grad { (x: Tensor) in sum(dropout(x, rate: 0.3, key: key.tensor)) }(x)
    expectClose(gradient, kept * (1 / 0.7))
  }

  @Test("Threads drop what one thread drops")
  func dropoutThreads() {
    let x = Tensor.ones([50_001])
    let expected = dropout(x, rate: 0.5, key: key.tensor)
    for threads in 2...3 {
      let y = Tensor.zeros([50_001]).contiguous()
      let workspace = Workspace(pool: ThreadPool(threads: threads))
      let operands = [x.contiguous(), key.tensor]
      withExtendedLifetime(operands) {
        let kernel = DropoutOperation(rate: 0.5).prepare(
          operands.compactMap(\.operand), [y].compactMap(\.operand), workspace)
        #expect(throws: Never.self) { try kernel() }
      }
      expectClose(y, expected, atol: 0, rtol: 0)
    }
  }

  @Test("Dropped infinities and NaN are 0")
  func dropoutOfInfinity() {
    let y = dropout(
      Tensor([Double](repeating: .infinity, count: 100)), rate: 0.5, key: key.tensor)
    #expect(Set(y.scalars(as: Double.self)) == [0, .infinity])
  }

  @Test("Compiled, no mask is kept for the backward pass")
  func dropoutMemory() throws {
    let spec = TensorSpec([256, 256], .float32)
    let graph = try Trace.record([spec, TensorSpec([2], .int64)]) { x in
      let gradient = try grad { (a: Tensor) in sum(square(dropout(a, rate: 0.5, key: x[1]))) }(x[0])
      return [gradient]
    }
    #expect(graph.nodes.allSatisfy { !($0.primitive is DropoutMask) })
  }

  @Test("A noise shape drops whole rows")
  func noiseShape() {
    let y = dropout(Tensor.ones([50, 4]), rate: 0.5, key: key.tensor, noiseShape: [50, 1])
    expectClose(min(y, axis: 1), max(y, axis: 1))
  }

  /// The key of a rank that has `rows` rows of a batch from row `first` on.
  private func placed(_ first: Int, _ rows: Int) -> Tensor {
    concatenate([key.tensor, Tensor([Int64(first), Int64(rows)])], axis: 0)
  }

  @Test(
    "A key of a share draws what lies there in the whole batch",
    arguments: [DType.float32, .float64])
  func shares(_ dtype: DType) throws {
    // Shares that begin within the blocks of the generator, and beyond the part of one thread.
    let whole: Shape = [37, 5, 211]
    let x = randomNormal(whole, key: RandomKey(seed: 5), dtype: dtype)
    let draws: [(Shape, Tensor) -> Tensor] = [
      { randomUniform($0, key: $1, low: -1, high: 2, dtype: dtype) },
      { randomNormal($0, key: $1, standardDeviation: 2, dtype: dtype) },
    ]
    let drops: [(Tensor, Tensor) -> Tensor] = [
      { dropout($0, rate: 0.3, key: $1) },
      { dropout($0, rate: 0.3, key: $1, noiseShape: [$0.shape[0], 1, 211]) },
      { x, key in
        let gradient = try? grad { (x: Tensor) in sum(dropout(x, rate: 0.3, key: key)) }(x)
        return gradient ?? .invalid
      },
    ]
    for (first, rows) in [(0, 37), (0, 9), (9, 20), (29, 8), (36, 1), (37, 0)] {
      let key = placed(first, rows)
      let shape = Shape([rows] + whole.dropFirst())
      for draw in draws {
        expectClose(
          draw(shape, key), draw(whole, self.key.tensor)[first..<(first + rows)], atol: 0, rtol: 0)
      }
      for drop in drops {
        expectClose(
          drop(x[first..<(first + rows)], key), drop(x, self.key.tensor)[first..<(first + rows)],
          atol: 0, rtol: 0)
      }
    }
    // What does not have the batch as its first axis has its own numbers.
    expectClose(
      randomUniform([6, 4], key: placed(9, 5)), randomUniform([6, 4], key: key), atol: 0, rtol: 0)
    expectClose(
      randomUniform([], key: placed(9, 5)), randomUniform([], key: key), atol: 0, rtol: 0)
  }

  @Test("A folded key keeps its place")
  func foldedShare() {
    let folded = foldKey(placed(2, 3), 7)
    #expect(
      folded.scalars(as: Int.self)
        == foldKey(key.tensor, 7).scalars(as: Int.self) + [2, 3])
    expectClose(
      randomNormal([3, 4], key: folded), randomNormal([6, 4], key: foldKey(key.tensor, 7))[2..<5],
      atol: 0, rtol: 0)
  }

  @Test("What is not a key is refused")
  func wrongKey() {
    #expect(
      throws: EngineError.dtype(
        operation: "randomUniform",
        message: "a random key is an int64 tensor of shape [2], got int32 [2]")
    ) { try withErrors { randomUniform([1], key: Tensor([1, 2])) } }
    #expect(throws: EngineError.invalidArgument(message: "dropout: rate must be in 0...1, got 1.5"))
    {
      try withErrors { dropout(Tensor([1.0]), rate: 1.5, key: key.tensor) }
    }
  }
}
