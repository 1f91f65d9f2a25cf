import Logging

/// A function that is traced once for each form and shape of its arguments, compiled, and then run.
///
/// Variables that it reads are inputs, and variables that it changes are outputs: `module.updateParameter` and
/// `variable.value = ...` inside work as they do outside. Inside another `jit` or another transform, and where a gradient is
/// being taken, the function runs as it is.
///
/// Tensors and keys of random numbers are traced. A number is to be taken as a tensor (`rate: Tensor`, called with
/// `Tensor(0.1)`), because a `Double` or an `Int` has its value already while the function is traced and would be compiled in;
/// one that is meant to be is marked ``Static``, and others are an error. Booleans and strings are part of the form.
/// Arguments and results must be `Codable`, which a tuple cannot be: a function takes its arguments one by one, or in a
/// struct; it may give a tuple of two or three results.
///
/// It is compiled again for another form, shape or scalar type of an argument, for another ``Static`` value, and when a module
/// that it calls has gone from training to inference, a variable whose ``Variable/trainable`` it looked at has been frozen, or
/// a module whose variables it listed has got new ones. All these plans are kept, up to a limit; ``cacheDescription`` prints
/// them. When it has been compiled again more than 10 times a warning says why.
public final class Jitted<each Argument: Codable, Result: Codable> {
  private let function: (repeat each Argument) throws -> Result
  private let place: String
  private var cache: PlanCache
  private var hasWarned = false
  /// Where the warning goes.
  public var logger = Logger(label: "apus.jit")

  init(
    _ function: @escaping (repeat each Argument) throws -> Result, cacheLimit: Int, place: String
  ) {
    self.function = function
    self.place = place
    cache = PlanCache(limit: cacheLimit)
  }

  /// Runs the function, compiling it first when there is no plan for arguments like these.
  ///
  /// - Throws: what the function throws, the first error of an operation in it, and
  ///   ``EngineError/invalidArgument(message:)`` for a number that is not marked ``Static``.
  public func callAsFunction(_ arguments: repeat each Argument) throws -> Result {
    let flat = try FlatFunction(function, repeat each arguments)
    let tensors = flat.tensors
    // A plan knows the variables' own memory only, and nothing of a module that is being called around it, nor of the
    // rows of a batch that a rank has.
    let isNested =
      VariableContext.current != nil || CurrentNotes.keeper != nil
      || GradientDepth.current > 0 || NoisePlace.isKnown || tensors.contains { $0.node != nil }
    if isNested {
      try requireNoNumbers(flat.arguments)
      return try function(repeat each arguments)
    }
    let entry = try cache.entry(for: flat.arguments) ?? compiled(flat)
    let outputs = try entry.plan(tensors)
    return try StructureDecoder().decode(
      Result.self, from: entry.result.replacingTensors(with: outputs))
  }

  private func compiled(_ flat: FlatFunction<Result>) throws -> PlanCache.Entry {
    try requireNoNumbers(flat.arguments)
    let entry = try cache.entry(
      for: flat.arguments,
      compiling: { arena in
        let graph = try Trace.record(flat.tensors.map(\.spec)) { try flat($0) }
        try graph.checkIsClosed()
        return (try Plan(graph, arena: arena), flat.form)
      })
    warnOfRecompiling(entry.reason)
    return entry
  }

  /// A number would be compiled in without a word, and every other one would compile the function again.
  private func requireNoNumbers(_ arguments: Structure) throws(EngineError) {
    for (path, value) in arguments.constants {
      switch value {
      case .bool, .string: continue
      case .int, .double:
        throw .invalidArgument(
          message:
            "jit (\(place)): argument \(path.pathDescription) is the number \(value), which would "
            + "be compiled in: take it as a Tensor and give Tensor(\(value)), which is traced, or take "
            + "it as Static and give Static(\(value)) to have the function compiled for each value")
      }
    }
  }

  private func warnOfRecompiling(_ reason: String) {
    guard cache.compiled > 11, !hasWarned else { return }
    hasWarned = true
    logger.warning(
      """
      the function given to jit (\(place)) has been compiled again \(cache.compiled - 1) times, now because \
      \(reason). Compiling takes far longer than running: give it arguments of few shapes and forms; \
      cacheDescription lists all plans
      """)
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
///   - file: where it is made, for messages.
///   - line: likewise.
///   - function: runs once for each plan, on tensors without values.
/// - Returns: the compiled function.
public func jit<each Argument: Codable, Result: Codable>(
  cacheLimit: Int = 64, file: String = #fileID, line: UInt = #line,
  _ function: @escaping (repeat each Argument) throws -> Result
) -> Jitted<repeat each Argument, Result> {
  Jitted(function, cacheLimit: cacheLimit, place: "\(file):\(line)")
}

/// Compiles what a transform gave, such as `jit(vmap(grad(loss)))`.
public func jit<each Argument: Codable, Result: Codable>(
  cacheLimit: Int = 64, file: String = #fileID, line: UInt = #line,
  _ function: Transformed<repeat each Argument, Result>
) -> Jitted<repeat each Argument, Result> {
  Jitted(function.body, cacheLimit: cacheLimit, place: "\(file):\(line)")
}
