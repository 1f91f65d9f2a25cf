import Tensors

/// Dropout of whole channels: what ``SpatialDropout1D``, ``SpatialDropout2D`` and ``SpatialDropout3D`` share.
///
/// While training a channel of a sample is set to 0 at all places with probability `rate`, else multiplied by
/// `1 / (1 − rate)`. Neighbouring places tell nearly the same: single elements that are dropped would be made up for by
/// their neighbours.
///
/// - SeeAlso: Tompson et al., *Efficient Object Localization Using Convolutional Networks* (2015), §3.2.
public class SpatialDropout: Module, KeepsMask {
  /// The probability of 0.
  public let rate: Double
  private let places: String
  private let rank: Int

  /// - Parameters:
  ///   - rate: the part of the channels that is dropped.
  ///   - places: the names of the axes between the batch and the channels.
  ///   - name: that of the layer.
  fileprivate init(_ rate: Double, places: [String], name: String?) {
    self.rate = rate
    self.places = places.joined(separator: ", ")
    rank = places.count + 2
    super.init(name: name)
    check(rate: rate)
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank, !x.isInvalid else {
      return wrongInput(x, expected: "[batch, \(places), channels]")
    }
    guard isTraining, rate > 0 else { return x }
    let ones = [Int](repeating: 1, count: rank - 2)
    return dropout(
      x, rate: rate, key: nextKey(), noiseShape: Shape([x.shape[0]] + ones + [x.shape[-1]]))
  }
}

/// ``SpatialDropout`` of sequences `[batch, time, channels]`.
///
/// - SeeAlso: Keras, `layers.SpatialDropout1D`.
public final class SpatialDropout1D: SpatialDropout {
  /// A layer that drops; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, name: String? = nil) {
    super.init(rate, places: ["time"], name: name)
  }
}

/// ``SpatialDropout`` of images `[batch, height, width, channels]`.
///
/// - SeeAlso: Keras, `layers.SpatialDropout2D`.
public final class SpatialDropout2D: SpatialDropout {
  /// A layer that drops; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, name: String? = nil) {
    super.init(rate, places: ["height", "width"], name: name)
  }
}

/// ``SpatialDropout`` of volumes `[batch, depth, height, width, channels]`.
///
/// - SeeAlso: Keras, `layers.SpatialDropout3D`.
public final class SpatialDropout3D: SpatialDropout {
  /// A layer that drops; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, name: String? = nil) {
    super.init(rate, places: ["depth", "height", "width"], name: name)
  }
}
