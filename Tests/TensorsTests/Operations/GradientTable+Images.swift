import Tensors
import TensorsTestSupport

extension GradientTable {
  /// Windows that move over images, and images made larger.
  static let images = convolutions + pools + enlarged

  private static func convolution(
    _ name: String, _ x: Shape, _ k: Shape, strides: SpatialSize = 1, padding: Padding = .valid,
    dilations: SpatialSize = 1, groups: Int = 1
  ) -> GradientCase {
    GradientCase(
      name: "conv\(x.rank - 2)D \(name)", arguments: { [$0.uniform(x), $0.uniform(k)] },
      function: {
        conv(
          $0[0], $0[1], strides: strides, padding: padding, dilations: dilations, groups: groups)
      })
  }

  private static let convolutions: [GradientCase] = [
    convolution("valid", [2, 4, 3, 2], [2, 2, 2, 3]),
    convolution("same", [1, 4, 3, 2], [3, 2, 2, 1], padding: .same),
    convolution("strided", [2, 5, 4, 1], [2, 3, 1, 2], strides: [2, 1], padding: .same),
    convolution("dilated", [1, 5, 4, 1], [2, 2, 1, 2], dilations: [2, 3]),
    convolution(
      "padded", [1, 3, 3, 1], [2, 2, 1, 1],
      padding: .explicit(before: [1, 2], after: [0, 1])),
    convolution("pointwise", [2, 2, 3, 2], [1, 1, 2, 3]),
    convolution("pointwise strided", [1, 3, 3, 2], [1, 1, 2, 2], strides: 2),
    convolution("of no images", [0, 3, 3, 1], [2, 2, 1, 1]),
    convolution("valid", [2, 5, 2], [3, 2, 2], strides: 2),
    convolution("causal", [1, 5, 2], [2, 2, 3], padding: .causal, dilations: 2),
    convolution("same", [2, 3, 4, 3, 2], [2, 3, 2, 2, 2], padding: .same),
    convolution("strided", [1, 4, 3, 5, 1], [2, 1, 3, 1, 2], strides: [2, 1, 2]),
    convolution(
      "padded and dilated", [1, 3, 2, 3, 2], [2, 2, 1, 2, 1],
      padding: .explicit(before: [1, 0, 2], after: [0, 1, 1]), dilations: [2, 1, 2]),
    convolution("in groups", [2, 4, 3, 4], [2, 2, 2, 6], padding: .same, groups: 2),
    convolution("in groups, pointwise", [2, 3, 2, 4], [1, 1, 2, 4], groups: 2),
    convolution("in groups", [1, 5, 6], [2, 2, 3], groups: 3),
    convolution("in groups", [1, 3, 3, 2, 4], [2, 2, 2, 2, 2], groups: 2),
    convolution("of channels", [2, 4, 3, 3], [3, 2, 1, 3], padding: .same, groups: 3),
    convolution(
      "of channels, strided", [2, 5, 4, 2], [2, 2, 1, 6], strides: [2, 3], padding: .same,
      groups: 2),
    convolution(
      "of channels", [1, 4, 3, 3, 2], [2, 2, 2, 1, 2], dilations: [2, 1, 1], groups: 2),
    convolution("of channels of no images", [0, 3, 2], [2, 1, 2], groups: 2),
    transposed("strided", [2, 3, 2, 2], [2, 3, 3, 2], strides: 2),
    transposed("same", [1, 3, 2, 2], [3, 2, 1, 2], strides: [2, 3], padding: .same),
    transposed("padded", [1, 3, 2], [3, 2, 2], strides: 2, padding: .same, outputPadding: 1),
    transposed("dilated", [1, 2, 3, 2, 1], [2, 2, 2, 2, 1], dilations: [1, 2, 1]),
    transposed("of no images", [0, 3, 2], [2, 3, 2], strides: 2),
    biased("bias", .bias, [2, 4, 3, 2], [2, 2, 2, 3]),
    biased("bias and ReLU", .biasReLU, [2, 4, 3, 2], [2, 2, 2, 3]),
    biased("bias, pointwise", .biasReLU, [1, 3, 3, 2], [1, 1, 2, 4]),
    biased("bias and no channels", .bias, [2, 3, 3, 0], [2, 2, 0, 2]),
  ]

