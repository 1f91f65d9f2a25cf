import Tensors
import TensorsTestSupport
import Testing

/// To the nearest number with 8 bits of precision, ties to even (IEEE 754 with a short significand), in float64.
private func rounded(_ x: Tensor) -> Tensor {
  let values = x.scalars(as: Float.self).map { number in
    let bits = number.bitPattern
    return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
  }
  return Tensor(values, shape: x.shape, dtype: .float64)
}

/// What a function gives when the factors of its products are rounded.
private func mixed(
  _ inputs: [Tensor], naming name: String, _ function: ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
  let graph = try Trace.record(inputs.map(\.spec)) { try function($0) }
  let plan = try Plan(graph, passes: [BFloat16Products()] + Passes.standard)
  #expect(plan.description.contains(name))
  return try plan(inputs)
}

/// With the instruction for pairs where the CPU has it, and without.
private let ways = BFloat16.hasInstructions ? [false, true] : [false]

private struct Geometry: Sendable, CustomTestStringConvertible {
  let image: Shape
  let kernel: Shape
  var strides: SpatialSize = 1
  var dilations: SpatialSize = 1
  var groups = 1

  var testDescription: String { "\(image) \(kernel) groups \(groups)" }

  /// Pointwise; unrolled by size, strides, dilations and groups; volumes; sequences.
  static let all = [
    Geometry(image: [3, 7, 5, 24], kernel: [1, 1, 24, 40]),
    Geometry(image: [2, 12, 11, 16], kernel: [5, 5, 16, 48], strides: 2),
    Geometry(image: [2, 9, 9, 20], kernel: [3, 3, 20, 33], dilations: 2),
    Geometry(image: [2, 8, 9, 32], kernel: [3, 3, 16, 64], strides: 2, groups: 2),
    Geometry(image: [1, 5, 6, 4, 8], kernel: [3, 3, 3, 8, 32]),
    Geometry(image: [4, 30, 16], kernel: [4, 16, 32]),
  ]
}

/// Rounded factors multiply without error in float32: only the order of sums differs from float64's.
@Suite struct RoundedProductTests {
  @Test(arguments: Geometry.all)
  fileprivate func `convolutions and their gradients round their factors`(_ geometry: Geometry)
    throws
  {
    let (image, groups) = (geometry.image, geometry.groups)
    let window = try Window(
      size: Array(geometry.kernel.dropLast(2)), strides: geometry.strides,
      dilations: geometry.dilations, padding: .same, image: image.spatial, operation: "conv")
    var generator = SeededGenerator(seed: 5)
    let x = generator.uniform(image, dtype: .float32)
    let k = generator.uniform(geometry.kernel, dtype: .float32)
    let size = try window.outputSize(image.spatial, "conv")
    let g = generator.uniform(
      Shape([image[0]] + size + [geometry.kernel[-1]]), dtype: .float32)
    func results(_ inputs: [Tensor]) -> [Tensor] {
      [
        apply1(ConvOperation(window: window, groups: groups), inputs[0], inputs[1]),
        apply1(
          ConvInputGradient(window: window, groups: groups, imageShape: image), inputs[2],
          inputs[1]),
        apply1(ConvKernelGradient(window: window, groups: groups), inputs[0], inputs[2]),
      ]
    }
    let expected = results([x, k, g].map(rounded))
    for pairs in ways {
      for threads in [1, 3] {
        let found = try BFloat16.$usesPairs.withValue(pairs) {
          try ComputeThreads.with(threads) {
            try mixed([x, k, g], naming: "Gradient[bfloat16]", results)
          }
        }
        for (index, (a, b)) in zip(found, expected).enumerated() {
          expectClose(a, b.cast(to: .float32), atol: 3e-5, "\(index), pairs \(pairs)")
        }
      }
    }
  }

  @Test func `a bias and a rectifier join a rounded convolution`() throws {
    var generator = SeededGenerator(seed: 6)
    let x = generator.uniform([2, 6, 6, 16], dtype: .float32)
    let k = generator.uniform([1, 1, 16, 32], dtype: .float32)
    let bias = generator.uniform([32], dtype: .float32)
    let found = try mixed([x, k, bias], naming: "conv2D[bfloat16](add reLU)") {
      [relu(conv($0[0], $0[1]) + $0[2])]
    }
    let expected = relu(conv(rounded(x), rounded(k)) + bias.cast(to: .float64))
    expectClose(found[0], expected.cast(to: .float32), atol: 1e-5)
  }

