/// An instruction of a plan: a primitive with its places in memory.
package struct Instruction {
  package let primitive: any Primitive
  package var inputs: [Reference]
  package var outputs: [Reference]

  package init(primitive: any Primitive, inputs: [Reference], outputs: [Reference]) {
    self.primitive = primitive
    self.inputs = inputs
    self.outputs = outputs
  }
}

/// A value of a plan, looked at through a layout.
package struct Reference: CustomStringConvertible {
  package let value: Int
  package let layout: Layout
  package let dtype: DType

  package init(value: Int, layout: Layout, dtype: DType) {
    self.value = value
    self.layout = layout
    self.dtype = dtype
  }

  package var description: String { "v\(value):\(dtype)\(layout.shape)" }
  var isWhole: Bool { layout.offset == 0 && layout.isContiguous }
}

/// Turns a graph into instructions on values, and finds a place for each value.
struct Lowering {
  /// Where a value lives.
  enum Home {
    /// Memory that exists already: a constant, an input, a variable.
    case fixed(UnsafeMutableRawPointer)
    /// Memory for a bucket that other ranks reach.
    case shared(UnsafeMutableRawPointer)
    /// Memory of the arena, from the instruction that writes it to the last that reads it.
    case arena
    /// The memory of another value, `offset` bytes in.
    case part(of: Int, offset: Int)
  }

  struct Value {
    var home: Home
    let byteCount: Int
    var writer: Int?
  }

  struct Update {
    let variable: Variable
    let source: Reference
    let value: Int
  }

  let graph: Graph
  private(set) var instructions: [Instruction] = []
  private(set) var values: [Value] = []
  /// Memory of each input, once for each buffer.
  private(set) var inputStorages: [[Storage]] = []
  private(set) var outputs: [Reference] = []
  /// For each changed variable what it becomes, and the value that stands in its memory at the end.
  private(set) var updates: [Update] = []
  private let reads: ReadCounts
  private var references: [Int: [Reference]] = [:]
  private var constants: [ObjectIdentifier: Int] = [:]
  private var keptAlive: [AnyObject] = []

  /// How often there is memory for the inputs.
  private let inputBuffers: Int
  /// Where inputs are already, by their number.
  private let inputMemory: [Int: Storage]
  /// The value of each input of the graph.
  private(set) var inputValues: [Int] = []
  /// The value that each variable of the graph has before the first instruction.
  private(set) var variableValues: [ObjectIdentifier: Int] = [:]

  /// The order in which ranks meet.
  private let meetings: [AnyHashable]

  init(
    _ graph: Graph, inputBuffers: Int, inputMemory: [Int: Storage], meetings: [AnyHashable]
  ) {
    self.graph = graph
    self.inputMemory = inputMemory
    self.meetings = meetings
    self.inputBuffers = inputBuffers
    reads = ReadCounts(graph)
  }

  mutating func lower() {
    for (index, input) in graph.inputs.enumerated() {
      let storages = (0..<inputBuffers).map { _ in
        inputMemory[index] ?? Storage(byteCount: input.spec.byteCount)
      }
      inputStorages.append(storages)
      inputValues.append(addValue(.fixed(storages[0].pointer), input.spec.byteCount))
      define(input, at: inputValues[inputValues.count - 1])
    }
    for (variable, placeholder) in graph.variables {
      let value = addValue(.fixed(variable.pin()), variable.spec.byteCount)
      variableValues[ObjectIdentifier(variable)] = value
      define(placeholder, at: value)
    }
    for node in Schedule.order(graph.nodes, meetings: meetings) { lower(node) }
    let updated = Set(graph.updates.compactMap { variableValues[ObjectIdentifier($0.variable)] })
    outputs = graph.outputs.map { output in
      let reference = resolve(output)
      // The old value of a variable that the plan changes has to be kept aside.
      return updated.contains(reference.value)
        ? emit(Contiguous(), [reference], [output.spec])[0] : reference
    }
    lowerUpdates()
  }

  private mutating func define(_ tensor: Tensor, at value: Int) {
    guard let node = tensor.node else { return }
    references[node.id] = [
      Reference(value: value, layout: Layout(rowMajor: tensor.shape), dtype: tensor.dtype)
    ]
  }

  private mutating func addValue(_ home: Home, _ byteCount: Int) -> Int {
    values.append(Value(home: home, byteCount: byteCount, writer: nil))
    return values.count - 1
  }

