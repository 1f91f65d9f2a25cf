/// A graph made ready to run again and again: kernels bound to memory, in order.
///
/// All memory is taken when the plan is made; running it allocates nothing except the tensors that it returns.
package final class Plan {
  package let graph: Graph
  /// Where inputs, variables, intermediate values and outputs lie in memory.
  package let layout: PlanLayout
  /// Bytes of the arena that holds everything between inputs and outputs.
  package let arenaBytes: Int
  /// What making it took: each pass, the layout of memory, and the binding of kernels.
  package let durations: [(part: String, duration: Duration)]

  /// For each input buffer.
  private let kernels: [[Kernel]]
  private let inputStorages: [[Storage]]
  /// Where the outputs are after a run.
  let outputs: [Operand]
  private let keptAlive: [AnyObject]
  private let background: [any BackgroundWork]

  /// - Parameters:
  ///   - graph: what to run.
  ///   - passes: rewritings to apply first.
  ///   - inputBuffers: buffers of input memory: with 2 (double buffering) one can be filled while the plan runs on the other.
  ///   - arena: memory that is shared with other plans, of which only one runs at a time.
  ///   - inputMemory: where inputs are already, by their number; the others get memory of their own.
  /// - Throws: ``EngineError/model(message:)`` when ``PlanVerifier`` is on and finds something.
  package init(
    _ graph: Graph, passes: [any Pass] = Passes.standard, inputBuffers: Int = 1,
    arena: Arena = Arena(), inputMemory: [Int: Storage] = [:]
  ) throws {
    let clock = ContinuousClock()
    var durations: [(part: String, duration: Duration)] = []
    var begin = clock.now
    func note(_ part: String) {
      let end = clock.now
      durations.append((part, end - begin))
      begin = end
    }
    let optimized = passes.reduce(graph) { graph, pass in
      defer { note(pass.name) }
      return pass.run(graph)
    }
    var lowering = Lowering(
      optimized, inputBuffers: inputBuffers, inputMemory: inputMemory,
      meetings: Schedule.meetings(in: graph.nodes))
    lowering.lower()
    let memory = lowering.place(in: arena)
    let instructions = lowering.instructions
    background = instructions.compactMap(\.primitive.startedWork)
    let layout = PlanLayout(lowering, memory)
    if PlanVerifier.isOn { try layout.verify() }
    note("layout")
    let workspace = arena.workspace()
    func prepare(_ instruction: Instruction, _ buffer: Int) -> Kernel {
      instruction.primitive.prepare(
        instruction.inputs.map { memory.operand($0, buffer: buffer) },
        instruction.outputs.map { memory.operand($0) }, workspace)
    }
    let first = instructions.map { prepare($0, 0) }
    kernels = (0..<inputBuffers).map { buffer in
      // Only what reads an input differs from buffer to buffer.
      buffer == 0
        ? first
        : zip(instructions, first).map { instruction, kernel in
          let readsInput = instruction.inputs.contains { memory.inputs[$0.value] != nil }
          return readsInput ? prepare(instruction, buffer) : kernel
        }
    }
    workspace.reserve()
    note("binding")
    self.durations = durations
    self.graph = optimized
    self.layout = layout
    inputStorages = lowering.inputStorages
    outputs = lowering.outputs.map { memory.operand($0) }
    arenaBytes = memory.arenaBytes
    keptAlive =
      memory.keptAlive + optimized.variables.map(\.variable)
      + optimized.updates.map(\.variable) + [workspace]
  }

  /// What runs, in order: for printing and profiling.
  package var instructions: [Instruction] { layout.instructions }

  /// How many buffers of input memory there are.
  package var inputBuffers: Int { kernels.count }

  /// Where input `index` is read from: row-major memory to be filled before ``run(buffer:)``.
  package func inputPointer(_ index: Int, buffer: Int = 0) -> UnsafeMutableRawPointer {
    inputStorages[index][buffer].pointer
  }

  /// Runs every kernel once, on what is in one of the input buffers.
  ///
  /// - Throws: the error of the kernel that failed, after what goes on in the background has ended: the plan can run again.
  package func run(buffer: Int = 0) throws {
    if background.isEmpty {
      for kernel in kernels[buffer] { try kernel() }
      return
    }
    do {
      for kernel in kernels[buffer] {
        try kernel()
        for work in background { try work.progress() }
      }
    } catch {
      for work in background { try? work.wait() }
      throw error
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
      inputPointer(index).copyMemory(from: source, byteCount: bytes.count)
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
    do {
      return try zip(instructions, kernels[0]).map { instruction, kernel in
        let duration = try clock.measure { try kernel() }.components
        return (instruction, Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
      }
    } catch {
      for work in background { try? work.wait() }
      throw error
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
