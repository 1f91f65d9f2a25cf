/// The ways to convolve; which one is taken is decided by shapes alone.
///
/// Every rank, every run and any number of threads therefore get the same numbers. Forward on a Zen 4 core
/// (115 GFLOP/s at most), in milliseconds; 3 × 3 kernels, stride 1:
///
/// | images           | filters | padding | unrolled | direct | winograd |
/// |------------------|---------|---------|----------|--------|----------|
/// | [64, 28, 28, 1]  | 32      | valid   | 0.73     | 0.30   |          |
/// | [64, 26, 26, 32] | 64      | valid   | 15.3     |        | 5.2      |
/// | [32, 28, 28, 64] | 64      | same    | 20.8     |        | 6.7      |
/// | [32, 14, 14, 128]| 128     | same    | 19.6     |        | 7.1      |
/// | [32, 7, 7, 256]  | 256     | same    | 19.6     |        | 7.5      |
/// | [32, 32, 32, 8]  | 16      | same    | 1.3      |        | 0.63     |
/// | [1, 18, 18, 16]  | 16      | valid   | 0.02     |        | 0.01     |
/// | [1, 10, 10, 32]  | 32      | same    | 0.02     |        | 0.03     |
///
/// Winograd's method rounds differently: against double precision its largest error was 2·10⁻⁶ of the largest
/// number, for the convolution and both gradients.
package enum ConvolutionAlgorithm: Sendable {
  /// A matrix product: the window is one cell that visits every pixel once.
  case pointwise
  /// Few channels: the taps of a window are read where they are. The images' gradient is unrolled.
  case direct
  /// Winograd's F(4×4, 3×3): a quarter of the multiplications.
  case winograd
  /// A channel and a filter of its own for each group: the taps of a window are read where they are.
  case depthwise
  /// Windows are unrolled into the rows of a matrix, group by group; works for everything.
  case unrolled

  /// The way for images `[n, spatial axes..., c]` and output `[n, spatial axes..., f]`.
  package init(
    _ window: Window, groups: Int = 1, image: Shape, output: Shape, dtype: DType
  ) {
    let (channels, filters) = (image[-1], output[-1])
    // These kernels know neither groups nor volumes.
    let isSingle =
      dtype == .float32 && image[0] > 0 && filters > 0 && groups == 1 && window.rank < 3
    if groups > 1 && groups == channels && groups == filters {
      self = .depthwise
    } else if window.isPointwise {
      self = .pointwise
    } else if isSingle, Self.isDirect(window, channels: channels, filters: filters) {
      self = .direct
    } else if isSingle, Self.isWinograd(window, channels: channels, output: output) {
      self = .winograd
    } else {
      self = .unrolled
    }
  }

  /// Whole vectors of filters, and few enough taps that their table stays small.
  private static func isDirect(_ window: Window, channels: Int, filters: Int) -> Bool {
    (1...4).contains(channels) && filters % 16 == 0
      && window.size.reduce(channels, *) <= 64
  }

  /// Enough pixels to be worth the transforms of the kernel, and half the multiplications at most:
  /// tiles that reach over the edge and lanes without a channel are counted.
  private static func isWinograd(_ window: Window, channels: Int, output: Shape) -> Bool {
    guard window.size == [3, 3], window.strides == [1, 1], window.dilations == [1, 1] else {
      return false
    }
    func lanes(_ count: Int) -> Int { (count + 15) / 16 * 16 }
    let pixels = output[1] * output[2]
    let tiles = ((output[1] + 3) / 4) * ((output[2] + 3) / 4)
    let products = 36 * tiles * lanes(channels) * lanes(output[-1])
    return output[0] * pixels >= 256 && 2 * products <= 9 * pixels * channels * output[-1]
  }
}
