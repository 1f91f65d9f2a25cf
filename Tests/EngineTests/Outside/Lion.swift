import Engine

// snippet: optimizer
/// Steps of one length: `p -= rate · sign(β₁ m + (1 − β₁) g)`, then `m = β₂ m + (1 − β₂) g`.
///
/// - SeeAlso: Chen et al., *Symbolic Discovery of Optimization Algorithms* (2023), algorithm 2.
final class Lion: Optimizer {
  override var slots: [Slot] { [Slot("momentum")] }
  override var updateRule: (any UpdateRule)? { Rule(beta1: 0.9, beta2: 0.99) }

  private struct Rule: UpdateRule {
    let beta1: Double
    let beta2: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      func run<S: BinaryFloatingPoint>(_ type: S.Type) {
        let p = parameter.assumingMemoryBound(to: type)
        let g = gradient.assumingMemoryBound(to: type)
        let m = slots[0].assumingMemoryBound(to: type)
        let (rate, beta1, beta2) = (S(learningRate), S(beta1), S(beta2))
        for i in 0..<count {
          let direction = beta1 * m[i] + (1 - beta1) * g[i]
          p[i] -= direction > 0 ? rate : direction < 0 ? -rate : 0
          m[i] = beta2 * m[i] + (1 - beta2) * g[i]
        }
      }
      if dtype == .float64 { run(Double.self) } else { run(Float.self) }
    }
  }
}
// end
