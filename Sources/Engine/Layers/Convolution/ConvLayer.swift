import Tensors

/// What all layers with a kernel that moves over images share: how it moves, and what follows the sums.
public class ConvLayer: AnyModule {
  /// The number of spatial axes.
  let rank: Int
  /// Cells of the kernel along each axis.
  public let kernelSize: SpatialSize
  /// Elements from one position to the next.
  public let strides: SpatialSize
  /// What happens at the edges.
  public let padding: Padding
  /// Elements from one cell of the kernel to the next.
  public let dilations: SpatialSize
  /// What is applied to the sums; nil for nothing.
  public let activation: ActivationFunction?
  /// Whether there is a bias.
  public let useBias: Bool
  private let biasOptions: ParameterOptions
  private let activityRegularizer: (any Regularizer)?

  init(
    rank: Int, kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    dilations: SpatialSize, activation: ActivationFunction?, useBias: Bool,
    bias: ParameterOptions, activityRegularizer: (any Regularizer)?, name: String?
  ) {
    self.rank = rank
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
    self.activation = activation
    self.useBias = useBias
    biasOptions = bias
    self.activityRegularizer = activityRegularizer
    super.init(name: name)
    check("kernelSize", kernelSize)
    check("strides", strides)
    check("dilations", dilations)
  }

  /// Reports lengths that are not one or `rank` numbers of at least `lowest`.
  func check(_ argument: String, _ size: SpatialSize, lowest: Int = 1) {
    if size.along(rank)?.allSatisfy({ $0 >= lowest }) != true {
      wrongArgument(
        "\(argument)", must: "be one number or \(rank), of at least \(lowest)",
        got: "\(size.lengths)")
    }
  }

  /// The input as something to convolve; a placeholder, with an error, when it has other axes than images have.
  func images(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return floating(x)
  }

  /// The shape of a kernel: the cells, then `channels` and `filters`.
  func kernelShape(_ channels: Int, _ filters: Int) -> Shape {
    Shape((kernelSize.along(rank) ?? []) + [channels, filters])
  }

  /// The bias and the activation after sums of shape `[..., filters]`.
  func finish(_ sums: Tensor) -> Tensor {
    var y = sums
    if useBias {
      y = y + parameter("bias", shape: [sums.shape[-1]], biasOptions, dtype: sums.dtype)
    }
    if let activation { y = activation(y) }
    regularize(activity: y, with: activityRegularizer)
    return y
  }
}