  private mutating func resolve(_ tensor: Tensor) -> Reference {
    guard let storage = tensor.storage else {
      guard let known = tensor.node.flatMap({ references[$0.id] }) else {
        fatalError("a tensor of another trace was used: \(tensor.spec)")
      }
      return known[tensor.outputIndex]
    }
    let key = ObjectIdentifier(storage)
    if constants[key] == nil {
      keptAlive.append(storage)
      constants[key] = addValue(.fixed(storage.pointer), storage.byteCount)
    }
    return Reference(value: constants[key] ?? 0, layout: tensor.layout, dtype: tensor.dtype)
  }

  private mutating func lower(_ node: Node) {
    var inputs = node.inputs.map { resolve($0) }
    if inputs.count == 1, node.outputs.count == 1 {
      let rowMajor = Layout(rowMajor: inputs[0].layout.shape)
      if let view = node.primitive.view(of: inputs[0].layout) {
        references[node.id] = [
          Reference(value: inputs[0].value, layout: view, dtype: inputs[0].dtype)
        ]
        return
      }
      if let view = node.primitive.view(of: rowMajor) {
        let copy = contiguous(inputs[0])
        references[node.id] = [Reference(value: copy.value, layout: view, dtype: copy.dtype)]
        return
      }
    }
    if let role = node.primitive.bucketRole {
      switch role {
      case .start(let work): lowerStart(node, inputs, work)
      // Its inputs are the outputs of a start.
      case .wait: emitInBucket(node, inputs)
      }
      return
    }
    if !node.primitive.acceptsStrided { inputs = inputs.map { contiguous($0) } }
    references[node.id] = emit(node.primitive, inputs, node.outputs)
  }

  private mutating func emit(
    _ primitive: any Primitive, _ inputs: [Reference], _ specs: [TensorSpec]
  ) -> [Reference] {
    let outputs = specs.map { spec in
      let value = addValue(.arena, spec.byteCount)
      values[value].writer = instructions.count
      return Reference(value: value, layout: Layout(rowMajor: spec.shape), dtype: spec.dtype)
    }
    instructions.append(Instruction(primitive: primitive, inputs: inputs, outputs: outputs))
    return outputs
  }

  private mutating func contiguous(_ reference: Reference) -> Reference {
    if reference.layout.isContiguous { return reference }
    return emit(
      Contiguous(), [reference], [TensorSpec(reference.layout.shape, reference.dtype)])[0]
  }

  /// Puts the inputs side by side: each becomes a part of one value.
  ///
  /// What nobody but the bucket reads is written there by whoever computes it. The rest is copied: a sum must not change
  /// what others read, whether they come before it, while it is under way, or after it.
  private mutating func lowerStart(
    _ node: Node, _ inputs: [Reference], _ work: any BackgroundWork
  ) {
    let bytes = inputs.map { Storage.aligned(byteCount($0)) }
    let size = bytes.reduce(0, +)
    let memory = work.sharedMemory(byteCount: size)
    if let memory { keptAlive.append(memory) }
    let bucket = addValue(memory.map { .shared($0.pointer) } ?? .arena, size)
    var offset = 0
    var parts: [Reference] = []
    for (index, input) in inputs.enumerated() {
      var part = input
      if !isWrittenForOnePlace(input) || reads[node.inputs[index]] != 1 {
        part = emit(Contiguous(), [input], [TensorSpec(input.layout.shape, input.dtype)])[0]
      }
      values[part.value].home = .part(of: bucket, offset: offset)
      offset += bytes[index]
      parts.append(part)
    }
    emitInBucket(node, parts)
  }

  /// Outputs that are new values in the memory of the inputs.
  private mutating func emitInBucket(_ node: Node, _ inputs: [Reference]) {
    let outputs = inputs.map { input in
      let value = addValue(values[input.value].home, byteCount(input))
      values[value].writer = instructions.count
      return Reference(
        value: value, layout: Layout(rowMajor: input.layout.shape), dtype: input.dtype)
    }
    instructions.append(Instruction(primitive: node.primitive, inputs: inputs, outputs: outputs))
    references[node.id] = outputs
  }

  private func isWrittenForOnePlace(_ reference: Reference) -> Bool {
    guard case .arena = values[reference.value].home else { return false }
    return reference.isWhole && values[reference.value].byteCount == byteCount(reference)
  }

  private func byteCount(_ reference: Reference) -> Int {
    reference.layout.shape.elementCount * reference.dtype.size
  }

  // MARK: Updates of variables

