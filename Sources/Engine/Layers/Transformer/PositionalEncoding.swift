import Foundation
import Tensors

/// Adds to each step sines and cosines of its position, of which every pair of features has its own frequency.
///
/// Input and output `[..., time, features]`: to feature `2i` of step `t` is added `sin(t / period^(2i / features))`, to feature
/// `2i + 1` the cosine. There is nothing to learn, and any length will do.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.5.
public final class PositionalEncoding: Module, KeepsMask {
  /// The longest wave has this length times 2π.
  public let maxPeriod: Double

  /// A layer with the paper's wavelengths.
  public init(maxPeriod: Double = 10_000, name: String? = nil) {
    self.maxPeriod = maxPeriod
    super.init(name: name)
    if maxPeriod <= 0 { wrongArgument("maxPeriod", must: "be positive", got: "\(maxPeriod)") }
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor {
    guard input.rank >= 2, !input.isInvalid else {
      return wrongInput(input, expected: "[..., time, features]")
    }
    let x = floating(input)
    return x + encoding(steps: x.shape[-2], features: x.shape[-1], dtype: x.dtype)
  }

  /// The numbers that are added, `[steps, features]`.
  public func encoding(steps: Int, features: Int, dtype: DType = .float32) -> Tensor {
    var values: [Double] = []
    values.reserveCapacity(steps * features)
    for step in 0..<steps {
      for feature in 0..<features {
        let exponent = Double(feature / 2 * 2) / Double(features)
        let angle = Double(step) / pow(maxPeriod, exponent)
        values.append(feature % 2 == 0 ? sin(angle) : cos(angle))
      }
    }
    return Tensor(values, shape: [steps, features], dtype: dtype)
  }
}
