/// A function that gives `f`'s value together with its *pullback*: what turns a gradient with respect to the value into
/// one with respect to each argument (reverse mode; `jax.vjp`).
///
/// ```swift
/// let (y, pullback) = try vjp { (x: Tensor) in sin(x) }(x)
/// let slope = try pullback(.ones(y.shape))  // cos(x)
/// ```
///
/// The pullback can be called any number of times, mapped with ``vmap(_:inAxes:outAxes:)-((Argument)->Result,_,_)`` and differentiated. It keeps
/// the intermediate results of `f` alive.
///
/// - Parameter f: from tensors, or any Codable structures of tensors, to any Codable structure of tensors.
/// - Returns: a function to the value and the pullback. The pullback takes a structure of the value's form and shapes and
///   gives one of the argument's form (with several arguments: a tuple); integer tensors get zeros of their own type. Both
///   throw the first error of an operation, the pullback ``EngineError/shape(operation:message:)`` for tensors of other
///   shapes than the value's.
/// - SeeAlso: Griewank, Walther, *Evaluating Derivatives* (2008), §3.2.
public func vjp<Argument: Codable, Result: Codable>(
  _ f: @escaping (Argument) throws -> Result
) -> Transformed<Argument, (value: Result, pullback: Transformed<Result, Argument>)> {
  Transformed { (argument: Argument) in
    let flat = try FlatFunction(f, argument)
    let (outputs, pullback) = try flatVJP(flat.callAsFunction, at: flat.tensors)
    let typed = { (cotangent: Result) throws -> Argument in
      let gradients = try pullback(StructureEncoder().encode(cotangent).tensors)
      let structure = try flat.arguments.replacingTensors(with: gradients)
      return try ArgumentReader(structure).next(Argument.self)
    }
    return (try flat.result(of: outputs), Transformed(typed))
  }
}

/// `vjp` for several arguments: the pullback gives a tuple.
@_disfavoredOverload
public func vjp<each Argument: Codable, Result: Codable>(
  _ f: @escaping (repeat each Argument) throws -> Result
) -> Transformed<
  repeat each Argument, (value: Result, pullback: Transformed<Result, (repeat each Argument)>)
> {
  Transformed { (arguments: repeat each Argument) in
    let flat = try FlatFunction(f, repeat each arguments)
    let (outputs, pullback) = try flatVJP(flat.callAsFunction, at: flat.tensors)
    let typed = { (cotangent: Result) throws -> (repeat each Argument) in
      let gradients = try pullback(StructureEncoder().encode(cotangent).tensors)
      let reader = ArgumentReader(try flat.arguments.replacingTensors(with: gradients))
      return (repeat try reader.next((each Argument).self))
    }
    return (try flat.result(of: outputs), Transformed(typed))
  }
}

/// A function that gives `f`'s value at a point and its derivative along a direction (forward mode; `jax.jvp`).
///
/// ```swift
/// let (y, change) = try jvp { (x: Tensor) in sin(x) }(x, direction)  // cos(x) * direction
/// ```
///
/// There are no rules for forward mode: the pullback is linear in its argument, and the derivative of a linear function
/// is its transpose, so the pullback of the pullback is forward mode. Compiled, what does not matter disappears.
///
/// - Parameter f: from a tensor, or any Codable structure of tensors, to any Codable structure of tensors.
/// - Returns: a function of the argument and a direction of the same form and shapes. Tangents of integer tensors are
///   zeros. It throws as `vjp` of one argument does.
/// - SeeAlso: Radul et al., *You Only Linearize Once* (2023), §1; the trick is J. Townsend's (2017).
public func jvp<Argument: Codable, Result: Codable>(
  _ f: @escaping (Argument) throws -> Result
) -> Transformed<Argument, Argument, (value: Result, tangent: Result)> {
  Transformed { (argument: Argument, direction: Argument) in
    let flat = try FlatFunction(f, argument)
    let along = try StructureEncoder().encode(direction).tensors
    let (outputs, tangents) = try flatJVP(flat.callAsFunction, at: flat.tensors, along: along)
    return (try flat.result(of: outputs), try flat.result(of: tangents))
  }
}

/// `vjp` of what another transform gave.
public func vjp<Argument: Codable, Result: Codable>(
  _ f: Transformed<Argument, Result>
) -> Transformed<Argument, (value: Result, pullback: Transformed<Result, Argument>)> {
  vjp(f.body)
}

/// `jvp` of what another transform gave.
public func jvp<Argument: Codable, Result: Codable>(
  _ f: Transformed<Argument, Result>
) -> Transformed<Argument, Argument, (value: Result, tangent: Result)> {
  jvp(f.body)
}

/// `vjp` of one argument from tensors to tensors.
func flatVJP(
  _ f: ([Tensor]) throws -> [Tensor], at arguments: [Tensor]
) throws -> (outputs: [Tensor], pullback: ([Tensor]) throws -> [Tensor]) {
  let leaves = arguments.map { Node(leaf: $0) }
  let depth = GradientDepth.current
  let outputs = try withErrors {
    try GradientDepth.deeper { try f(leaves.map { $0.output(0) }) }
  }
  let pullback = { (cotangents: [Tensor]) throws -> [Tensor] in
    try withErrors {
      let seeds = try matchingSeeds(cotangents, outputs)
      let arrived = zip(outputs, seeds).filter { $0.0.dtype.isFloating }
      let found = backward(from: arrived.map(\.0), seeds: arrived.map(\.1), to: leaves)
      let gradients = zip(found, arguments).map { $0 ?? .zeros($1.shape, dtype: $1.dtype) }
      return GradientDepth.current == 0 ? gradients.map(\.detached) : gradients
    }
  }
  return (depth == 0 ? outputs.map(\.detached) : outputs, pullback)
}

/// ``jvp(_:)`` from tensors to tensors.
func flatJVP(
  _ f: ([Tensor]) throws -> [Tensor], at arguments: [Tensor], along directions: [Tensor]
) throws -> (outputs: [Tensor], tangents: [Tensor]) {
  let (outputs, pullback) = try flatVJP(f, at: arguments)
  // Any seed will do: the pullback is linear in it.
  let seeds = outputs.map { Tensor.zeros($0.shape, dtype: $0.dtype) }
  let (_, pushforward) = try flatVJP(pullback, at: seeds)
  return (outputs, try pushforward(directions))
}

/// The seeds of a backward pass, in the outputs' types.
private func matchingSeeds(_ seeds: [Tensor], _ outputs: [Tensor]) throws -> [Tensor] {
  guard seeds.map(\.shape) == outputs.map(\.shape) else {
    throw EngineError(
      .shape, operation: "vjp",
      .requirement(
        of: "a gradient or direction", must: "have the shapes of the value \(outputs.map(\.shape))",
        found: "\(seeds.map(\.shape))"))
  }
  return zip(seeds, outputs).map { $0.cast(to: $1.dtype) }
}
