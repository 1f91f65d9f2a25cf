/// A function that is traced once for each form and shape of its arguments, compiled, and then run.
///
/// Variables that it reads are inputs, and variables that it changes are outputs: `module.updateParameter` and
/// `variable.value = ...` inside work as they do outside. Constants in the arguments (numbers, texts) are part of the
/// form. Inside another `jit`, and where a gradient is being taken, the function runs as it is.
public final class Jitted<each Argument: Codable, Result: Codable> {
  private let function: (repeat each Argument) throws -> Result
  private var cache: [Key: Compiled] = [:]
  private var log: [String] = []

  private struct Key: Hashable {
    let form: String
    let specs: [TensorSpec]
  }

  private struct Compiled {
    let plan: Plan
    let resultForm: Structure
  }

  init(_ function: @escaping (repeat each Argument) throws -> Result) { self.function = function }

  /// Runs the function, compiling it first when there is no plan for arguments like these.
  ///
  /// - Throws: what the function throws, and the first error of an operation in it.
  public func callAsFunction(_ arguments: repeat each Argument) throws -> Result {
    let encoder = StructureEncoder()
    var parts: [Structure] = []
    for argument in repeat each arguments { parts.append(try encoder.encode(argument)) }
    let structure = Structure.list(parts)
    let tensors = structure.tensors
    let isNested =
      Trace.active != nil || tensors.contains { $0.node != nil }
      || GradientDepth.current > 0
    if isNested { return try function(repeat each arguments) }
    let compiled = try compiled(structure, tensors)
    let outputs = try compiled.plan(tensors)
    return try StructureDecoder().decode(
      Result.self, from: compiled.resultForm.replacingTensors(with: outputs))
  }

  private func compiled(_ structure: Structure, _ tensors: [Tensor]) throws -> Compiled {
    let key = Key(form: structure.form, specs: tensors.map(\.spec))
    if let known = cache[key] {
      guard let broken = known.plan.graph.guards.first(where: { !$0.holds() }) else { return known }
      log.append("compiled again: \(broken.describe) no longer holds")
    } else {
      log.append("compiled for \(structure)")
    }
    var form = Structure.none
    let graph = try Trace.record(tensors.map(\.spec)) { traced in
      let arguments = try structure.replacingTensors(with: traced)
      var index = 0
      func next<T: Codable>(_ type: T.Type) throws -> T {
        defer { index += 1 }
        return try StructureDecoder().decode(type, from: arguments.at([.index(index)]))
      }
      form = try StructureEncoder().encode(function(repeat next((each Argument).self)))
      return form.tensors
    }
    let fresh = Compiled(plan: Plan(graph), resultForm: form)
    cache[key] = fresh
    return fresh
  }

  /// What was compiled, for which arguments and why, one line each.
  public var cacheDescription: String { log.joined(separator: "\n") }

  /// How many plans there are.
  public var cacheCount: Int { cache.count }
}

/// Compiles a function of tensors and of any Codable structures of tensors. See ``Jitted``.
public func jit<each Argument: Codable, Result: Codable>(
  _ function: @escaping (repeat each Argument) throws -> Result
) -> Jitted<repeat each Argument, Result> {
  Jitted(function)
}
