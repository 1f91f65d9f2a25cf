/// A function that gives `f`'s value and its gradient with respect to every argument.
///
/// Gradients can be nested and traced: they are computed by the same operations.
///
/// - Parameter f: gives one floating-point number (shape `[]` or one element) from tensors of any shapes.
/// - Returns: a function to the value and to one gradient an argument, of the argument's shape and type.
///   It throws the first error of an operation, and ``EngineError/shape(operation:message:)`` when `f` does not
///   give one number.
public func valueAndGrad(
  _ f: @escaping ([Tensor]) throws -> Tensor
) -> ([Tensor]) throws -> (value: Tensor, gradients: [Tensor]) {
  { arguments in
    let (value, gradients, _) = try vjpOfScalar(arguments) { (try f($0), ()) }
    return (value, gradients)
  }
}

/// A function that gives the gradient of `f` with respect to every argument, each of the argument's shape. It throws what that
/// of `valueAndGrad(f)` throws.
public func grad(
  _ f: @escaping ([Tensor]) throws -> Tensor
) -> ([Tensor]) throws -> [Tensor] {
  { try valueAndGrad(f)($0).gradients }
}

/// A function that gives `f`'s value, a scalar, and its gradient with respect to the one argument, of that one's shape. It
/// throws what that of `valueAndGrad(f)` throws.
public func valueAndGrad(
  _ f: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> (value: Tensor, gradient: Tensor) {
  { argument in
    let (value, gradients, _) = try vjpOfScalar([argument]) { (try f($0[0]), ()) }
    return (value, gradients[0])
  }
}

/// A function that gives the gradient of `f` with respect to the one argument, of that one's shape. It throws what that of
/// `valueAndGrad(f)` throws.
public func grad(_ f: @escaping (Tensor) throws -> Tensor) -> (Tensor) throws -> Tensor {
  { try valueAndGrad(f)($0).gradient }
}

/// A function that gives `f`'s value, and the gradient in the form of the argument: a struct, array or dictionary of
/// tensors, nested at will.
///
/// Only floating-point tensors have gradients, each of its tensor's shape; integer tensors get zeros of their own type.
public func valueAndGrad<Argument: Codable>(
  _ f: @escaping (Argument) throws -> Tensor
) -> (Argument) throws -> (value: Tensor, gradient: Argument) {
  { argument in
    let structure = try StructureEncoder().encode(argument)
    let (value, gradients, _) = try vjpOfScalar(structure.tensors) { leaves in
      (
        try f(
          try StructureDecoder().decode(
            Argument.self, from: structure.replacingTensors(with: leaves))), ()
      )
    }
    let gradient = try StructureDecoder().decode(
      Argument.self, from: structure.replacingTensors(with: gradients))
    return (value, gradient)
  }
}

/// Value, gradients, and what else the body gives.
package func vjpOfScalar<Extra>(
  _ arguments: [Tensor], _ body: ([Tensor]) throws -> (Tensor, Extra)
) throws -> (Tensor, [Tensor], Extra) {
  try withErrors {
    let depth = GradientDepth.current
    let leaves = arguments.map { Node(leaf: $0) }
    let (value, extra) = try GradientDepth.deeper { try body(leaves.map { $0.output(0) }) }
    let gradients = try gradientsOfScalar(value, leaves, arguments)
    // Without an outer gradient nobody will walk further: do not keep the whole computation alive.
    guard depth == 0 else { return (value, gradients, extra) }
    return (value.detached, gradients.map(\.detached), extra)
  }
}

/// The gradient of one number with respect to leaves; zeros where it does not depend on one.
package func gradientsOfScalar(
  _ value: Tensor, _ leaves: [Node], _ arguments: [Tensor]
) throws -> [Tensor] {
  if let error = ErrorScope.current?.error { throw error }
  guard value.elementCount == 1, value.dtype.isFloating else {
    throw EngineError.shape(
      operation: "grad",
      message: "the function must give one floating-point number, it gave \(value.spec): "
        + "take its mean or sum")
  }
  let found = backward(
    from: [value], seeds: [.ones(value.shape, dtype: value.dtype)], to: leaves)
  return zip(found, arguments).map { $0 ?? .zeros($1.shape, dtype: $1.dtype) }
}

extension Node {
  /// The start of a gradient with respect to `tensor`.
  package convenience init(leaf tensor: Tensor) {
    self.init(
      primitive: Leaf(), inputs: [tensor], outputs: [tensor.spec],
      values: tensor.isTraced ? [] : [tensor])
  }
}
