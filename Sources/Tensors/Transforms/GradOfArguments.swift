/// A function that gives `f`'s value and its gradient with respect to the *first* of several arguments.
///
/// Arguments are tensors or any Codable structures of tensors; the gradient has the form of the argument, and integer
/// tensors get zeros of their own type. See `valueAndGrad(_:argumentNumbers:)` for other arguments.
///
/// - Parameter f: gives one floating-point number.
/// - Returns: a function that throws the first error of an operation, and ``EngineError/shape(operation:message:)`` when `f`
///   does not give one number.
public func valueAndGrad<First: Codable, Second: Codable, each Rest: Codable>(
  _ f: @escaping (First, Second, repeat each Rest) throws -> Tensor
) -> Transformed<First, Second, repeat each Rest, (value: Tensor, gradient: First)> {
  Transformed<First, Second, repeat each Rest, (value: Tensor, gradient: First)> {
    (first: First, second: Second, rest: repeat each Rest) in
    let arguments = try Structure(arguments: first, second, repeat each rest)
    let found = try differentiate(arguments, by: [0]) { reader in
      let first = try reader.next(First.self)
      let second = try reader.next(Second.self)
      return (try f(first, second, repeat try reader.next((each Rest).self)), .none)
    }
    return (found.value, try ArgumentReader(found.gradients).next(First.self))
  }
}

/// A function that gives the gradient of `f` with respect to the first of several arguments. See
/// `valueAndGrad(_:argumentNumbers:)` for other arguments.
public func grad<First: Codable, Second: Codable, each Rest: Codable>(
  _ f: @escaping (First, Second, repeat each Rest) throws -> Tensor
) -> Transformed<First, Second, repeat each Rest, First> {
  let differentiated = valueAndGrad(f)
  return Transformed<First, Second, repeat each Rest, First> {
    (first: First, second: Second, rest: repeat each Rest) in
    try differentiated(first, second, repeat each rest).gradient
  }
}

/// `valueAndGrad` of a function of two arguments with respect to the first: here Swift does not find that `Rest` is empty.
public func valueAndGrad<First: Codable, Second: Codable>(
  _ f: @escaping (First, Second) throws -> Tensor
) -> Transformed<First, Second, (value: Tensor, gradient: First)> {
  valueAndGrad(Transformed<First, Second, Tensor>(f))
}

/// The gradient of a function of two arguments with respect to the first. See `valueAndGrad(_:argumentNumbers:)` for the
/// other one.
public func grad<First: Codable, Second: Codable>(
  _ f: @escaping (First, Second) throws -> Tensor
) -> Transformed<First, Second, First> {
  grad(Transformed<First, Second, Tensor>(f))
}

/// `valueAndGrad` of what another transform gave, with respect to the first argument.
public func valueAndGrad<First: Codable, each Rest: Codable>(
  _ f: Transformed<First, repeat each Rest, Tensor>
) -> Transformed<First, repeat each Rest, (value: Tensor, gradient: First)> {
  Transformed<First, repeat each Rest, (value: Tensor, gradient: First)> {
    (first: First, rest: repeat each Rest) in
    let arguments = try Structure(arguments: first, repeat each rest)
    let found = try differentiate(arguments, by: [0]) { reader in
      let first = try reader.next(First.self)
      return (try f(first, repeat try reader.next((each Rest).self)), .none)
    }
    return (found.value, try ArgumentReader(found.gradients).next(First.self))
  }
}

/// `grad` of what another transform gave, with respect to the first argument.
public func grad<First: Codable, each Rest: Codable>(
  _ f: Transformed<First, repeat each Rest, Tensor>
) -> Transformed<First, repeat each Rest, First> {
  let differentiated = valueAndGrad(f)
  return Transformed<First, repeat each Rest, First> { (first: First, rest: repeat each Rest) in
    try differentiated(first, repeat each rest).gradient
  }
}

/// A function that gives the gradient of `f` in the form of its argument: a struct, array or dictionary of tensors, nested
/// at will. Integer tensors get zeros of their own type.
public func grad<Argument: Codable>(
  _ f: @escaping (Argument) throws -> Tensor
) -> (Argument) throws -> Argument {
  { try valueAndGrad(f)($0).gradient }
}

/// A function that gives `f`'s value and its gradients with respect to the arguments with these numbers.
///
/// - Parameters:
///   - f: gives one floating-point number.
///   - argumentNumbers: from 0, negative from the end.
/// - Returns: a function to the value and a tuple with one gradient an argument; those not asked for are zeros and cost
///   nothing. It throws ``EngineError/invalidArgument(message:)`` for an argument that does not exist.
public func valueAndGrad<each Argument: Codable>(
  _ f: @escaping (repeat each Argument) throws -> Tensor, argumentNumbers: [Int]
) -> Transformed<repeat each Argument, (value: Tensor, gradients: (repeat each Argument))> {
  Transformed { (arguments: repeat each Argument) in
    let structure = try Structure(arguments: repeat each arguments)
    let found = try differentiate(structure, by: argumentNumbers) { reader in
      (try f(repeat try reader.next((each Argument).self)), .none)
    }
    let reader = ArgumentReader(found.gradients)
    return (found.value, (repeat try reader.next((each Argument).self)))
  }
}

