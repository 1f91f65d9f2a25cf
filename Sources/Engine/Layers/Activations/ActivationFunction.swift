import Tensors

/// A function applied to every element, or along the last axis, of a layer's output: `Linear(64, activation: .relu)`.
///
/// One of your own: `ActivationFunction("cube") { $0 * $0 * $0 }`.
///
/// Where a function has a corner its gradient is that of PyTorch: that of the flat side, 0 at both ends of `hardTanh`,
/// and `slope` at 0 of `leakyReLU`.
///
/// - SeeAlso: Keras, `activations`, whose formulas these are.
public struct ActivationFunction: Sendable {
  /// The name in messages.
  public let name: String
  private let function: @Sendable (Tensor) -> Tensor

  /// A function under a name. Two with one name count as the same.
  public init(_ name: String, _ function: @escaping @Sendable (Tensor) -> Tensor) {
    self.name = name
    self.function = function
  }

  /// The function's value, of the shape of `x`.
  public func callAsFunction(_ x: Tensor) -> Tensor { function(x) }
}

extension ActivationFunction: Hashable, CustomStringConvertible {
  /// Whether both have one name.
  public static func == (a: ActivationFunction, b: ActivationFunction) -> Bool { a.name == b.name }
  /// Hashes the name, as `==` compares it.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
  /// The name, with the settings in brackets where there are some.
  public var description: String { name }
}

// Rectifiers and what is like them.
extension ActivationFunction {
  /// `max(x, 0)`.
  public static let relu = Self("relu") { Engine.relu($0) }
  /// `x` above 0, `slope · x` below.
  public static func leakyReLU(slope: Double = 0.2) -> Self {
    Self("leakyReLU(\(slope))") { select($0 .> 0, $0, $0 * slope) }
  }
  /// `min(max(x, 0), 6)`.
  public static let relu6 = Self("relu6") { select($0 .>= 6, 6, Engine.relu($0)) }
  /// `x` above 0, `alpha · (eˣ − 1)` below (Clevert et al. 2016).
  public static func elu(alpha: Double = 1) -> Self {
    Self("elu(\(alpha))") { x in
      let isPositive = x .> 0
      // The branch that is not taken, and its gradient, must not overflow.
      return select(isPositive, x, expm1(select(isPositive, 0, x)) * alpha)
    }
  }
  /// `elu` scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017).
  public static let selu = Self("selu") { x in
    elu(alpha: 1.673_263_242_354_377_28)(x) * 1.050_700_987_355_480_49
  }
  /// `x` above 0, `alpha · (e^(x/alpha) − 1)` below (Barron 2017).
  public static func celu(alpha: Double = 1) -> Self {
    Self("celu(\(alpha))") { x in
      let isPositive = x .> 0
      return select(isPositive, x, expm1(select(isPositive, 0, x) / alpha) * alpha)
    }
  }
  /// `log(1 + eˣ)`.
  public static let softplus = Self("softplus") { Engine.softplus($0) }
  /// 0 up to −1, `x` from 1 on, and `¼(x + 1)²` between: the integral of `sparseSigmoid`.
  public static let sparsePlus = Self("sparsePlus") { x in
    select(x .<= -1, 0, select(x .< 1, square(x + 1) * 0.25, x))
  }
  /// `½(x + √(x² + b))`, a softplus without exponentials (Barron 2021).
  public static func squareplus(b: Double = 4) -> Self {
    Self("squareplus(\(b))") { ($0 + sqrt(square($0) + b)) * 0.5 }
  }
  /// `x · Φ(x)` with the normal distribution function (Hendrycks, Gimpel 2016), or its approximation by tanh.
  public static func gelu(approximate: Bool = false) -> Self {
    Self("gelu(approximate: \(approximate))") { Engine.gelu($0, approximate: approximate) }
  }
  /// `x · Φ(x)` with the normal distribution function.
  public static let gelu = gelu()
  /// `x · sigmoid(x)`, also called swish (Ramachandran et al. 2017).
  public static let silu = Self("silu") { $0 * Engine.sigmoid($0) }
  /// The first half of the last axis times the sigmoid of the second, half as long as `x` (Dauphin et al. 2017).
  public static let glu = Self("glu") { x in
    let halves = split(x, into: 2, axis: -1)
    return halves[0] * Engine.sigmoid(halves[1])
  }
  /// `x · tanh(softplus(x))` (Misra 2019).
  public static let mish = Self("mish") { $0 * Engine.tanh(Engine.softplus($0)) }
}

// Functions that saturate.
extension ActivationFunction {
  /// Hyperbolic tangent.
  public static let tanh = Self("tanh") { Engine.tanh($0) }
  /// `1 / (1 + e⁻ˣ)`.
  public static let sigmoid = Self("sigmoid") { Engine.sigmoid($0) }
  /// `log sigmoid(x)`.
  public static let logSigmoid = Self("logSigmoid") { -Engine.softplus(-$0) }
  /// `x / (1 + |x|)`.
  public static let softsign = Self("softsign") { $0 / (abs($0) + 1) }
  /// `x/6 + ½`, at least 0 and at most 1.
  public static let hardSigmoid = Self("hardSigmoid") { relu6($0 + 3) / 6 }
  /// `x · hardSigmoid(x)`.
  public static let hardSiLU = Self("hardSiLU") { $0 * hardSigmoid($0) }
  /// 0 up to −1, 1 from 1 on, and a straight line between.
  public static let sparseSigmoid = Self("sparseSigmoid") { hardTanh($0) * 0.5 + 0.5 }
  /// `x`, at least −1 and at most 1.
  public static let hardTanh = Self("hardTanh") { x in
    select(x .> -1, select(x .>= 1, 1, x), select(x .<= -1, -1, x))
  }
}

// Others.
extension ActivationFunction {
  /// `x` itself.
  public static let linear = Self("linear") { $0 }
  /// `eˣ`.
  public static let exponential = Self("exponential") { exp($0) }
  /// `eˣ / Σ eˣ` along the last axis.
  public static let softmax = Self("softmax") { Engine.softmax($0) }
  /// The logarithm of `softmax`.
  public static let logSoftmax = Self("logSoftmax") { Engine.logSoftmax($0) }
  /// `x` above `threshold`, `value` up to it.
  public static func threshold(_ threshold: Double, value: Double) -> Self {
    Self("threshold(\(threshold), \(value))") { select($0 .<= threshold, value, $0) }
  }
  /// `x − tanh(x)`.
  public static let tanhShrink = Self("tanhShrink") { $0 - Engine.tanh($0) }
  /// `x` moved towards 0 by `threshold`, and 0 within it.
  public static func softShrink(threshold: Double = 0.5) -> Self {
    Self("softShrink(\(threshold))") { sign($0) * Engine.relu(abs($0) - threshold) }
  }
  /// `x`, but 0 within `threshold` of 0.
  public static func hardShrink(threshold: Double = 0.5) -> Self {
    Self("hardShrink(\(threshold))") { select(abs($0) .<= threshold, 0, $0) }
  }
}
