/// A short program of elementwise operations on numbered inputs; the last operation gives the result.
package struct ElementwiseProgram: Hashable, Sendable {
  /// Where an operation of the program reads.
  package enum Source: Hashable, Sendable {
    case input(Int)
    case operation(Int)
  }

  package struct Operation: Hashable, Sendable {
    package let primitive: any Elementwise
    package var sources: [Source]
    /// The scalar type of each source.
    package let inputTypes: [DType]
    package let outputType: DType

    package static func == (a: Self, b: Self) -> Bool {
      AnyHashable(a.primitive) == AnyHashable(b.primitive) && a.sources == b.sources
        && a.inputTypes == b.inputTypes && a.outputType == b.outputType
    }

    package func hash(into hasher: inout Hasher) {
      hasher.combine(AnyHashable(primitive))
      hasher.combine(sources)
    }
  }

  package var operations: [Operation]

  init(operations: [Operation]) { self.operations = operations }

  /// The program of one elementwise operation, nil for any other.
  init?(_ node: Node) {
    guard let primitive = node.primitive as? any Elementwise else { return nil }
    operations = [
      Operation(
        primitive: primitive, sources: node.inputs.indices.map(Source.input),
        inputTypes: node.inputs.map(\.dtype), outputType: node.outputs[0].dtype)
    ]
  }

  /// The program of an elementwise operation or of several that have been fused, nil for any other node.
  static func whole(_ node: Node) -> ElementwiseProgram? {
    (node.primitive as? FusedElementwise)?.program ?? ElementwiseProgram(node)
  }

  /// The program that copies its only input.
  static func copy(_ dtype: DType) -> ElementwiseProgram {
    ElementwiseProgram(operations: [
      Operation(
        primitive: Cast(dtype: dtype), sources: [.input(0)], inputTypes: [dtype], outputType: dtype)
    ])
  }

  /// Whether it only copies an input.
  var isCopy: Bool {
    operations.count == 1 && operations[0].primitive is Cast
      && operations[0].inputTypes == [operations[0].outputType]
  }

  /// The names of the operations, in order.
  var names: String { operations.map(\.primitive.name).joined(separator: " ") }

  /// The inputs that operations read, ascending.
  var inputs: [Int] {
    let read = operations.flatMap(\.sources).compactMap { source in
      if case .input(let index) = source { index } else { nil }
    }
    return Set(read).sorted()
  }

  /// How many inputs there are.
  var inputCount: Int { 1 + (inputs.last ?? -1) }

  /// This program with another number for each input.
  func renumbered(_ number: (Int) -> Int) -> ElementwiseProgram {
    var program = self
    for index in program.operations.indices {
      program.operations[index].sources = program.operations[index].sources.map { source in
        if case .input(let input) = source { .input(number(input)) } else { source }
      }
    }
    return program
  }
}
