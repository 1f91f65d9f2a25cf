import CKernels

/// One operation of an elementwise program, with its kernel and the slots that it reads and writes.
struct BoundElementwiseStep {
  /// A slot, and the distance between its elements.
  struct Place {
    var slot: Int
    var stride: Int
  }

  /// ``ElementwiseKernel/Function`` without what has to be counted: whoever makes a step keeps the loop.
  private enum Function {
    case unary(apus_unary_fn)
    case binary(apus_binary_fn)
    case select(apus_select_fn)
    case loop(Unmanaged<ElementLoop>)
  }

  private let function: Function
  private let a: Place
  private let b: Place
  private let c: Place
  private let target: Int

  /// - Parameter kernel: outlives this step.
  init(_ kernel: ElementwiseKernel, _ sources: [Place], target: Int) {
    function =
      switch kernel.function {
      case .unary(let function): .unary(function)
      case .binary(let function): .binary(function)
      case .select(let function): .select(function)
      case .loop(let loop): .loop(.passUnretained(loop))
      }
    a = sources[0]
    b = sources.count > 1 ? sources[1] : a
    c = sources.count > 2 ? sources[2] : b
    self.target = target
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
    case .loop(let loop):
      loop._withUnsafeGuaranteedRef {
        $0.run(
          (slot[a.slot], a.stride), (slot[b.slot], b.stride), (slot[c.slot], c.stride),
          slot[target], count)
      }
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
