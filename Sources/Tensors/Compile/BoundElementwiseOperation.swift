import CKernels

/// One operation of an elementwise program, with its kernel and the tiles that it reads and writes.
struct BoundElementwiseOperation {
  /// A tile, and the distance between its elements.
  struct Place {
    var tile: Int
    var stride: Int
  }

  /// ``ElementwiseKernel/Function`` without what has to be counted: whoever makes an operation keeps the loop.
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

  /// - Parameters:
  ///   - kernel: outlives this operation.
  ///   - sources: what it reads, one to three.
  ///   - target: the tile that it writes.
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

  /// Works on `count` elements of each tile.
  @inline(__always)
  func run(_ tiles: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ count: Int) {
    switch function {
    case .unary(let function): function(tiles[a.tile], a.stride, tiles[target], count)
    case .binary(let function):
      function(tiles[a.tile], a.stride, tiles[b.tile], b.stride, tiles[target], count)
    case .select(let function):
      function(
        tiles[a.tile], a.stride, tiles[b.tile], b.stride, tiles[c.tile], c.stride, tiles[target],
        count)
    case .loop(let loop):
      loop._withUnsafeGuaranteedRef {
        $0.run(
          (tiles[a.tile], a.stride), (tiles[b.tile], b.stride), (tiles[c.tile], c.stride),
          tiles[target], count)
      }
    }
  }
}

/// Gives each operation of a program a register for its result; one is free again after the last operation that reads it.
struct ElementwiseRegisters {
  /// The register of each operation; that of the last is not used.
  private(set) var register: [Int] = []
  private(set) var count = 0

  init(_ program: ElementwiseProgram) {
    var lastUse = [Int](repeating: -1, count: program.operations.count)
    for (index, operation) in program.operations.enumerated() {
      for case .operation(let source) in operation.sources { lastUse[source] = index }
    }
    var free: [Int] = []
    for index in program.operations.indices {
      if let reused = free.popLast() {
        register.append(reused)
      } else {
        register.append(count)
        count += 1
      }
      for source in program.operations.indices where lastUse[source] == index {
        free.append(register[source])
      }
    }
  }
}
