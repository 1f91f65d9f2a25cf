import CKernels

/// A short program of elementwise operations on numbered inputs; the last step gives the result.
package struct ElementwiseProgram: Hashable, Sendable {
  /// Where an operation of the program reads.
  package enum Source: Hashable, Sendable {
    case input(Int)
    case step(Int)
  }

  /// What an operation of the program does.
  package enum Operation: Hashable, Sendable {
    case unary(UInt32)
    case binary(UInt32)
    /// The gradient of an activation, from its output and the incoming gradient.
    case gradient(UInt32)
    case select
    case cast
  }

  package struct Step: Hashable, Sendable {
    package let operation: Operation
    package let name: String
    package var sources: [Source]
    /// The type that the kernel is chosen by.
    package let inputType: DType
    package let outputType: DType
  }

  package var steps: [Step]

  init(steps: [Step]) { self.steps = steps }

  /// The program of one elementwise operation, nil for any other.
  init?(_ node: Node) {
    let inputs = node.inputs
    guard let output = node.outputs.first, node.outputs.count == 1 else { return nil }
    let operation: Operation
    switch node.primitive {
    case let unary as any UnaryElementwise: operation = .unary(type(of: unary).op.rawValue)
    case let binary as any BinaryElementwise: operation = .binary(type(of: binary).op.rawValue)
    case is ReLUGradient: operation = .gradient(APUS_RELU_GRAD.rawValue)
    case is TanhGradient: operation = .gradient(APUS_TANH_GRAD.rawValue)
    case is SigmoidGradient: operation = .gradient(APUS_SIGMOID_GRAD.rawValue)
    case is Select: operation = .select
    case is Cast: operation = .cast
    default: return nil
    }
    let inputType = operation == .select ? output.dtype : inputs[0].dtype
    steps = [
      Step(
        operation: operation, name: node.primitive.name, sources: inputs.indices.map(Source.input),
        inputType: inputType, outputType: output.dtype)
    ]
  }

  /// The program of an elementwise operation or of several that have been fused, nil for any other node.
  static func whole(_ node: Node) -> ElementwiseProgram? {
    (node.primitive as? FusedElementwise)?.program ?? ElementwiseProgram(node)
  }

  /// The program that copies its only input.
  static func copy(_ dtype: DType) -> ElementwiseProgram {
    ElementwiseProgram(steps: [
      Step(
        operation: .cast, name: "copy", sources: [.input(0)], inputType: dtype, outputType: dtype)
    ])
  }

  /// Whether it only copies an input.
  var isCopy: Bool {
    steps.count == 1 && steps[0].operation == .cast && steps[0].inputType == steps[0].outputType
  }

  /// The names of the steps, in order.
  var names: String { steps.map(\.name).joined(separator: " ") }

  /// The inputs that steps read, ascending.
  var inputs: [Int] {
    let read = steps.flatMap(\.sources).compactMap { source in
      if case .input(let index) = source { index } else { nil }
    }
    return Set(read).sorted()
  }

  /// How many inputs there are.
  var inputCount: Int { 1 + (inputs.last ?? -1) }

  /// This program with another number for each input.
  func renumbered(_ number: (Int) -> Int) -> ElementwiseProgram {
    var program = self
    for index in program.steps.indices {
      program.steps[index].sources = program.steps[index].sources.map { source in
        if case .input(let input) = source { .input(number(input)) } else { source }
      }
    }
    return program
  }
}
