import Tensors
import TensorsTestSupport
import Testing

/// A convolution, and the algorithm that the rule should take for it.
private struct Geometry: Sendable, CustomTestStringConvertible {
  var image: Shape
  var kernel: [Int] = [3, 3]
  var filters: Int
  var strides: SpatialSize = 1
  var padding = Padding.valid
  var dilations: SpatialSize = 1
  var groups = 1
  var dtype = DType.float32
  var algorithm: ConvolutionAlgorithm

  var testDescription: String { "\(image) \(kernel) \(filters) \(groups) \(padding) \(algorithm)" }

  var window: Window {
    get throws {
      try Window(
        size: kernel, strides: strides, dilations: dilations, padding: padding,
        image: image.spatial, operation: "conv2D")
    }
  }

  var output: Shape {
    get throws {
      let size = try window.outputSize(image.spatial, "conv2D")
      return [image[0], size[0], size[1], filters]
    }
  }

  var kernelShape: Shape { [kernel[0], kernel[1], image[3] / groups, filters] }
}

/// Odd sizes, paddings, one image and many, few channels and many.
private let geometries = [
  Geometry(image: [2, 7, 9, 1], filters: 16, algorithm: .direct),
  Geometry(image: [1, 5, 3, 3], filters: 48, padding: .same, algorithm: .direct),
  Geometry(
    image: [2, 11, 20, 4], filters: 32, strides: 2, padding: .same, algorithm: .direct),
  Geometry(
    image: [1, 12, 20, 2], kernel: [5, 5], filters: 64,
    padding: .explicit(before: [3, 4], after: [2, 4]), dilations: 2,
    algorithm: .direct),
  Geometry(image: [20, 28, 28, 1], filters: 32, algorithm: .direct),
  Geometry(image: [3, 15, 11, 24], filters: 28, padding: .same, algorithm: .winograd),
  Geometry(image: [1, 26, 26, 48], filters: 80, algorithm: .winograd),
  Geometry(
    image: [5, 8, 9, 16], filters: 32, padding: .explicit(before: [2, 0], after: [1, 3]),
    algorithm: .winograd),
  Geometry(image: [64, 4, 4, 16], filters: 16, padding: .same, algorithm: .winograd),
  Geometry(image: [1, 18, 18, 100], filters: 70, algorithm: .winograd),
  Geometry(image: [2, 9, 9, 5], filters: 7, algorithm: .unrolled),
  Geometry(image: [4, 30, 30, 5], filters: 40, padding: .same, algorithm: .unrolled),
  Geometry(image: [3, 4, 4, 5], kernel: [1, 1], filters: 20, algorithm: .pointwise),
  Geometry(image: [3, 4, 4, 6], kernel: [1, 1], filters: 8, groups: 2, algorithm: .pointwise),
  Geometry(image: [2, 9, 7, 12], filters: 8, padding: .same, groups: 4, algorithm: .unrolled),
  // Strips of channels in registers, vectors of them, and some that fill none.
  Geometry(
    image: [2, 7, 6, 101], filters: 101, padding: .same, groups: 101, algorithm: .depthwise),
  Geometry(
    image: [3, 9, 8, 64], kernel: [3, 2], filters: 64, strides: [2, 1],
    padding: .explicit(before: [2, 0], after: [1, 3]), dilations: [1, 2], groups: 64,
    algorithm: .depthwise),
  Geometry(image: [2, 6, 5, 21], filters: 63, strides: 2, groups: 21, algorithm: .unrolled),
  // The first output pixels see padding only.
  Geometry(
    image: [1, 3, 3, 16], kernel: [2, 2], filters: 16,
    padding: .explicit(before: [4, 3], after: [3, 4]), groups: 16, algorithm: .depthwise),
]

