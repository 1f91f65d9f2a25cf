/// A graph made ready to run again and again: kernels bound to memory, in order.
///
/// All memory is taken when the plan is made; running it allocates nothing except the tensors that it returns.
package final class Plan {
  package let graph: Graph
  /// What runs, in order: for printing and profiling.
  package let instructions: [Instruction]
  /// Bytes of the arena that holds everything between inputs and outputs.
  package let arenaBytes: Int

  private let kernels: [Kernel]
  private let inputStorages: [Storage]
  private let inputSpecs: [TensorSpec]
  private let outputs: [Operand]
  private let keptAlive: [AnyObject]
  private let progress: (() throws -> Void)?

  /// - Parameters:
  ///   - graph: what to run.
  ///   - passes: rewritings to apply first.
  ///   - progress: called between kernels, so that collectives move on.
  package init(
    _ graph: Graph, passes: [any Pass] = Passes.standard, progress: (() throws -> Void)? = nil
  ) {
    let optimized = passes.reduce(graph) { $1.run($0) }
    var lowering = Lowering(optimized)
    lowering.lower()
    let memory = lowering.place()
    let workspace = Workspace()
    kernels = lowering.instructions.map { instruction in
      instruction.primitive.prepare(
        instruction.inputs.map(memory.operand), instruction.outputs.map(memory.operand), workspace)
    }
    workspace.reserve()
    self.graph = optimized
    self.progress = progress
    instructions = lowering.instructions
    inputSpecs = graph.inputs.map(\.spec)
    inputStorages = lowering.inputStorages
    outputs = lowering.outputs.map(memory.operand)
    arenaBytes = memory.arena.byteCount
    keptAlive =
      memory.keptAlive + optimized.variables.map(\.variable)
      + optimized.updates.map(\.variable) + [workspace]
  }

  /// Where input `index` is read from: row-major memory to be filled before ``run()``.
  package func inputPointer(_ index: Int) -> UnsafeMutableRawPointer {
    inputStorages[index].pointer
  }

  /// Runs every kernel once, on what is in the inputs' memory.
  package func run() throws {
    if let progress {
      for kernel in kernels {
        try kernel()
        try progress()
      }
    } else {
      for kernel in kernels { try kernel() }
    }
  }

  /// Copies `inputs` in, runs, and gives the outputs as fresh tensors.
  package func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
    for (index, input) in inputs.enumerated() { copyInput(index, input) }
    try run()
    return readOutputs()
  }

  /// Copies one input in.
  package func copyInput(_ index: Int, _ tensor: Tensor) {
    tensor.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      inputStorages[index].pointer.copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// The outputs of the last run as fresh tensors.
  package func readOutputs() -> [Tensor] {
    outputs.map { operand in
      let view = Tensor(
        layout: Layout(shape: operand.shape, strides: operand.strides), dtype: operand.dtype,
        storage: Storage(operand.pointer, byteCount: 0, owner: self))
      return Tensor(shape: operand.shape, dtype: operand.dtype) { target in
        view.withUnsafeBytes { bytes in
          if let source = bytes.baseAddress {
            target.copyMemory(from: source, byteCount: bytes.count)
          }
        }
      }
    }
  }

  /// Runs once and gives the seconds that each instruction took.
  package func profile() throws -> [(instruction: Instruction, seconds: Double)] {
    let clock = ContinuousClock()
    return try zip(instructions, kernels).map { instruction, kernel in
      let duration = try clock.measure { try kernel() }.components
      return (instruction, Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
    }
  }
}

extension Plan: CustomStringConvertible {
  /// One line an instruction.
  package var description: String {
    instructions.map { instruction in
      let inputs = instruction.inputs.map(\.description).joined(separator: ", ")
      let outputs = instruction.outputs.map(\.description).joined(separator: ", ")
      return "\(outputs) = \(instruction.primitive.name)(\(inputs))"
    }.joined(separator: "\n")
  }
}
