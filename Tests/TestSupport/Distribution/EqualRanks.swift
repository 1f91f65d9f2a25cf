import Engine
import Foundation

/// A communicator in one process that stands for ranks which all do what this one does: a sum is a multiple.
///
/// What is being summed belongs to the communicator: until it is waited for the memory holds NaN, so that whoever reads
/// it too early, or writes there, is found out.
public final class EqualRanks: Communicator, @unchecked Sendable {
  public let rank = 0
  public let size: Int

  /// Called with the bytes of each message when it starts.
  public var observer: ((UnsafeRawBufferPointer) -> Void)?

  /// How many messages are under way.
  public var pendingCount: Int { pending.count }

  private var pending: [Int: (buffer: UnsafeMutableRawPointer, sums: [UInt8])] = [:]
  private var next = 0

  /// `size` equal ranks.
  public init(size: Int) { self.size = size }

  public func allReduce(
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
    case .bool: throw CheckFailure("a sum of booleans")
    }
  }

  public func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: count * dtype.size)
    observer?(UnsafeRawBufferPointer(bytes))
    try allReduce(buffer, count: count, dtype: dtype, operation: operation)
    pending[next] = (buffer, Array(bytes))
    // All ones are a NaN of either size.
    bytes.initializeMemory(as: UInt8.self, repeating: 0xff)
    next += 1
    return next - 1
  }

  public func wait(_ token: Int) throws {
    guard let (buffer, sums) = pending.removeValue(forKey: token) else { return }
    let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: sums.count)
    guard bytes.allSatisfy({ $0 == 0xff }) else {
      throw CheckFailure("memory was written while it was being summed")
    }
    bytes.copyBytes(from: sums)
  }

  public func test(_ token: Int) throws -> Bool { pending[token] == nil }

  public func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {}

  public func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    guard Set(counts).count == 1 else { throw CheckFailure("equal ranks gather equal parts") }
    for rank in counts.indices {
      memmove(into + rank * counts[0] * dtype.size, send, counts[0] * dtype.size)
    }
  }

  public func barrier() throws {}

  public func abort(message: String, code: Int32) -> Never { fatalError(message) }
}

/// A strategy of any communicator, scaling and size of buckets.
public final class TestStrategy: DistributionStrategy {
  public let communicator: any Communicator
  public let lossScaling: LossScaling
  public let bucketLimits: BucketLimits

  public init(
    _ communicator: any Communicator, lossScaling: LossScaling = .replicas,
    bucketLimits: BucketLimits = .standard
  ) {
    self.communicator = communicator
    self.lossScaling = lossScaling
    self.bucketLimits = bucketLimits
  }
}
