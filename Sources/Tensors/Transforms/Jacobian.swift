/// A function that gives the matrix of `f`'s partial derivatives, by reverse mode: one backward pass for each element of the
/// value, all of them at once. Best when the value has fewer elements than the argument.
///
/// - Parameter f: from a tensor to a floating-point tensor.
/// - Returns: a function to a tensor of the value's shape followed by the argument's: `[i..., j...]` is the derivative of
///   element `i...` of the value by element `j...` of the argument.
/// - SeeAlso: JAX, `jax.jacrev`.
public func jacobian(
  _ f: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> Tensor {
  { x in try flatJacobian({ [try f($0[0])] }, at: [x])[0][0] }
}

/// As ``jacobian(_:)-((Tensor)->Tensor)``, for any structures: the value's structure, in which each tensor is replaced by a structure of the
/// argument's form.
public func jacobian<Argument: Codable, Result: Codable>(
  _ f: @escaping (Argument) throws -> Result
) -> (Argument) throws -> Structure {
  { argument in
    let flat = try FlatFunction(f, argument)
    let rows = try flatJacobian(flat.callAsFunction, at: flat.tensors)
    let form = try flat.arguments.at([.index(0)])
    var rest = try rows.map { try form.replacingTensors(with: $0) }[...]
    return flat.form.expanded { _ in rest.popFirst() ?? .none }
  }
}

/// A function that gives the matrix of `f`'s partial derivatives, by forward mode: one way forward for each element of the
/// argument, all of them at once. Best when the argument has fewer elements than the value.
///
/// - SeeAlso: ``jacobian(_:)-((Tensor)->Tensor)``, which gives the same; JAX, `jax.jacfwd`.
public func jacobianForward(
  _ f: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> Tensor {
  { x in try flatJacobianForward({ [try f($0[0])] }, at: [x])[0][0] }
}

/// A function that gives the second derivatives of `f`, which gives one number: the forward derivatives of its gradient.
///
/// - Returns: a function to a tensor of the argument's shape twice.
/// - SeeAlso: JAX, `jax.hessian`.
public func hessian(_ f: @escaping (Tensor) throws -> Tensor) -> (Tensor) throws -> Tensor {
  jacobianForward(grad(f))
}

/// As ``hessian(_:)-((Tensor)->Tensor)``, for any structure: the argument's structure, in which each tensor is replaced by a structure of the
/// same form. The tensor at `a`, `b` has the shape of the tensor at `a` followed by that of the tensor at `b`.
public func hessian<Argument: Codable>(
  _ f: @escaping (Argument) throws -> Tensor
) -> (Argument) throws -> Structure {
  jacobian(grad(f))
}

/// A function of a point and a direction that gives the second derivatives of `f` times the direction, without ever
/// holding all of them.
///
/// - Parameter f: gives one number.
/// - Returns: a function that throws the first error of an operation.
/// - SeeAlso: Pearlmutter, *Fast Exact Multiplication by the Hessian* (1994).
public func hessianVectorProduct<Argument: Codable>(
  _ f: @escaping (Argument) throws -> Tensor
) -> Transformed<Argument, Argument, Argument> {
  let alongGradient = jvp(grad(f))
  return Transformed { (point: Argument, direction: Argument) in
    try alongGradient(point, direction).tangent
  }
}

// MARK: Of what another transform gave

/// ``jacobian(_:)-((Tensor)->Tensor)`` of what another transform gave.
public func jacobian(_ f: Transformed<Tensor, Tensor>) -> (Tensor) throws -> Tensor {
  jacobian(f.body)
}

/// ``jacobianForward(_:)-((Tensor)->Tensor)`` of what another transform gave.
public func jacobianForward(_ f: Transformed<Tensor, Tensor>) -> (Tensor) throws -> Tensor {
  jacobianForward(f.body)
}

/// ``hessian(_:)-((Tensor)->Tensor)`` of what another transform gave.
public func hessian(_ f: Transformed<Tensor, Tensor>) -> (Tensor) throws -> Tensor {
  hessian(f.body)
}

/// For each output and each argument the derivatives, by reverse mode.
private func flatJacobian(
  _ f: ([Tensor]) throws -> [Tensor], at arguments: [Tensor]
) throws -> [[Tensor]] {
  let (outputs, pullback) = try flatVJP(f, at: arguments)
  return try outputs.indices.map { row in
    let found = try mapOverBasis(outputs, row, pullback)
    return zip(found, arguments).map { $0.reshape(Shape(outputs[row].shape.dimensions + $1.shape)) }
  }
}

/// For each output and each argument the derivatives, by forward mode.
private func flatJacobianForward(
  _ f: @escaping ([Tensor]) throws -> [Tensor], at arguments: [Tensor]
) throws -> [[Tensor]] {
  var rows: [[Tensor]] = []
  for column in arguments.indices {
    let found = try mapOverBasis(arguments, column) {
      try flatJVP(f, at: arguments, along: $0).tangents
    }
    if rows.isEmpty { rows = found.map { _ in [] } }
    for (row, tangent) in found.enumerated() {
      // [column..., row...] to [row..., column...].
      let outer = arguments[column].rank
      let whole = tangent.reshape(
        Shape(arguments[column].shape.dimensions + tangent.shape.dropFirst()))
      rows[row].append(whole.transpose(Array(outer..<whole.rank) + Array(0..<outer)))
    }
  }
  return rows
}

/// A linear function of tensors like `tensors` at every unit vector of one of them, zeros in the others: outputs with the
/// unit vectors along a new first axis.
private func mapOverBasis(
  _ tensors: [Tensor], _ index: Int, _ function: ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
  try withErrors {
    let wanted = tensors[index]
    let count = wanted.elementCount
    let basis = Tensor.eye(count, dtype: wanted.dtype).reshape(Shape([count] + wanted.shape))
    var inputs = tensors.map { Tensor.zeros($0.shape, dtype: $0.dtype) }
    inputs[index] = basis
    return try flatVmap(
      function, inputs, mapped: inputs.indices.map { $0 == index }, count: count)
  }
}
