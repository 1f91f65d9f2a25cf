import Engine
import TestSupport
import Testing

@Suite("Exponential moving average")
struct ExponentialMovingAverageTests {
  @Test("Averages of 1, 2, 4 by the formula, at once and compiled", arguments: [false, true])
  func formula(_ zeroDebias: Bool) throws {
    let layer = ExponentialMovingAverage(0.5, zeroDebias: zeroDebias)
    let compiled = jit { (x: Tensor) in layer(x) }
    let hidden = [0.5, 1.25, 2.625]
    for (index, x) in [1.0, 2, 4].enumerated() {
      let result = try (index == 1 ? compiled(Tensor([x])) : layer(Tensor([x])))
      let weight = zeroDebias ? 1 - [0.5, 0.25, 0.125][index] : 1
      expectClose(result, [hidden[index] / weight])
    }
    // At inference nothing is counted.
    layer.eval()
    for _ in 0..<2 { expectClose(layer(Tensor([100.0])), [2.625 / (zeroDebias ? 0.875 : 1)]) }
  }

  @Test("While warming up the average is the last value")
  func warmup() {
    let layer = ExponentialMovingAverage(0.5, zeroDebias: false, warmup: 2)
    expectClose(layer(Tensor([8.0])), [8])
    expectClose(layer(Tensor([4.0])), [4])
    expectClose(layer(Tensor([1.0])), [2.5])
    expectError("set zeroDebias to false") { _ = ExponentialMovingAverage(0.5, warmup: 2) }
    expectError("decay must be in 0..<1, got 1.0") { _ = ExponentialMovingAverage(1) }
  }
}
