/// A function that is traced once for each form and shape of its arguments, compiled, and then run.
///
/// Variables that it reads are inputs, and variables that it changes are outputs: `module.updateParameter` and
/// `variable.value = ...` inside work as they do outside. Constants in the arguments (numbers, texts) are part of the
/// form. Inside another `jit` or another transform, and where a gradient is being taken, the function runs as it is.
///
/// It is compiled again for another form, shape or scalar type of an argument, and when a module that it calls has gone
/// from training to inference, a variable whose ``Variable/trainable`` it looked at has been frozen, or a module whose
/// variables it listed has got new ones. All these plans are kept, up to a limit; ``cacheDescription`` prints them.
public final class Jitted<each Argument: Codable, Result: Codable> {
  private let function: (repeat each Argument) throws -> Result
  private var cache: PlanCache

  init(_ function: @escaping (repeat each Argument) throws -> Result, cacheLimit: Int) {
    self.function = function
    cache = PlanCache(limit: cacheLimit)
  }

  /// Runs the function, compiling it first when there is no plan for arguments like these.
  ///
  /// - Throws: what the function throws, and the first error of an operation in it.
  public func callAsFunction(_ arguments: repeat each Argument) throws -> Result {
    let flat = try FlatFunction(function, repeat each arguments)
    let tensors = flat.tensors
    // A plan knows the variables' own memory only, and nothing of a module that is being called around it, nor of the
    // rows of a batch that a rank has.
    let isNested =
      VariableContext.current != nil || ModuleContext.current != nil
      || GradientDepth.current > 0 || NoisePlace.isKnown || tensors.contains { $0.node != nil }
    if isNested { return try function(repeat each arguments) }
    let entry = try cache.entry(for: flat.arguments, tensors) { arena in
      let graph = try Trace.record(tensors.map(\.spec)) { try flat($0) }
      try graph.checkIsClosed()
      return (try Plan(graph, arena: arena), flat.form)
    }
    let outputs = try entry.plan(tensors)
    return try StructureDecoder().decode(
      Result.self, from: entry.result.replacingTensors(with: outputs))
  }

  /// One line for each plan: for which arguments, how many operations, how long compiling took, how often it was used, and
  /// why it was compiled: which argument has changed from what to what, or what no longer holds.
  public var cacheDescription: String { cache.description }

  /// How many plans there are.
  public var cacheCount: Int { cache.count }
}

/// Compiles a function of tensors and of any Codable structures of tensors. See ``Jitted``.
///
/// - Parameters:
///   - cacheLimit: how many plans are kept; the one that has not been used for longest makes room for a new one.
///   - function: runs once for each plan, on tensors without values.
public func jit<each Argument: Codable, Result: Codable>(
  cacheLimit: Int = 64, _ function: @escaping (repeat each Argument) throws -> Result
) -> Jitted<repeat each Argument, Result> {
  Jitted(function, cacheLimit: cacheLimit)
}

/// Compiles what a transform gave, such as `jit(vmap(grad(loss)))`.
public func jit<each Argument: Codable, Result: Codable>(
  cacheLimit: Int = 64, _ function: Transformed<repeat each Argument, Result>
) -> Jitted<repeat each Argument, Result> {
  Jitted(function.body, cacheLimit: cacheLimit)
}
