import Tensors

/// What layers of sequences, images and volumes with the channels last share: input `[batch, spatial axes..., channels]`.
///
/// A subclass for one number of spatial axes says it in `rank`; without one a layer cannot be made.
public class BaseSpatialLayer: AnyModule {
  /// The number of spatial axes: 1 for sequences, 2 for images, 3 for volumes.
  class var rank: Int { 0 }
  /// The number of spatial axes of this layer.
  final var rank: Int { Self.rank }

  override init(name: String?) {
    super.init(name: name)
    if rank == 0 { wrongArguments("is what layers share: make one with a number of axes") }
  }

  /// Reports lengths that are not one or `rank` numbers of at least `lowest`.
  final func check(_ argument: String, _ size: SpatialSize, lowest: Int = 1) {
    if rank > 0, size.along(rank)?.allSatisfy({ $0 >= lowest }) != true {
      wrongArgument(
        "\(argument)", must: "be one number or \(rank), of at least \(lowest)",
        got: "\(size.lengths)")
    }
  }

  /// `body` of an input with the axes that the layer wants; a placeholder, with an error, of another.
  final func ofImages(_ x: Tensor, _ body: (Tensor) -> Tensor) -> Tensor {
    guard rank > 0, x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return body(x)
  }
}
