import Dispatch
import Engine
import TestSupport
import Testing

/// Starts a task that makes a layer, which is not its own thread's business.
private final class Starts: Module {
  func call(_ x: Tensor) -> Tensor {
    let done = DispatchSemaphore(value: 0)
    Task.detachedWithCall {
      _ = Linear(2)(Tensor.ones([1, 3]))
      done.signal()
    }
    done.wait()
    return Linear(1)(x)
  }
}

extension Task where Success == Void, Failure == Never {
  /// A task inherits task-local values; a detached one does not.
  fileprivate static func detachedWithCall(_ body: @escaping @Sendable () -> Void) {
    _ = Task(operation: body)
  }
}

@Suite("Tasks started inside a call", .seeded) struct TaskTests {
  @Test("A task cannot make modules or variables of the module whose call started it")
  func starts() throws {
    let module = Starts()
    let error = #expect(throws: EngineError.self) {
      try withErrors { module(Tensor.ones([2, 3])) }
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("a task or thread started inside"))
  }
}
