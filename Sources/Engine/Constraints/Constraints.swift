import Tensors

/// No element is below 0: negative ones become 0.
///
/// - SeeAlso: Keras, `constraints.NonNeg`.
public struct NonNegative: Constraint {
  /// A constraint without settings.
  public init() {}

  /// `max(w, 0)`, of the parameter's shape.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { maximum(parameter, 0) }
}

/// Vectors along some axes have length 1.
///
/// - SeeAlso: Keras, `constraints.UnitNorm`.
public struct UnitNorm: Constraint {
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; of vectors along the first axis by default.
  public init(axes: [Int] = [0]) { self.axes = axes }

  /// `w / (‖w‖ + 1e-7)`, of the parameter's shape.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    parameter / (norms(of: parameter, axes: axes) + 1e-7)
  }
}

/// Vectors along some axes are at most `maxValue` long: longer ones are scaled down.
///
/// With axis 0 a vector holds the weights of one unit of a kernel `[in, units]`; for one filter of a kernel
/// `[rows, columns, in, filters]` take axes 0, 1 and 2.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014), §5.1;
///   Keras, `constraints.MaxNorm`.
public struct MaxNorm: Constraint {
  /// The length that vectors have at most.
  public let maxValue: Double
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; Keras's defaults.
  public init(_ maxValue: Double = 2, axes: [Int] = [0]) {
    self.maxValue = maxValue
    self.axes = axes
  }

  /// `w · min(‖w‖, maxValue) / (‖w‖ + 1e-7)`, of the parameter's shape.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    let norms = norms(of: parameter, axes: axes)
    return scaled(parameter, to: minimum(norms, maxValue), from: norms)
  }
}

/// Vectors along some axes have lengths within bounds, or go a part of the way there.
///
/// - SeeAlso: Keras, `constraints.MinMaxNorm`.
public struct MinMaxNorm: Constraint {
  /// The length that vectors have at least.
  public let minValue: Double
  /// The length that vectors have at most.
  public let maxValue: Double
  /// Which part of the way a vector goes: 1 for all of it.
  public let rate: Double
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; Keras's defaults.
  public init(
    minValue: Double = 0, maxValue: Double = 1, rate: Double = 1, axes: [Int] = [0]
  ) {
    self.minValue = minValue
    self.maxValue = maxValue
    self.rate = rate
    self.axes = axes
  }

  /// `w · length / (‖w‖ + 1e-7)` where `length` is `rate · clipped ‖w‖ + (1 − rate) · ‖w‖`; of the parameter's shape.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    let norms = norms(of: parameter, axes: axes)
    let clipped = minimum(maximum(norms, minValue), maxValue)
    return scaled(parameter, to: clipped * rate + norms * (1 - rate), from: norms)
  }
}
