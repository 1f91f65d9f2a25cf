import Tensors

/// ``Linear`` under Keras's name, which it has in summaries, messages and paths as well: `dense/kernel`.
///
/// - SeeAlso: Keras, `layers.Dense`.
public final class Dense: Linear {}
