import CKernels

/// The gradient of ``ReLUOperation``: `g` where the output `y` is above 0, else 0.
package struct ReLUGradient: ActivationGradient {
  /// The operation.
  package init() {}

  /// Calls `apus_relu_grad`.
  package func run(
    _ dtype: Int32, _ value: UnsafeRawPointer, _ gradient: UnsafeRawPointer,
    _ result: UnsafeMutableRawPointer, _ count: Int
  ) {
    apus_relu_grad(dtype, value, gradient, result, count)
  }

  /// None for `y`, whose sign alone matters; the same mask for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [nil, apply1(ReLUGradient(), c.inputs[0], c.g)]
  }
}
