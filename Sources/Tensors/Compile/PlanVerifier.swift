import Foundation

/// Checks finished instructions without trusting those who made them: it goes through them in order and keeps a map of memory
/// that says which value stands where.
///
/// - What is read must stand there: written before, and not overwritten by another value since.
/// - An output may take the memory of an input of its own instruction only where the primitive says that it works in place,
///   and no other input of it looks at that memory in another way.
/// - Between the start of a bucket's reduction and its wait nothing touches the bucket, and every start has its wait.
/// - Inputs and constants are never written; a variable is written once, by what it is to become, and in the end it is that.
/// - No variable is written before the last instruction that may end the step (``StepGuard``).
///
/// It runs for every plan in debug builds and where the environment has `APUS_VERIFY_PLANS`, as the tests do.
package enum PlanVerifier {
  /// Whether every plan is verified when it is made.
  package static let isOn: Bool = {
    #if DEBUG
      true
    #else
      ProcessInfo.processInfo.environment["APUS_VERIFY_PLANS"] != nil
    #endif
  }()

  /// What is wrong with a plan, a line each; empty when all is right.
  package static func faults(in layout: PlanLayout) -> [String] {
    var run = Run(layout)
    run.check()
    return run.faults
  }
}

private struct Run {
  let layout: PlanLayout
  var faults: [String] = []
  private var memory = MemoryMap()
  /// Reductions under way: their memory, and which instruction started them.
  private var inFlight: [(range: Range<Int>, start: Int)] = []
  private var written: Set<Int> = []
  private var writes: [Int]
  /// The last instruction that may end the step.
  private let lastGuard: Int

  init(_ layout: PlanLayout) {
    self.layout = layout
    writes = [Int](repeating: 0, count: layout.variables.count)
    lastGuard = layout.instructions.lastIndex { $0.primitive.isStepGuard } ?? -1
  }

  mutating func check() {
    checkStart()
    for index in layout.instructions.indices { check(index) }
    for output in layout.outputs { read(output, by: "the plan returns") }
    for (range, start) in inFlight {
      faults.append("\(name(start)) is never waited for (bytes \(range))")
    }
    for (index, variable) in layout.variables.enumerated() { checkEnd(variable, writes[index]) }
  }

  private func name(_ index: Int) -> String {
    "instruction \(index) \(layout.instructions[index].primitive.name)"
  }

  // MARK: Before the first instruction

  private mutating func checkStart() {
    var taken: [(range: Range<Int>, name: String)] = []
    func take(_ range: Range<Int>, _ name: String) {
      for other in taken where other.range.overlaps(range) {
        faults.append("\(name) and \(other.name) share memory")
      }
      if !range.isEmpty { taken.append((range, name)) }
    }
    for constant in layout.constants {
      memory.put(constant, in: layout.regions[constant].range)
    }
    for (index, input) in layout.inputs.enumerated() {
      for (buffer, region) in input.inputBuffers.enumerated() {
        if region.byteCount < input.spec.byteCount {
          faults.append(
            "input \(index) \(input.spec) has \(region.byteCount) bytes in buffer \(buffer)")
        }
        take(region.range, "input \(index) of buffer \(buffer)")
      }
      if input.inputBuffers.first != layout.regions[input.value] {
        faults.append("input \(index) is not where buffer 0 is")
      }
      memory.put(input.value, in: layout.regions[input.value].range)
    }
    for variable in layout.variables {
      take(variable.region.range, "variable \(variable.path)")
      guard let old = variable.old else { continue }
      if layout.regions[old] != variable.region {
        faults.append("variable \(variable.path) is read from another place than its own")
      }
      memory.put(old, in: variable.region.range)
    }
  }

  // MARK: An instruction

  private mutating func check(_ index: Int) {
    let instruction = layout.instructions[index]
    let role = instruction.primitive.bucketRole
    if case .wait? = role { endFlight(instruction, index) }
    for input in instruction.inputs { read(input, by: name(index) + " reads") }
    for output in instruction.outputs { checkOutput(output, index, instruction, role) }
    // A sum reaches from the first byte of its first tensor to the last one of its last.
    if case .start? = role, let range = span(instruction.inputs) {
      memory.put(nil, in: range)
      inFlight.append((range, index))
    }
    for output in instruction.outputs {
      memory.put(output.value, in: layout.regions[output.value].range)
    }
  }

  /// The bytes that a reference looks at; empty when it has no elements.
  private func range(_ reference: Reference) -> Range<Int> {
    let region = layout.regions[reference.value]
    let (lengths, strides) = (reference.layout.shape.dimensions, reference.layout.strides)
    guard !lengths.contains(0) else { return region.address..<region.address }
    var (low, high) = (reference.layout.offset, reference.layout.offset)
    for (length, stride) in zip(lengths, strides) {
      if stride < 0 { low += (length - 1) * stride } else { high += (length - 1) * stride }
    }
    let size = reference.dtype.size
    return region.address + low * size..<region.address + (high + 1) * size
  }

  private func span(_ references: [Reference]) -> Range<Int>? {
    let ranges = references.map(range).filter { !$0.isEmpty }
    guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max()
    else { return nil }
    return low..<high
  }

