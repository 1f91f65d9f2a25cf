import Engine

// snippet: primitive
/// `x / (1 + |x| / cap)` of each element: `x` near 0, and within `-cap` and `cap`.
struct SoftCap: Elementwise {
  let cap: Double

  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    switch inputs {
    case [.float32]: kernel(Float(cap))
    case [.float64]: kernel(cap)
    default: nil
    }
  }

  private func kernel<S: BinaryFloatingPoint & TensorScalar>(_ cap: S) -> ElementwiseKernel {
    .unary { (x: UnsafePointer<S>, y: UnsafeMutablePointer<S>, count) in
      for i in 0..<count { y[i] = x[i] / (1 + abs(x[i]) / cap) }
    }
  }

  /// `g / (1 + |x| / cap)²`, in operations that have gradients themselves.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [c.g / square(abs(c.x) / cap + 1)]
  }
}

func softCap(_ x: Tensor, cap: Double = 1) -> Tensor { apply1(SoftCap(cap: cap), x) }
// end