/// A function that gives the gradients of `f` with respect to the arguments with these numbers. See
/// `valueAndGrad(_:argumentNumbers:)`.
public func grad<each Argument: Codable>(
  _ f: @escaping (repeat each Argument) throws -> Tensor, argumentNumbers: [Int]
) -> Transformed<repeat each Argument, (repeat each Argument)> {
  Transformed { (arguments: repeat each Argument) in
    let differentiated = valueAndGrad(f, argumentNumbers: argumentNumbers)
    return try differentiated(repeat each arguments).gradients
  }
}

/// As `valueAndGrad` with respect to the first argument, for a function that gives something else besides the number:
/// predictions, parts of the loss. Nothing is differentiated through that.
public func valueAndGrad<First: Codable, each Rest: Codable, Auxiliary: Codable>(
  withAuxiliary f: @escaping (First, repeat each Rest) throws -> (Tensor, Auxiliary)
) -> Transformed<
  First, repeat each Rest, (value: Tensor, auxiliary: Auxiliary, gradient: First)
> {
  Transformed<First, repeat each Rest, (value: Tensor, auxiliary: Auxiliary, gradient: First)> {
    (first: First, rest: repeat each Rest) in
    let arguments = try Structure(arguments: first, repeat each rest)
    let found = try differentiate(arguments, by: [0]) { reader in
      let (value, auxiliary) = try f(
        reader.next(First.self), repeat try reader.next((each Rest).self))
      return (value, try StructureEncoder().encode(auxiliary))
    }
    return (
      found.value, try StructureDecoder().decode(Auxiliary.self, from: found.auxiliary),
      try ArgumentReader(found.gradients).next(First.self)
    )
  }
}

/// As `valueAndGrad(withAuxiliary:)`, for a function of one argument, for which Swift does not find that `Rest` is empty.
public func valueAndGrad<Argument: Codable, Auxiliary: Codable>(
  withAuxiliary f: @escaping (Argument) throws -> (Tensor, Auxiliary)
) -> Transformed<Argument, (value: Tensor, auxiliary: Auxiliary, gradient: Argument)> {
  Transformed<Argument, (value: Tensor, auxiliary: Auxiliary, gradient: Argument)> {
    (argument: Argument) in
    let differentiated = valueAndGrad(withAuxiliary: f, argumentNumbers: [0])
    let (value, auxiliary, gradient) = try differentiated(argument)
    return (value, auxiliary, gradient)
  }
}

/// As `valueAndGrad(_:argumentNumbers:)`, for a function that gives something else besides the number.
public func valueAndGrad<each Argument: Codable, Auxiliary: Codable>(
  withAuxiliary f: @escaping (repeat each Argument) throws -> (Tensor, Auxiliary),
  argumentNumbers: [Int]
) -> Transformed<
  repeat each Argument,
  (value: Tensor, auxiliary: Auxiliary, gradients: (repeat each Argument))
> {
  Transformed { (arguments: repeat each Argument) in
    let structure = try Structure(arguments: repeat each arguments)
    let found = try differentiate(structure, by: argumentNumbers) { reader in
      let (value, auxiliary) = try f(repeat try reader.next((each Argument).self))
      return (value, try StructureEncoder().encode(auxiliary))
    }
    let reader = ArgumentReader(found.gradients)
    return (
      found.value, try StructureDecoder().decode(Auxiliary.self, from: found.auxiliary),
      (repeat try reader.next((each Argument).self))
    )
  }
}

/// The value of `body`, what it gives besides, and for each argument a gradient: zeros where none is wanted.
private func differentiate(
  _ arguments: Structure, by numbers: [Int],
  _ body: (ArgumentReader) throws -> (Tensor, Structure)
) throws -> (value: Tensor, auxiliary: Structure, gradients: Structure) {
  let leaves = arguments.leaves
  guard case .list(let parts) = arguments else { return (.invalid, .none, .none) }
  let wanted = try numbers.map { number in
    guard (-parts.count..<parts.count).contains(number) else {
      throw EngineError.invalidArgument(
        message: "grad: argument \(number) does not exist: the function takes \(parts.count)")
    }
    return PathElement.index(number < 0 ? number + parts.count : number)
  }
  let places = leaves.indices.filter { wanted.contains(leaves[$0].path[0]) }
  var inner = leaves.map(\.tensor)
  let (value, found, auxiliary) = try vjpOfScalar(places.map { inner[$0] }) { tensors in
    for (place, tensor) in zip(places, tensors) { inner[place] = tensor }
    return try body(ArgumentReader(try arguments.replacingTensors(with: inner)))
  }
  var gradients = leaves.map { Tensor.zeros($0.tensor.shape, dtype: $0.tensor.dtype) }
  for (place, gradient) in zip(places, found) { gradients[place] = gradient }
  let isOutermost = GradientDepth.current == 0
  return (
    value, isOutermost ? auxiliary.map(\.detached) : auxiliary,
    try arguments.replacingTensors(with: gradients)
  )
}