  /// Writes the new values of variables into the variables' own memory: directly by the instruction that computes
  /// them where nobody reads the old value afterwards, else by a copy at the end.
  private mutating func lowerUpdates() {
    var copies: [(source: Reference, target: Variable)] = []
    var readAtEnd: Set<Int> = Set(outputs.map(\.value))
    let olds = Set(variableValues.values)
    var pending: [(variable: Variable, source: Reference)] = []
    for (variable, tensor) in graph.updates {
      let source = resolve(tensor)
      // A variable that gets another one's old value must be copied before that one is overwritten.
      if olds.contains(source.value) {
        let copy = emit(Contiguous(), [source], [variable.spec])[0]
        pending.append((variable, copy))
      } else {
        pending.append((variable, source))
      }
    }
    readAtEnd.formUnion(pending.map(\.source.value))
    let readers = Readers(instructions, of: olds)
    let lastGuard = instructions.lastIndex { $0.primitive.isStepGuard } ?? -1
    for (variable, source) in pending {
      let old = variableValues[ObjectIdentifier(variable)]
      let pointer = variable.pin()
      let isGuarded = (values[source.value].writer ?? 0) < lastGuard
      if !isGuarded, canWriteDirectly(source, over: old, readAtEnd: readAtEnd, readers) {
        values[source.value].home = .fixed(pointer)
        updates.append(Update(variable: variable, source: source, value: source.value))
      } else {
        copies.append((source, variable))
      }
    }
    for (source, variable) in copies {
      let target = addValue(.fixed(variable.pin()), variable.spec.byteCount)
      let output = Reference(
        value: target, layout: Layout(rowMajor: variable.shape), dtype: variable.dtype)
      instructions.append(
        Instruction(primitive: Contiguous(), inputs: [source], outputs: [output]))
      updates.append(Update(variable: variable, source: source, value: target))
    }
  }

  private func canWriteDirectly(
    _ source: Reference, over old: Int?, readAtEnd: Set<Int>, _ readers: Readers
  ) -> Bool {
    guard isWrittenForOnePlace(source), let writer = values[source.value].writer else {
      return false
    }
    guard let old else { return true }
    if readAtEnd.contains(old) { return false }
    let reads = readers.reads[old] ?? []
    guard let last = reads.last, last.instruction >= writer else { return true }
    guard last.instruction == writer,
      let output = instructions[writer].outputs.firstIndex(where: { $0.value == source.value })
    else { return false }
    let pairs = readers.inPlace[writer] ?? []
    return reads.lazy.filter { $0.instruction == writer }.allSatisfy { read in
      instructions[writer].inputs[read.position].isWhole
        && pairs.contains(InPlacePair(output: output, input: read.position))
    }
  }

  /// Where some values are read, in order, and what the instructions that read them can do in place: found once, since
  /// an optimizer's update alone has thousands of inputs.
  private struct Readers {
    var reads: [Int: [(instruction: Int, position: Int)]] = [:]
    var inPlace: [Int: Set<InPlacePair>] = [:]

    init(_ instructions: [Instruction], of wanted: Set<Int>) {
      for (index, instruction) in instructions.enumerated() {
        var isReader = false
        for (position, input) in instruction.inputs.enumerated() where wanted.contains(input.value)
        {
          reads[input.value, default: []].append((index, position))
          isReader = true
        }
        if isReader { inPlace[index] = Set(instruction.primitive.inPlace) }
      }
    }
  }

  // MARK: Memory

  /// Gives each value of the arena a place; values that do not live at the same time share memory.
  func place(in shared: Arena) -> PlanMemory {
    var planner = ArenaPlanner(values: values, instructions: instructions, outputs: outputs)
    let (offsets, size) = planner.plan()
    let arena = shared.memory(byteCount: size)
    var pointers = [UnsafeMutableRawPointer](repeating: arena.pointer, count: values.count)
    for index in values.indices {
      switch values[index].home {
      case .fixed(let pointer), .shared(let pointer): pointers[index] = pointer
      case .arena: pointers[index] = arena.pointer + offsets[index]
      case .part: break
      }
    }
    for index in values.indices {
      if case .part(let whole, let offset) = values[index].home {
        pointers[index] = pointers[whole] + offset
      }
    }
    return PlanMemory(
      arenaBytes: size, pointers: pointers,
      inputs: Dictionary(uniqueKeysWithValues: zip(inputValues, inputStorages)),
      keptAlive: keptAlive + inputStorages.flatMap { $0 } + [arena])
  }
}

/// Where the values of a plan are.
struct PlanMemory {
  /// Bytes of the arena that this plan needs.
  let arenaBytes: Int
  let pointers: [UnsafeMutableRawPointer]
  /// The values that are inputs, with their memory in each buffer.
  let inputs: [Int: [Storage]]
  let keptAlive: [AnyObject]

  func operand(_ reference: Reference, buffer: Int = 0) -> Operand {
    let pointer = inputs[reference.value]?[buffer].pointer ?? pointers[reference.value]
    return Operand(pointer: pointer, layout: reference.layout, dtype: reference.dtype)
  }
}
