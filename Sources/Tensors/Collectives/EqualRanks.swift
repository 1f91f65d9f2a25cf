import Foundation

/// A communicator in one process that stands for ranks which all do what this one does: a sum is a multiple.
///
/// What is being summed belongs to the communicator: until it is waited for the memory holds NaN, so that whoever reads
/// it too early, or writes there, is found out. For tests, and to look at the plan of a step on ranks without any.
///
/// With `summedCount` a message costs nothing, to time the kernels of a step on ranks: only so many numbers at its end are summed, as those of a seal.
///
/// `@unchecked Sendable`: `observer`, `pending` and `next` are touched by the thread that runs the plan or the training step
/// only: `apus inspect` and each test make one, run on it and look at it on one thread. Workers of a pool make no collectives.
package final class EqualRanks: Communicator, @unchecked Sendable {
  package let rank = 0
  package let size: Int

  /// Called with the bytes of each message when it starts.
  package var observer: ((UnsafeRawBufferPointer) -> Void)?

  /// How many messages are under way.
  package var pendingCount: Int { pending.count }

  private var pending: [Int: (buffer: UnsafeMutableRawPointer, sums: [UInt8])] = [:]
  private var next = 0

  private let summedCount: Int?

  /// `size` equal ranks.
  package init(size: Int, summedCount: Int? = nil) {
    (self.size, self.summedCount) = (size, summedCount)
  }

  package func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    guard operation == .sum else { return }
    func scale<T: Numeric>(_ type: T.Type) {
      let elements = buffer.assumingMemoryBound(to: T.self)
      for i in 0..<count { elements[i] *= T(exactly: size) ?? 0 }
    }
    switch dtype {
    case .float32: scale(Float.self)
    case .float64: scale(Double.self)
    case .int32: scale(Int32.self)
    case .int64: scale(Int64.self)
    case .uint8: scale(UInt8.self)
    case .bool: throw EngineError.distribution(message: "a sum of booleans")
    }
  }

  package func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: count * dtype.size)
    observer?(UnsafeRawBufferPointer(bytes))
    if let summedCount {
      let first = max(0, count - summedCount)
      try allReduce(
        buffer + first * dtype.size, count: count - first, dtype: dtype, operation: operation)
      next += 1
      return next - 1
    }
    try allReduce(buffer, count: count, dtype: dtype, operation: operation)
    pending[next] = (buffer, Array(bytes))
    // All ones are a NaN of either size.
    bytes.initializeMemory(as: UInt8.self, repeating: 0xff)
    next += 1
    return next - 1
  }

  package func wait(_ token: Int) throws {
    guard let (buffer, sums) = pending.removeValue(forKey: token) else { return }
    let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: sums.count)
    guard bytes.allSatisfy({ $0 == 0xff }) else {
      throw EngineError.distribution(message: "memory was written while it was being summed")
    }
    bytes.copyBytes(from: sums)
  }

  package func test(_ token: Int) throws -> Bool { pending[token] == nil }

  package func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {}

  package func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    guard Set(counts).count == 1 else {
      throw EngineError.distribution(message: "equal ranks gather equal parts")
    }
    for rank in counts.indices {
      memmove(into + rank * counts[0] * dtype.size, send, counts[0] * dtype.size)
    }
  }

  package func barrier() throws {}

  package func abort(message: String, code: Int32) -> Never { fatalError(message) }
}

/// A strategy made of its parts.
package final class FixedStrategy: DistributionStrategy {
  package let communicator: any Communicator
  package let lossScaling: LossScaling
  package let gradientReduction: (any GradientReduction)?

  package init(
    _ communicator: any Communicator, lossScaling: LossScaling = .replicas,
    gradientReduction: (any GradientReduction)? = nil
  ) {
    self.communicator = communicator
    self.lossScaling = lossScaling
    self.gradientReduction = gradientReduction
  }
}
