import CKernels

/// Elementwise error function.
///
/// - SeeAlso: Abramowitz, Stegun, *Handbook of Mathematical Functions* (1964), §7.1.
package struct Erf: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_ERF }

  /// The operation.
  package init() {}

  /// `g · 2/√π · exp(−x²)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    // 2/√π
    return [c.g * 1.1283791670955126 * exp(-square(c.x))]
  }
}

/// The error function `2/√π ∫₀ˣ exp(-t²) dt` of each element, in (-1, 1). Integers become
/// float32.
public func erf(_ x: Tensor) -> Tensor { apply1(Erf(), floating(x)) }

extension Tensor {
  /// The error function of each element, in (-1, 1).
  public func erf() -> Tensor { Tensors.erf(self) }
}
