import Tensors

/// A layer that works on each step by itself: the mask of its input is that of its output.
///
/// ```swift
/// final class Gate: Module, KeepsMask {
///   func call(_ x: Tensor) -> Tensor { x * sigmoid(Linear(x.shape[-1])(x)) }
/// }
/// ```
///
/// In a ``Sequential`` and a functional model a mask goes on through layers that conform, and ends at others. A layer whose output has
/// a mask of its own announces that with ``AnyModule/setMask(_:)`` instead.
public protocol KeepsMask: AnyModule {}