  private static func transposed(
    _ name: String, _ x: Shape, _ k: Shape, strides: SpatialSize = 1, padding: Padding = .valid,
    outputPadding: SpatialSize? = nil, dilations: SpatialSize = 1
  ) -> GradientCase {
    GradientCase(
      name: "conv\(x.rank - 2)DTranspose \(name)",
      arguments: { [$0.uniform(x), $0.uniform(k)] },
      function: {
        convTranspose(
          $0[0], $0[1], strides: strides, padding: padding, outputPadding: outputPadding,
          dilations: dilations)
      })
  }

  private static func biased(
    _ name: String, _ epilogue: ConvOperation.Epilogue, _ x: Shape, _ k: Shape
  ) -> GradientCase {
    GradientCase(
      name: "conv2D with \(name)",
      arguments: { [$0.uniform(x), $0.uniform(k), $0.uniform([k[3]])] },
      function: {
        let window = try Window(
          size: [k[0], k[1]], padding: .valid, image: [x[1], x[2]], operation: "conv2D")
        return apply1(
          ConvOperation(window: window, epilogue: epilogue), $0[0], $0[1], $0[2])
      })
  }

  private typealias Pool = @Sendable (Tensor, SpatialSize, SpatialSize, Padding) -> Tensor

  private static func pool(_ name: String, _ shape: Shape, _ function: @escaping Pool)
    -> [GradientCase]
  {
    [
      one("\(name) valid", shape) { square(function($0, 2, 2, .valid)) },
      one("\(name) same", shape) { square(function($0, [3, 2], [2, 1], .same)) },
      one("\(name) overlapping", shape) { square(function($0, [2, 3], 1, .valid)) },
      one("\(name) padded", shape) {
        square(function($0, 2, 2, .explicit(before: [1, 0], after: [1, 1])))
      },
    ]
  }

  private static let maxima: Pool = { maxPool($0, size: $1, strides: $2, padding: $3) }
  private static let means: Pool = { averagePool($0, size: $1, strides: $2, padding: $3) }

  private static let pools: [GradientCase] =
    pool("maxPool", [2, 4, 3, 2], maxima) + pool("averagePool", [2, 4, 3, 2], means)
    + pool("maxPool of no images", [0, 4, 3, 1], maxima)
    + pool("averagePool of no images", [0, 4, 3, 1], means)
    + [("maxPool", maxima), ("averagePool", means)].flatMap { name, function in
      [
        one("\(name)1D", [2, 5, 2]) { square(function($0, 3, 2, .same)) },
        one("\(name)1D side by side", [1, 4, 3]) { square(function($0, 2, 2, .valid)) },
        one("\(name)3D", [1, 3, 4, 3, 2]) { square(function($0, [2, 3, 2], [1, 2, 1], .same)) },
        one("\(name)3D side by side", [2, 2, 4, 2, 1]) { square(function($0, 2, 2, .valid)) },
      ]
    }

  private static let enlarged: [GradientCase] = [
    one("upSample", [2, 3, 2, 2]) { square(upSample($0, size: [2, 3])) },
    one("upSample, a sequence", [1, 3, 2]) { square(upSample($0)) },
    one("upSample, a volume", [1, 2, 1, 2, 2]) { square(upSample($0, size: [1, 2, 3])) },
    one("upSample, bilinear", [1, 3, 2, 2]) {
      square(upSample($0, size: [2, 3], interpolation: .bilinear))
    },
    one("upSample of no images", [0, 3, 2, 1]) { square(upSample($0)) },
  ]
}
