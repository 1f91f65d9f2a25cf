import Tensors
import TensorsTestSupport
import Testing

@Suite("Operations on rows agree with their formulas")
struct RowTests {
  /// More rows than a chunk of the sums over rows, and rows longer than a block of the sums along them.
  @Test(
    "Layer normalisation with scale and offset",
    arguments: [[70, 40], [3, 1040], [2, 33, 17], [1, 1], [0, 4]] as [Shape],
    [DType.float32, .float64])
  func scaledLayerNorm(_ shape: Shape, _ dtype: DType) throws {
    var generator = SeededGenerator(seed: 4)
    let x = generator.uniform(shape, from: -3, to: 5, dtype: dtype)
    let gamma = generator.uniform([shape[-1]], dtype: dtype)
    let beta = generator.uniform([shape[-1]], dtype: dtype)
    let weights = generator.uniform(shape, dtype: dtype)
    let fused = { (x: [Tensor]) in layerNorm(x[0], gamma: x[1], beta: x[2], epsilon: 0.01) }
    let composed = { (x: [Tensor]) in
      let centred = x[0] - mean(x[0], axis: -1, keepDims: true)
      let variance = mean(square(centred), axis: -1, keepDims: true)
      return centred * rsqrt(variance + 0.01) * x[1] + x[2]
    }
    let tolerance = dtype == .float64 ? 1e-11 : 2e-4
    expectClose(
      fused([x, gamma, beta]), composed([x, gamma, beta]), atol: tolerance / 10,
      rtol: tolerance / 10)
    let arguments = [x, gamma, beta]
    let gradients = try grad { sum(fused($0) * weights) }(arguments)
    let expected = try grad { sum(composed($0) * weights) }(arguments)
    for (a, b) in zip(gradients, expected) { expectClose(a, b, atol: tolerance, rtol: tolerance) }
  }

  @Test("A large mean does not cost layer normalisation its digits")
  func largeMean() {
    let x = Tensor([10_000.0, 10_001, 10_002, 10_003], shape: [1, 4])
    let (gamma, beta) = (Tensor([1.0, 1, 1, 2]), Tensor([0.0, 0, 0, 1]))
    // Deviations ±1.5 and ±0.5 over the root of the variance 1.25.
    let r = 1 / 1.25.squareRoot()
    expectClose(
      layerNorm(x, gamma: gamma, beta: beta, epsilon: 0),
      [-1.5 * r, -0.5 * r, 0.5 * r, 3 * r + 1], atol: 1e-5)
  }

  @Test(
    "Cross-entropy of class numbers", arguments: [1, 3, 16, 17, 40, 300],
    [DType.float32, .float64])
  func sparseCrossEntropy(_ classes: Int, _ dtype: DType) throws {
    var generator = SeededGenerator(seed: 8)
    let x = generator.uniform([5, 4, classes], from: -4, to: 4, dtype: dtype)
    let labels = generator.integers([5, 4], in: 0..<classes)
    let weights = generator.uniform([5, 4], dtype: dtype)
    let fused = { (x: Tensor) in Tensors.sparseCrossEntropy(x, labels: labels) }
    let composed = { (x: Tensor) in
      -sum(oneHot(labels, depth: classes, dtype: dtype) * logSoftmax(x), axis: -1)
    }
    let tolerance = dtype == .float64 ? 1e-12 : 2e-6
    expectClose(fused(x), composed(x), atol: tolerance, rtol: tolerance)
    let gradient = try grad { sum(fused($0) * weights) }(x)
    let expected = try grad { sum(composed($0) * weights) }(x)
    expectClose(gradient, expected, atol: tolerance, rtol: tolerance)
  }

  @Test("Cross-entropy of logits of any size")
  func largeLogits() throws {
    let x = Tensor([[1000.0, 0, -1000], [-1000, -1000, -1000]], dtype: .float32)
    let loss = { (x: Tensor) in
      Tensors.sparseCrossEntropy(x, labels: Tensor([2, 1]))
    }
    expectClose(loss(x), [2000, 1.0986123], atol: 1e-6, rtol: 1e-6)
    expectClose(
      try grad { sum(loss($0)) }(x), [1, 0, -1, 1.0 / 3, 1.0 / 3 - 1, 1.0 / 3], atol: 1e-6)
  }

  @Test(
    "The tanh form of gelu and its derivative are within 3 units in the last place of their terms")
  func geluAccuracy() throws {
    let points = Tensor.arange(4001, dtype: .float64) * 0.01 - 20
    let narrow = points.cast(to: .float32)
    let exact = gelu(narrow.cast(to: .float64), approximate: true)
    let unit = 1.1920929e-7
    let error = abs(gelu(narrow, approximate: true).cast(to: .float64) - exact)
    #expect(max(error - abs(points) * (3 * unit)).item() <= 1e-30)
    let slope = { (x: Tensor) in try grad { sum(gelu($0, approximate: true)) }(x) }
    let gap = abs(
      try slope(narrow).cast(to: .float64) - slope(narrow.cast(to: .float64)))
    #expect(max(gap).item() <= 3 * unit)
    // The float64 form itself, from the definition.
    let inner = (points + points * points * points * 0.044715) * 0.7978845608028654
    expectClose(
      gelu(points, approximate: true), (tanh(inner) + 1) * points * 0.5, atol: 1e-14, rtol: 1e-12)
  }
}