@Suite struct ConvolutionAlgorithmTests {
  @Test(
    "The rule knows nothing but shapes",
    arguments: geometries + [
      // Too few pixels, or channels, or filters.
      Geometry(image: [1, 16, 16, 16], filters: 16, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 6], filters: 64, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], filters: 6, algorithm: .unrolled),
      // Most of a tile would reach over the edge.
      Geometry(image: [512, 3, 3, 64], filters: 64, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], filters: 64, strides: [2, 1], algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], filters: 64, dilations: 2, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], kernel: [5, 5], filters: 64, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], filters: 64, dtype: .float64, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 3], filters: 10, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 3], kernel: [7, 7], filters: 64, algorithm: .unrolled),
      Geometry(
        image: [8, 32, 32, 64], kernel: [1, 1], filters: 64, strides: 2,
        algorithm: .unrolled),
      Geometry(image: [0, 32, 32, 64], filters: 64, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 64], filters: 64, groups: 2, algorithm: .unrolled),
      Geometry(image: [8, 32, 32, 4], filters: 16, groups: 2, algorithm: .unrolled),
      Geometry(
        image: [8, 32, 32, 64], kernel: [1, 1], filters: 64, groups: 64, algorithm: .depthwise),
    ])
  fileprivate func rule(_ g: Geometry) throws {
    let chosen = ConvolutionAlgorithm(
      try g.window, groups: g.groups, image: g.image, output: try g.output, dtype: g.dtype)
    #expect(chosen == g.algorithm)
  }

  @Test(
    "Every algorithm agrees with loops in double precision, forward and both gradients",
    arguments: geometries)
  fileprivate func values(_ g: Geometry) throws {
    let expected = try Expected(g)
    let (window, output) = (try g.window, try g.output)
    let y = apply1(ConvOperation(window: window, groups: g.groups), expected.x, expected.k)
    expect(y, expected.y, output)
    let rectified = apply1(
      ConvOperation(window: window, groups: g.groups, epilogue: .biasReLU), expected.x, expected.k,
      expected.bias)
    let bias = expected.bias.scalars(as: Double.self)
    let sums = zip(expected.y, expected.y.indices).map { $0 + bias[$1 % g.filters] }
    expect(rectified, sums.map { max($0, 0) }, output)
    let dx = apply1(
      ConvInputGradient(window: window, groups: g.groups, imageShape: g.image), expected.g,
      expected.k)
    expect(dx, expected.dx, g.image)
    let dk = apply1(ConvKernelGradient(window: window, groups: g.groups), expected.x, expected.g)
    expect(dk, expected.dk, g.kernelShape)
  }

  /// Errors are measured against the largest number: sums of many terms cancel.
  private func expect(
    _ actual: Tensor, _ expected: [Double], _ shape: Shape,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(actual.shape == shape, sourceLocation: sourceLocation)
    let largest = expected.map(abs).max() ?? 1
    expectClose(
      actual.scalars(as: Double.self).map { $0 / largest }, expected.map { $0 / largest },
      atol: 5e-6, rtol: 0, sourceLocation: sourceLocation)
  }

  @Test(
    "The number of threads changes no bit of Winograd's, the direct and the depthwise way",
    arguments: geometries)
  fileprivate func threads(_ g: Geometry) throws {
    guard [.winograd, .direct, .depthwise].contains(g.algorithm) else { return }
    let expected = try Expected(g)
    let window = try g.window
    func run(_ primitive: any Primitive, _ inputs: [Tensor], threads: Int) throws -> [Double] {
      let workspace = Workspace(pool: ThreadPool(threads: threads))
      let specs = try primitive.infer(inputs.map(\.spec))
      let shape = specs[0].shape
      let result = Tensor(
        [Double](repeating: .nan, count: shape.elementCount), shape: shape, dtype: .float32)
      let kernel = primitive.prepare(
        inputs.compactMap(\.operand), [result].compactMap(\.operand), workspace)
      workspace.reserve()
      try kernel()
      return result.scalars(as: Double.self)
    }
    let operations: [(any Primitive, [Tensor])] = [
      (ConvOperation(window: window, groups: g.groups), [expected.x, expected.k]),
      (ConvKernelGradient(window: window, groups: g.groups), [expected.x, expected.g]),
    ]
    for (primitive, inputs) in operations {
      let one = try run(primitive, inputs, threads: 1)
      #expect(try run(primitive, inputs, threads: 2) == one)
      #expect(try run(primitive, inputs, threads: 3) == one)
    }
    if g.algorithm != .direct {
      let gradient = ConvInputGradient(window: window, groups: g.groups, imageShape: g.image)
      let one = try run(gradient, [expected.g, expected.k], threads: 1)
      #expect(try run(gradient, [expected.g, expected.k], threads: 2) == one)
    }
  }
}

/// Random inputs of a convolution, and what the definition gives.
private struct Expected {
  let x: Tensor
  let k: Tensor
  let bias: Tensor
  /// The gradient of the output.
  let g: Tensor
  var y: [Double]
  var dx: [Double]
  var dk: [Double]

  init(_ geometry: Geometry) throws {
    var generator = SeededGenerator(seed: 5)
    let (image, kernel, output) = (geometry.image, geometry.kernelShape, try geometry.output)
    let window = try geometry.window
    x = generator.uniform(image, dtype: .float32)
    k = generator.uniform(kernel, dtype: .float32)
    bias = generator.uniform([geometry.filters], dtype: .float32)
    g = generator.uniform(output, dtype: .float32)
    let (xs, ks, gs) = (
      x.scalars(as: Double.self), k.scalars(as: Double.self), g.scalars(as: Double.self)
    )
    y = Array(repeating: 0, count: output.elementCount)
    dx = Array(repeating: 0, count: image.elementCount)
    dk = Array(repeating: 0, count: kernel.elementCount)
    let (channels, filters) = (image[3], geometry.filters)
    for pixel in 0..<output[0] * output[1] * output[2] {
      let (n, i, j) = (
        pixel / (output[1] * output[2]), pixel / output[2] % output[1], pixel % output[2]
      )
      for cell in 0..<kernel[0] * kernel[1] {
        let row =
          i * window.strides[0] - window.before[0] + cell / kernel[1] * window.dilations[0]
        let column =
          j * window.strides[1] - window.before[1] + cell % kernel[1] * window.dilations[1]
        guard (0..<image[1]).contains(row), (0..<image[2]).contains(column) else { continue }
        for c in 0..<channels {
          let source = ((n * image[1] + row) * image[2] + column) * channels + c
          let (group, place) = c.quotientAndRemainder(dividingBy: kernel[2])
          let weights = (cell * kernel[2] + place) * filters
          for f in group * (filters / geometry.groups)..<(group + 1) * (filters / geometry.groups) {
            y[pixel * filters + f] += xs[source] * ks[weights + f]
            dx[source] += gs[pixel * filters + f] * ks[weights + f]
            dk[weights + f] += gs[pixel * filters + f] * xs[source]
          }
        }
      }
    }
  }
}
