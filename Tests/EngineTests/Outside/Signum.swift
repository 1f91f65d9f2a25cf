import Engine

// snippet: optimizer
/// Steps of one length along the sign of a mean of gradients: `m = β m + (1 − β) g`, `p -= rate · sign(m)`.
///
/// - SeeAlso: Bernstein et al., *signSGD: Compressed Optimisation for Non-Convex Problems* (2018), algorithm 2.
final class Signum: Optimizer {
  override var slots: [Slot] { [Slot("momentum")] }
  override var updateRule: (any UpdateRule)? { Rule(beta: 0.9) }

  private struct Rule: UpdateRule {
    let beta: Double

    func apply(
      parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
      slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType,
      learningRate: Double, iteration: Int
    ) {
      func run<S: BinaryFloatingPoint>(_ type: S.Type) {
        let p = parameter.assumingMemoryBound(to: type)
        let g = gradient.assumingMemoryBound(to: type)
        let m = slots[0].assumingMemoryBound(to: type)
        let (rate, beta) = (S(learningRate), S(beta))
        for i in 0..<count {
          m[i] = beta * m[i] + (1 - beta) * g[i]
          p[i] -= m[i] > 0 ? rate : m[i] < 0 ? -rate : 0
        }
      }
      if dtype == .float64 { run(Double.self) } else { run(Float.self) }
    }
  }
}
// end
