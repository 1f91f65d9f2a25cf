import CKernels

/// One operation of an elementwise program, with its kernel and the slots that it reads and writes.
struct BoundElementwiseStep {
  /// A slot, and the distance between its elements.
  struct Place {
    var slot: Int
    var stride: Int
  }

  private enum Function {
    case unary(apus_unary_fn)
    case binary(apus_binary_fn)
    case select(apus_select_fn)
  }

  private let function: Function
  private let a: Place
  private let b: Place
  private let c: Place
  private let target: Int

  init(_ step: ElementwiseProgram.Step, _ sources: [Place], target: Int) {
    function = Self.function(step)
    a = sources[0]
    b = sources.count > 1 ? sources[1] : a
    c = sources.count > 2 ? sources[2] : a
    self.target = target
  }

  private static func function(_ step: ElementwiseProgram.Step) -> Function {
    let code = step.inputType.code
    switch step.operation {
    case .unary(let op):
      if let function = apus_unary(apus_unary_op(rawValue: op), code) { return .unary(function) }
    case .binary(let op):
      if let function = apus_binary(apus_binary_op(rawValue: op), code) { return .binary(function) }
    case .gradient(let op):
      if let function = apus_gradient(apus_gradient_op(rawValue: op), code) {
        return .binary(function)
      }
    case .select:
      if let function = apus_select(code) { return .select(function) }
    case .cast:
      if let function = apus_cast(code, step.outputType.code) { return .unary(function) }
    }
    fatalError("\(step.name): no kernel for \(step.inputType)")
  }

  /// Works on `count` elements of each slot.
  @inline(__always)
  func run(_ slot: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ count: Int) {
    switch function {
    case .unary(let function): function(slot[a.slot], a.stride, slot[target], count)
    case .binary(let function):
      function(slot[a.slot], a.stride, slot[b.slot], b.stride, slot[target], count)
    case .select(let function):
      function(
        slot[a.slot], a.stride, slot[b.slot], b.stride, slot[c.slot], c.stride, slot[target], count)
    }
  }
}

/// Gives each step of a program a register for its result; one is free again after the last step that reads it.
struct ElementwiseRegisters {
  /// The register of each step; that of the last is not used.
  private(set) var register: [Int] = []
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
}
