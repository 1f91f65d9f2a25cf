import CKernels

/// The scalar types that a model computes with.
public enum PrecisionPolicy: String, Sendable, Hashable, CaseIterable {
  /// Everything in the types of the tensors.
  case float32
  /// Matrix products of float32 round their factors to bfloat16 (8 bits of precision) and add up in float32; weights,
  /// gradients, the optimizer's state and all else stay float32.
  ///
  /// Taken only where this CPU multiplies bfloat16 faster, which is measured once in a process; otherwise the same as
  /// ``float32``. Under several ranks all have to be faster.
  ///
  /// - SeeAlso: Kalamkar et al., *A Study of BFLOAT16 for Deep Learning Training* (2019); Keras, `mixed_bfloat16`.
  case mixedBFloat16 = "mixed_bfloat16"
}

/// What a product rounds its factors to.
package enum ProductPrecision: Hashable, Sendable {
  case exact
  case bfloat16
}

/// Products of bfloat16 on this CPU.
package enum BFloat16 {
  /// How many times faster than in float32 this process multiplies in bfloat16, by a product of usual size; below 1
  /// without the instructions for it. Measured at the first use, in some milliseconds.
  package static let speedup: Double = {
    guard apus_bf16_has_instructions() != 0 else { return 0.1 }
    return ProductSpeed.gflops(.bfloat16, size: 384, repetitions: 6)
      / ProductSpeed.gflops(.exact, size: 384, repetitions: 6)
  }()

  /// Whether the difference is too large to be chance.
  package static var isFaster: Bool { speedup > 1.2 }
}
