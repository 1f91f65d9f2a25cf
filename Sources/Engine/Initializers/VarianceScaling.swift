import Tensors

/// Numbers with mean 0 and variance `scale / fan`, so that signals keep their size from layer to layer.
///
/// A kernel `[..., in, out]` has fan-in `in` and fan-out `out`, each times the number of cells of the
/// axes before them (the receptive field of a convolution).
///
/// - SeeAlso: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*
///   (2010), §4.2.1; He et al., *Delving Deep into Rectifiers* (2015), §2.2.
public struct VarianceScaling: Initializer {
  /// Which fan the variance is divided by.
  public enum Mode: Hashable, Sendable {
    /// The number of inputs of a unit.
    case fanIn
    /// The number of units that an input goes to.
    case fanOut
    /// The mean of both.
    case fanAverage
  }

  /// The shape of the distribution; the variance is the same.
  public enum Distribution: Hashable, Sendable {
    /// Even over ±√(3 · variance).
    case uniform
    /// Normal, cut at two standard deviations and widened to make up for it.
    case truncatedNormal
    /// Normal, with this variance and no ends.
    case normal
  }

  /// What the variance, `1 / fan`, is multiplied by.
  public let scale: Double
  /// Which fan the variance is divided by.
  public let mode: Mode
  /// The shape of the distribution.
  public let distribution: Distribution

  /// The initializer; Keras's defaults.
  public init(
    scale: Double = 1, mode: Mode = .fanIn, distribution: Distribution = .truncatedNormal
  ) {
    self.scale = scale
    self.mode = mode
    self.distribution = distribution
  }

  /// The standard deviation of a normal distribution cut at ±2, from which Keras has these digits too.
  private static let truncatedDeviation = 0.879_625_661_034_239_78

  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    let deviation = (scale / Swift.max(1, fan(shape))).squareRoot()
    switch distribution {
    case .uniform:
      let limit = 3.0.squareRoot() * deviation
      return Draw.uniform(shape, dtype, key, low: -limit, high: limit)
    case .truncatedNormal:
      return Draw.truncatedNormal(
        shape, dtype, key, mean: 0, deviation: deviation / Self.truncatedDeviation)
    case .normal:
      return Draw.normal(shape, dtype, key, mean: 0, deviation: deviation)
    }
  }

  private func fan(_ shape: Shape) -> Double {
    let fans = Self.fans(of: shape)
    switch mode {
    case .fanIn: return Double(fans.in)
    case .fanOut: return Double(fans.out)
    case .fanAverage: return Double(fans.in + fans.out) / 2
    }
  }

  /// Fan-in and fan-out of a kernel; of a vector both are its length.
  package static func fans(of shape: Shape) -> (in: Int, out: Int) {
    switch shape.rank {
    case 0: return (1, 1)
    case 1: return (shape[0], shape[0])
    default:
      let receptive = shape.dimensions.dropLast(2).reduce(1, *)
      return (receptive * shape[-2], receptive * shape[-1])
    }
  }
}

/// A ``VarianceScaling`` with a name of its own.
public protocol VarianceScalingCase: Initializer {
  /// What it is a case of.
  static var scaling: VarianceScaling { get }
}

extension VarianceScalingCase {
  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Self.scaling(shape, dtype: dtype, key: key)
  }
}

/// Even over ±√(6 / (fan-in + fan-out)): the default for kernels.
///
/// - SeeAlso: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010), §4.2.1.
public struct GlorotUniform: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(scale: 1, mode: .fanAverage, distribution: .uniform)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}

/// Truncated normal with variance 2 / (fan-in + fan-out).
///
/// - SeeAlso: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010), §4.2.1.
public struct GlorotNormal: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(
    scale: 1, mode: .fanAverage, distribution: .truncatedNormal)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}

/// Even over ±√(6 / fan-in): for layers with a rectifier.
///
/// - SeeAlso: He et al., *Delving Deep into Rectifiers* (2015), §2.2.
public struct HeUniform: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(scale: 2, mode: .fanIn, distribution: .uniform)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}

/// Truncated normal with variance 2 / fan-in: for layers with a rectifier.
///
/// - SeeAlso: He et al., *Delving Deep into Rectifiers* (2015), §2.2.
public struct HeNormal: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(
    scale: 2, mode: .fanIn, distribution: .truncatedNormal)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}

/// Even over ±√(3 / fan-in).
///
/// - SeeAlso: LeCun, Bottou, Orr, Müller, *Efficient BackProp* (1998), §4.6.
public struct LecunUniform: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(scale: 1, mode: .fanIn, distribution: .uniform)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}

/// Truncated normal with variance 1 / fan-in.
///
/// - SeeAlso: LeCun, Bottou, Orr, Müller, *Efficient BackProp* (1998), §4.6.
public struct LecunNormal: VarianceScalingCase {
  /// What it is a case of.
  public static let scaling = VarianceScaling(
    scale: 1, mode: .fanIn, distribution: .truncatedNormal)

  /// The initializer; the shape says all that it depends on.
  public init() {}
}