  private mutating func read(_ reference: Reference, by reader: String) {
    let range = range(reference)
    guard !range.isEmpty else { return }
    let region = layout.regions[reference.value].range
    if range.lowerBound < region.lowerBound || range.upperBound > region.upperBound {
      faults.append("\(reader) \(reference) beyond its memory")
      return
    }
    if let flight = inFlight.first(where: { $0.range.overlaps(range) }) {
      faults.append("\(reader) \(reference), which \(name(flight.start)) is summing")
      return
    }
    switch memory.holder(of: range) {
    case .one(reference.value): break
    case .one(let other): faults.append("\(reader) \(reference), but v\(other) stands there")
    case .several: faults.append("\(reader) \(reference), parts of which are overwritten")
    case .nothing: faults.append("\(reader) \(reference), which is not written")
    }
  }

  private mutating func checkOutput(
    _ output: Reference, _ index: Int, _ instruction: Instruction, _ role: BucketRole?
  ) {
    let region = layout.regions[output.value]
    let range = region.range
    let writer = name(index) + " writes \(output)"
    if !written.insert(output.value).inserted { faults.append("\(writer), as another one did") }
    if !output.isWhole || output.layout.shape.elementCount * output.dtype.size != region.byteCount {
      faults.append("\(writer), which is not all of its \(region.byteCount) bytes")
    }
    guard !range.isEmpty else { return }
    if let flight = inFlight.first(where: { $0.range.overlaps(range) }) {
      faults.append("\(writer), where \(name(flight.start)) is summing")
    }
    for other in instruction.outputs
    where other.value != output.value && layout.regions[other.value].range.overlaps(range) {
      faults.append("\(writer) over \(other), another output")
    }
    for (position, variable) in layout.variables.enumerated()
    where variable.region.range.overlaps(range) {
      writes[position] += 1
      if index < lastGuard {
        faults.append("\(writer), a variable, before \(name(lastGuard)), which may end the step")
      }
      if variable.new?.value != output.value || variable.region != region {
        faults.append("\(writer) over variable \(variable.path)")
      }
    }
    for input in layout.inputs
    where input.inputBuffers.contains(where: { $0.range.overlaps(range) }) {
      faults.append("\(writer) over an input of the plan")
    }
    for constant in layout.constants where layout.regions[constant].range.overlaps(range) {
      faults.append("\(writer) over the constant v\(constant)")
    }
    // A bucket's tensors are summed where they are.
    guard role == nil else { return }
    let pairs = instruction.primitive.inPlace
    let outputIndex = instruction.outputs.firstIndex { $0.value == output.value }
    for (position, input) in instruction.inputs.enumerated()
    where self.range(input).overlaps(range) {
      let isPair = pairs.contains { $0.input == position && $0.output == outputIndex }
      if !isPair || !input.isWhole || layout.regions[input.value] != region {
        faults.append("\(writer) over its input \(position), \(input)")
      }
    }
  }

  private mutating func endFlight(_ wait: Instruction, _ index: Int) {
    let range = span(wait.inputs)
    guard let range else { return }
    guard let flight = inFlight.firstIndex(where: { $0.range == range }) else {
      faults.append("\(name(index)) waits for what was not started")
      return
    }
    inFlight.remove(at: flight)
  }

  // MARK: After the last instruction

  private mutating func checkEnd(_ variable: PlanLayout.VariableMemory, _ writes: Int) {
    guard let (source, value) = variable.new else { return }
    if writes > 1 { faults.append("variable \(variable.path) is written \(writes) times") }
    if !variable.region.range.isEmpty, memory.holder(of: variable.region.range) != .one(value) {
      faults.append("variable \(variable.path) does not end as v\(value)")
    }
    guard value != source.value else { return }
    let isCopy = layout.instructions.contains { instruction in
      instruction.primitive is Contiguous && instruction.outputs.map(\.value) == [value]
        && instruction.inputs.map(\.value) == [source.value]
        && instruction.inputs[0].layout == source.layout
    }
    if !isCopy { faults.append("variable \(variable.path) is no copy of \(source)") }
  }
}

/// Which value stands where.
private struct MemoryMap {
  enum Holder: Equatable {
    case nothing
    case one(Int)
    case several
  }

  /// In order of addresses, without overlaps.
  private var pieces: [(range: Range<Int>, value: Int)] = []

  /// Position of the first piece that ends after `address`.
  private func first(after address: Int) -> Int {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].range.upperBound > address { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Puts a value (nil for none) over whatever is there.
  mutating func put(_ value: Int?, in range: Range<Int>) {
    guard !range.isEmpty else { return }
    let begin = first(after: range.lowerBound)
    var end = begin
    var rest: [(range: Range<Int>, value: Int)] = []
    while end < pieces.count, pieces[end].range.lowerBound < range.upperBound {
      let piece = pieces[end]
      if piece.range.lowerBound < range.lowerBound {
        rest.append((piece.range.lowerBound..<range.lowerBound, piece.value))
      }
      if piece.range.upperBound > range.upperBound {
        rest.append((range.upperBound..<piece.range.upperBound, piece.value))
      }
      end += 1
    }
    if let value { rest.append((range, value)) }
    rest.sort { $0.range.lowerBound < $1.range.lowerBound }
    pieces.replaceSubrange(begin..<end, with: rest)
  }

  /// What stands in all of a range.
  func holder(of range: Range<Int>) -> Holder {
    var index = first(after: range.lowerBound)
    guard index < pieces.count, pieces[index].range.lowerBound <= range.lowerBound else {
      return .nothing
    }
    let value = pieces[index].value
    var address = range.lowerBound
    while address < range.upperBound {
      guard index < pieces.count, pieces[index].range.lowerBound <= address else { return .several }
      if pieces[index].value != value { return .several }
      address = pieces[index].range.upperBound
      index += 1
    }
    return .one(value)
  }
}
