/// A function whose intermediate results are not kept for the backward pass, but computed again there: memory for time
/// (`jax.checkpoint`, `torch.utils.checkpoint`, Keras's `remat`).
///
/// Values and gradients are those of `f`. Random keys, variables and tensors from outside keep the values that they had
/// the first time, so that dropout drops the same elements again; variables are written, and losses logged, once.
/// A chain of `n` checkpointed blocks keeps `n` inputs and the inside of one block.
///
/// - Parameter f: from tensors, or any Codable structures of tensors, to any Codable structure of tensors. Where gradients
///   are taken it cannot ask for values of its tensors, as in `jit`.
/// - Returns: a function that throws the first error of an operation.
/// - SeeAlso: Chen, Xu, Zhang, Guestrin, *Training Deep Nets with Sublinear Memory Cost* (2016).
public func checkpoint<each Argument: Codable, Result: Codable>(
  _ f: @escaping (repeat each Argument) throws -> Result
) -> Transformed<repeat each Argument, Result> {
  Transformed<repeat each Argument, Result> { (arguments: repeat each Argument) in
    let flat = try FlatFunction(f, repeat each arguments)
    return try withErrors {
      try flat.result(of: Checkpointed.run(flat.callAsFunction, flat.tensors))
    }
  }
}

/// `checkpoint` of what another transform gave.
public func checkpoint<each Argument: Codable, Result: Codable>(
  _ f: Transformed<repeat each Argument, Result>
) -> Transformed<repeat each Argument, Result> {
  checkpoint(f.body)
}

/// The results of a function whose backward pass begins with computing it again.
///
/// Inputs are all that the function depends on, and then its results, computed as usual but cut off from the backward
/// pass; outputs are these results once more. A plan has no such operation: once gradients have been taken,
/// ``CommonSubexpressions`` removes it.
struct Checkpointed: GradientMarker {
  private let segment: Segment
  /// The number of results.
  private let count: Int

  /// From all that the function depends on to its results. What it holds never changes, since the gradient may be taken on
  /// another thread.
  private final class Segment: Sendable {
    let body: @Sendable ([Tensor]) throws -> [Tensor]

    init(_ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]) { self.body = body }
  }

  /// Runs a function from tensors to tensors, to be run again in the backward pass.
  static func run(_ f: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws -> [Tensor] {
    let isWanted =
      GradientDepth.current > 0 || Trace.active != nil || inputs.contains { $0.node != nil }
    guard isWanted else { return try f(inputs) }
    let recording = try Recording(inputs.map(\.spec), f)
    let sources = inputs + recording.variables.map(\.value) + recording.captured
    let closed = recording.closed
    let segment = Segment { sources in
      let (outputs, logged, updates) = closed(sources)
      return outputs + logged + updates
    }
    // Values without a record of how they were made: what is computed inside is free as soon as it has been used.
    let results = join(segment, sources, try segment.body(sources.map(\.detached)))
    let logged = results.count - recording.outputCount - recording.written.count
    let rest = Array(results[recording.outputCount...])
    recording.deliver(updates: Array(rest[logged...]), logged: Array(rest[..<logged]))
    return Array(results[..<recording.outputCount])
  }

  /// The results as what a gradient goes back through.
  private static func join(
    _ segment: Segment, _ sources: [Tensor], _ results: [Tensor]
  ) -> [Tensor] {
    let inputs = sources + results
    guard inputs.contains(where: { $0.node != nil }), !inputs.contains(where: \.isInvalid) else {
      return results
    }
    let primitive = Checkpointed(segment: segment, count: results.count)
    let isTraced = inputs.contains(where: \.isTraced)
    let node = Node(
      primitive: primitive, inputs: inputs, outputs: results.map(\.spec),
      values: isTraced ? [] : results)
    return results.indices.map(node.output)
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    Array(inputs.suffix(count))
  }

  /// Copies, for plans without passes.
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let copies = zip(inputs.suffix(count), outputs).map { copyKernel($0, $1, workspace) }
    return { for copy in copies { try copy() } }
  }

  var acceptsStrided: Bool { true }

  /// The backward pass through the function, computed again.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let sources = c.inputs.dropLast(count)
    let leaves = sources.map { Node(leaf: apply1(RecomputationBarrier(), $0)) }
    let nothing = [Tensor?](repeating: nil, count: count)
    do {
      let results = try segment.body(leaves.map { $0.output(0) })
      return c.gradients(through: results, to: leaves) + nothing
    } catch {
      fail(error)
      return [Tensor?](repeating: nil, count: c.inputs.count)
    }
  }

  /// The same for all examples, computed again for all.
  func batched(_ inputs: [Tensor], mapped: [Bool], count examples: Int) -> [Tensor]? {
    let (sources, mappedSources) = (inputs.dropLast(count), Array(mapped.dropLast(count)))
    let results = zip(inputs, mapped).suffix(count).map {
      Example($0, isMapped: $1).broadcast(count: examples).detached
    }
    let body = segment.body
    let wide = Segment { try flatVmap(body, $0, mapped: mappedSources, count: examples) }
    return Self.join(wide, Array(sources), results)
  }

  static func == (a: Self, b: Self) -> Bool { a.segment === b.segment }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(segment)) }
}

/// The input itself, as something that is not known to be the same: what is computed from it is computed again.
struct RecomputationBarrier: Passthrough {
  /// False, so that ``CommonSubexpressions`` leaves it alone.
  var isPure: Bool { false }
}