  @Test func `convolutions that are no products stay as they are`() throws {
    // Winograd's method, taps read where they are, a channel for each filter, few filters.
    for (x, k, groups) in [
      ([2, 16, 16, 32], [3, 3, 32, 32], 1), ([2, 16, 16, 3], [3, 3, 3, 32], 1),
      ([2, 16, 16, 32], [3, 3, 1, 32], 32), ([2, 16, 16, 32], [1, 1, 32, 10], 1),
    ] {
      let specs = [TensorSpec(Shape(x), .float32), TensorSpec(Shape(k), .float32)]
      let graph = try Trace.record(specs) {
        [conv($0[0], $0[1], padding: .same, groups: groups)]
      }
      #expect(BFloat16Products().run(graph).description == graph.description)
    }
  }

  /// Scores are products of rounded queries and keys; a weight of 8 bits is off by 2⁻⁹ of itself at most, and so is what it
  /// leads to.
  @Test(arguments: [(7, 9, 5, false), (64, 64, 16, true), (70, 130, 24, false)])
  func `attention rounds the factors of both of its products`(
    queries: Int, keys: Int, size: Int, isCausal: Bool
  ) throws {
    var generator = SeededGenerator(seed: 7)
    let q = generator.uniform([2, queries, 2, size], from: -2, to: 2, dtype: .float32)
    let k = generator.uniform([2, keys, 2, size], from: -2, to: 2, dtype: .float32)
    let v = generator.uniform([2, keys, 2, size], from: 1, to: 2, dtype: .float32)
    let found = try mixed([q, k, v], naming: "attention[bfloat16]") {
      [scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: isCausal)]
    }[0]
    let expected = scaledDotProductAttention(
      rounded(q), rounded(k), rounded(v), isCausal: isCausal)
    // Values are at most 2, and so are their mixtures.
    expectClose(found, expected.cast(to: .float32), atol: 2.0 / 512, rtol: 0)
  }

  /// With a single key every weight is 1: the result is the rounded value, and so is its gradient the rounded one.
  @Test func `attention of one key rounds values and their gradients`() throws {
    var generator = SeededGenerator(seed: 8)
    let shapes: [Shape] = [[3, 1, 2, 20], [3, 1, 2, 20], [3, 1, 2, 20], [3, 1, 2, 20]]
    let inputs = shapes.map { generator.uniform($0, dtype: .float32) }
    let found = try mixed(inputs, naming: "attentionGradient[bfloat16]") { inputs in
      let mixture = vjp { (v: Tensor) in scaledDotProductAttention(inputs[0], inputs[1], v) }
      let (y, pullback) = try mixture(inputs[2])
      return [y, try pullback(inputs[3])]
    }
    expectClose(found[0], rounded(inputs[2]).cast(to: .float32), atol: 0, rtol: 0)
    expectClose(found[1], rounded(inputs[3]).cast(to: .float32), atol: 0, rtol: 0)
  }

  @Test func `the gradients of attention are those of float32 within what rounding does`() throws {
    var generator = SeededGenerator(seed: 9)
    let shape: Shape = [2, 33, 2, 16]
    let inputs = (0..<4).map { _ in generator.uniform(shape, dtype: .float32) }
    func gradients(_ inputs: [Tensor]) throws -> [Tensor] {
      let mixture = vjp { (x: [Tensor]) in
        scaledDotProductAttention(x[0], x[1], x[2], isCausal: true)
      }
      return try mixture(Array(inputs[..<3])).pullback(inputs[3])
    }
    let found = try mixed(inputs, naming: "attentionGradient[bfloat16]", gradients)
    let expected = try gradients(inputs.map(rounded))
    for (a, b) in zip(found, expected) {
      let largest = abs(b).scalars(as: Double.self).max() ?? 0
      #expect(a.scalars(as: Float.self) != b.scalars(as: Double.self).map { Float($0) })
      expectClose(a, b.cast(to: .float32), atol: largest / 128, rtol: 0)
    }
  }
}
