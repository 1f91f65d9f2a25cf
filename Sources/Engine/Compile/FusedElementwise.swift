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
    case is Select: operation = .select
    case is Cast: operation = .cast
    default: return nil
    }
    let inputType = operation == .select ? output.dtype : inputs[0].dtype
    steps = [
      Step(
        operation: operation, name: node.primitive.name, sources: inputs.indices.map(Source.input),
        inputType: inputType,
        outputType: output.dtype)
    ]
  }

  /// How many inputs there are.
  var inputCount: Int {
    1
      + steps.flatMap(\.sources).reduce(-1) {
        if case .input(let index) = $1 { Swift.max($0, index) } else { $0 }
      }
  }
}

/// Several elementwise operations in one sweep: a tile of a thousand elements goes through all of them while it is in
/// the first-level cache.
struct FusedElementwise: Primitive {
  let program: ElementwiseProgram
  static let tile = 1024

  var name: String { "fused(" + program.steps.map(\.name).joined(separator: " ") + ")" }
  var acceptsStrided: Bool { true }
  var inPlace: [InPlacePair] {
    (0..<program.inputCount).map { InPlacePair(output: 0, input: $0) }
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    [TensorSpec(inputs[0].shape, program.steps.last?.outputType ?? inputs[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let runner = ElementwiseRunner(program, inputs, outputs[0], workspace)
    return { runner.run() }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] {
    preconditionFailure("fused operations are made after gradients have been taken")
  }
}

/// An elementwise program bound to memory.
private final class ElementwiseRunner {
  private struct BoundStep {
    enum Function {
      case unary(apus_unary_fn)
      case binary(apus_binary_fn)
      case select(apus_select_fn)
    }
    let function: Function
    let a: Place
    let b: Place
    let c: Place
    let target: Place
  }

  /// A register (`register` bytes into the workspace) or an operand.
  private struct Place {
    var operand = -1
    var register = 0
    var stride = 1
    var size = 1
  }

  private let steps: UnsafeMutableBufferPointer<BoundStep>
  private let operands: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private let shape: [Int]
  private let strides: [[Int]]
  private let sizes: [Int]
  private let workspace: Workspace
  private let inner: Int
  private let isEmpty: Bool

  init(
    _ program: ElementwiseProgram, _ inputs: [Operand], _ output: Operand, _ workspace: Workspace
  ) {
    let all = inputs + [output]
    let loop = StridedLoop(shape: output.shape, strides: all.map(\.strides))
    shape = Array(loop.shape.dropLast())
    strides = loop.strides.map { Array($0.dropLast()) }
    sizes = all.map(\.dtype.size)
    inner = loop.shape.last ?? 1
    isEmpty = output.elementCount == 0
    self.workspace = workspace
    operands = .allocate(capacity: all.count)
    _ = operands.initialize(from: all.map(\.pointer))
    let innerStrides = loop.strides.map { $0.last ?? 1 }

    let registers = Registers(program)
    workspace.require(bytes: registers.count * FusedElementwise.tile * 8)
    let bound = program.steps.enumerated().map { index, step in
      func place(_ source: ElementwiseProgram.Source) -> Place {
        switch source {
        case .input(let operand):
          Place(operand: operand, stride: innerStrides[operand], size: all[operand].dtype.size)
        case .step(let source): registers.place(source, program.steps[source].outputType)
        }
      }
      let places = step.sources.map(place)
      let isLast = index == program.steps.count - 1
      return BoundStep(
        function: Self.function(step), a: places[0], b: places.count > 1 ? places[1] : Place(),
        c: places.count > 2 ? places[2] : Place(),
        target: isLast
          ? Place(operand: all.count - 1, stride: 1, size: output.dtype.size)
          : registers.place(index, step.outputType))
    }
    steps = .allocate(capacity: bound.count)
    _ = steps.initialize(from: bound)
  }

  deinit {
    steps.deinitialize()
    steps.deallocate()
    operands.deallocate()
  }

  private static func function(_ step: ElementwiseProgram.Step) -> BoundStep.Function {
    let code = step.inputType.code
    switch step.operation {
    case .unary(let op):
      if let function = apus_unary(apus_unary_op(rawValue: op), code) { return .unary(function) }
    case .binary(let op):
      if let function = apus_binary(apus_binary_op(rawValue: op), code) { return .binary(function) }
    case .select:
      if let function = apus_select(code) { return .select(function) }
    case .cast:
      if let function = apus_cast(code, step.outputType.code) { return .unary(function) }
    }
    preconditionFailure("\(step.name): no kernel for \(step.inputType)")
  }

  func run() {
    guard !isEmpty else { return }
    let base = workspace.base
    let rows = shape.reduce(1, *)
    for row in 0..<rows {
      var position = 0
      while position < inner {
        let count = min(FusedElementwise.tile, inner - position)
        for step in steps { run(step, row, position, count, base) }
        position += count
      }
    }
  }

  @inline(__always)
  private func run(
    _ step: BoundStep, _ row: Int, _ position: Int, _ count: Int, _ base: UnsafeMutableRawPointer
  ) {
    let target = address(step.target, row, position, base)
    let a = address(step.a, row, position, base)
    switch step.function {
    case .unary(let function): function(a, step.a.stride, target, count)
    case .binary(let function):
      function(
        a, step.a.stride, address(step.b, row, position, base), step.b.stride, target, count)
    case .select(let function):
      function(
        a, step.a.stride, address(step.b, row, position, base), step.b.stride,
        address(step.c, row, position, base), step.c.stride, target, count)
    }
  }

  @inline(__always)
  private func address(
    _ place: Place, _ row: Int, _ position: Int, _ base: UnsafeMutableRawPointer
  ) -> UnsafeMutableRawPointer {
    guard place.operand >= 0 else { return base + place.register }
    var offset = position * place.stride
    var rest = row
    for axis in stride(from: shape.count - 1, through: 0, by: -1) {
      let (quotient, index) = rest.quotientAndRemainder(dividingBy: shape[axis])
      offset += index * strides[place.operand][axis]
      rest = quotient
    }
    return operands[place.operand] + offset * place.size
  }

  /// Gives each step a tile of the workspace; a tile is free again after the last step that reads it.
  private struct Registers {
    private var register: [Int] = []
    private(set) var count = 0

    init(_ program: ElementwiseProgram) {
      var lastUse = [Int](repeating: -1, count: program.steps.count)
      for (index, step) in program.steps.enumerated() {
        for case .step(let source) in step.sources { lastUse[source] = index }
      }
      var free: [Int] = []
      for index in program.steps.indices {
        if let reused = free.popLast() {
          register.append(reused)
        } else {
          register.append(count)
          count += 1
        }
        for source in program.steps.indices where lastUse[source] == index {
          free.append(register[source])
        }
      }
    }

    func place(_ step: Int, _ dtype: DType) -> Place {
      Place(register: register[step] * FusedElementwise.tile * 8, stride: 1, size: dtype.size)
    }
  }
}
