import Engine
import TestSupport
import Testing

@Suite("Layers that add noise", .seeded)
struct NoiseTests {
  static let layers: [@Sendable () -> any Module] = [
    { SpatialDropout1D(0.5) }, { GaussianNoise(0.5) }, { GaussianDropout(0.5) },
    { AlphaDropout(0.5) },
  ]

  private static func values<L: AnyModule & Callable>(_ layer: L, _ x: Tensor) -> [Double] {
    guard let input = x as? L.Input, let output = layer(input) as? Tensor else { return [] }
    return output.scalars(as: Double.self)
  }

  @Test("Are the identity unless training, and differ at every use", arguments: layers)
  func inference(_ make: @Sendable () -> any Module) {
    let layer = make()
    let x = Tensor.ones([8, 4, 16])
    layer.eval()
    #expect(Self.values(layer, x).allSatisfy { $0 == 1 })
    layer.train()
    let first = Self.values(layer, x)
    #expect(first.contains { $0 != 1 })
    #expect(first != Self.values(layer, x))
    let other = make()
    other.seed = layer.seed
    #expect(Self.values(other, x) == first)
  }

  @Test("A rate of 0 is the identity")
  func nothing() {
    let x = Tensor.ones([2, 3, 4])
    for layer: any Module in [
      SpatialDropout1D(0), GaussianNoise(0), GaussianDropout(0), AlphaDropout(0),
    ] {
      #expect(Self.values(layer, x).allSatisfy { $0 == 1 })
    }
  }

  /// Mean and standard deviation.
  private static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return (mean, variance.squareRoot())
  }

  /// As many numbers as the tolerances below, of five standard errors, are made for.
  private static let count = 40_000

  @Test("Gaussian noise has mean 0 and the deviation asked for")
  func gaussianNoise() {
    let (mean, deviation) = Self.moments(
      Self.values(GaussianNoise(0.5), Tensor.full([Self.count], 2)))
    #expect(abs(mean - 2) < 5 * 0.5 / 200)
    #expect(abs(deviation - 0.5) < 5 * 0.5 / (2.0.squareRoot() * 200))
  }

  @Test("Gaussian dropout multiplies by numbers with mean 1 and variance rate / (1 − rate)")
  func gaussianDropout() {
    // 0.2 / 0.8 has the root 0.5; the input is 2.
    let (mean, deviation) = Self.moments(
      Self.values(GaussianDropout(0.2), Tensor.full([Self.count], 2)))
    #expect(abs(mean - 2) < 5 * 1.0 / 200)
    #expect(abs(deviation - 1) < 5 * 1.0 / (2.0.squareRoot() * 200))
  }

  @Test("Alpha dropout keeps mean 0 and variance 1, and gives one value to what it drops")
  func alphaDropout() throws {
    let x = randomNormal([Self.count], key: RandomKey(seed: 5), dtype: .float64)
    let values = Self.values(AlphaDropout(0.25), x)
    let (mean, deviation) = Self.moments(values)
    #expect(abs(mean) < 5.0 / 200)
    #expect(abs(deviation - 1) < 5.0 / 200)
    // a · s + b with the numbers of the paper, in double precision.
    let s = -1.0507009873554805 * 1.6732632423543772
    let a = 1 / (0.75 * (1 + 0.25 * s * s)).squareRoot()
    let dropped = a * s - a * s * 0.25
    let count = values.count { abs($0 - dropped) < 1e-12 }
    #expect(abs(Double(count) / Double(Self.count) - 0.25) < 5 * (0.25 * 0.75).squareRoot() / 200)
    let kept = zip(values, x.scalars(as: Double.self)).filter { abs($0.0 - dropped) >= 1e-12 }
    #expect(kept.allSatisfy { abs($0.0 - (a * $0.1 - a * s * 0.25)) < 1e-12 })
  }

  @Test("Alpha dropout can drop whole channels")
  func noiseShape() {
    let y = AlphaDropout(0.5, noiseShape: [2, 1, 8])(Tensor.ones([2, 5, 8]))
    expectClose(y, y[0..., 0..<1].broadcast(to: [2, 5, 8]), atol: 0, rtol: 0)
    #expect(Set(y.scalars(as: Float.self)).count == 2)
  }

  @Test("Spatial dropout drops channels of a sample at all places, as many as asked for")
  func spatial() {
    let samples = 100
    let channels = 40
    let examples: [(any Module, Shape)] = [
      (SpatialDropout1D(0.25), [samples, 3, channels]),
      (SpatialDropout2D(0.25), [samples, 2, 3, channels]),
      (SpatialDropout3D(0.25), [samples, 2, 1, 3, channels]),
    ]
    for (layer, shape) in examples {
      let values = Self.values(layer, Tensor.ones(shape))
      let y = Tensor(values, shape: shape).reshape([samples, -1, channels])
      expectClose(y, y[0..., 0..<1].broadcast(to: y.shape), atol: 0, rtol: 0)
      #expect(values.allSatisfy { $0 == 0 || abs($0 - 4.0 / 3) < 1e-6 })
      let dropped = Double(values.count { $0 == 0 }) / Double(values.count)
      #expect(abs(dropped - 0.25) < 5 * (0.25 * 0.75 / 4000).squareRoot())
    }
  }

  @Test("The gradient goes through what was kept, compiled as well")
  func gradients() throws {
    let layer = AlphaDropout(0.5)
    let s = -1.0507009873554805 * 1.6732632423543772
    let slope = 1 / (0.5 * (1 + 0.5 * s * s)).squareRoot()
    let step = jit { (x: Tensor) in try grad { sum(layer($0)) }(x) }
    for gradient in [
      try step(Tensor.ones([64])), try grad { sum(layer($0)) }(Tensor.ones([64])),
    ] {
      let values = gradient.scalars(as: Double.self)
      #expect(values.allSatisfy { $0 == 0 || abs($0 - slope) < 1e-6 })
      #expect(values.contains(0) && values.contains { $0 > 0 })
    }
  }

  @Test("Arguments and inputs that make no sense are errors that name the layer")
  func errors() {
    expectError("SpatialDropout2D: rate must be in 0..<1, got 1.0") { _ = SpatialDropout2D(1) }
    expectError("GaussianDropout: rate must be in 0..<1, got 1.0") { _ = GaussianDropout(1) }
    expectError("AlphaDropout: rate must be in 0..<1, got -0.5") { _ = AlphaDropout(-0.5) }
    expectError("GaussianNoise: the standard deviation must be 0 or more, got -1.0") {
      _ = GaussianNoise(-1)
    }
    expectError("SpatialDropout1D: expected [batch, time, channels], got [2]") {
      _ = SpatialDropout1D(0.5)(Tensor([1.0, 2]))
    }
    expectError("SpatialDropout3D: expected [batch, depth, height, width, channels], got [2]") {
      _ = SpatialDropout3D(0.5)(Tensor([1.0, 2]))
    }
  }
}
