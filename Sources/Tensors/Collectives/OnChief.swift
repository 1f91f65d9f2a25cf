/// Runs `body` on rank 0 alone, and gives every rank its result, or its error.
///
/// ```swift
/// let files = try onChief { try FileManager.default.contentsOfDirectory(atPath: folder) }
/// try onChief { try model.saveWeights(to: "model.safetensors") }
/// ```
///
/// Inside, whatever needs the other ranks (`fit`, `evaluate`, `allReduce`, ...) is an error at once, since they wait for the result
/// here; what one rank may do with a model by itself goes into ``alone(_:)``.
///
/// Collective: every rank calls it.
///
/// - Throws: the error of `body`, on every rank with the same description.
@discardableResult
public func onChief<Value: Codable>(_ body: () throws -> Value) throws -> Value {
  var ranks = Ranks()
  return try ranks.onChief(body)
}

/// Runs `body` on rank 0 alone; its error is thrown on every rank. See ``onChief(_:)`` for results.
///
/// - Throws: the error of `body`, on every rank with the same description.
public func onChief(_ body: () throws -> Void) throws {
  var ranks = Ranks()
  try ranks.onChief(body)
}

extension Ranks {
  /// Runs `body` on the first of these ranks alone, and gives all of them its result, or its error.
  ///
  /// A collective of these ranks in `body` does not compile; what needs all ranks is an error at once.
  ///
  /// Collective: each of these ranks calls it.
  ///
  /// - Throws: the error of `body`, on each of these ranks with the same description.
  @discardableResult
  public mutating func onChief<Value: Codable>(_ body: () throws -> Value) throws -> Value {
    let communicator = communicator
    guard communicator.size > 1 else { return try body() }
    var own: Result<Value, any Error>?
    var message = ChiefMessage<Value>()
    if communicator.rank == 0 {
      let waiting = ChiefStrategy(DistributionContext.strategy)
      let outcome = Result {
        try DistributionContext.$strategy.withValue(waiting) {
          guard let journal = communicator.journal else { return try body() }
          return try journal.alone(body)
        }
      }
      switch outcome {
      case .success(let value): message.value = value
      case .failure(let error): message.error = "\(error)"
      }
      own = outcome
    }
    let bytes = try StructureMessage.bytes(of: StructureEncoder().encode(message))
    let sent = try communicator.named("the result of rank \(communicator.numberInRun(of: 0))") {
      try communicator.broadcast(bytes: bytes, root: 0)
    }
    if let own { return try own.get() }
    let received = try StructureDecoder().decode(
      ChiefMessage<Value>.self, from: StructureMessage.structure(of: sent))
    if let value = received.value { return value }
    throw ChiefError(description: received.error ?? "")
  }

  /// Runs `body` on the first of these ranks alone; its error is thrown on all of them. See ``onChief(_:)`` for results.
  ///
  /// - Throws: the error of `body`, on each of these ranks with the same description.
  public mutating func onChief(_ body: () throws -> Void) throws {
    try onChief {
      try body()
      return true
    }
  }
}

/// What the chief has to tell.
private struct ChiefMessage<Value: Codable>: Codable {
  var value: Value?
  var error: String?
}

/// The error of the chief, on another rank.
private struct ChiefError: Error, CustomStringConvertible {
  let description: String
}

/// The ranks as the chief sees them while the others wait for it: it must not call them.
final class ChiefStrategy: DistributionStrategy {
  let communicator: any Communicator
  let lossScaling: LossScaling

  init(_ outer: any DistributionStrategy) {
    communicator = BusyRanks(outer.communicator)
    lossScaling = outer.lossScaling
  }
}

/// Ranks that wait for this one.
final class BusyRanks: Communicator {
  let rank: Int
  let size: Int

  init(_ ranks: any Communicator) { (rank, size) = (ranks.rank, ranks.size) }

  func refuse(_ call: String) -> EngineError {
    .invalidCollective(
      call: call,
      message:
        "needs all ranks, but inside onChief { } only rank \(rank) runs, and the others wait for its "
        + "result: do it outside, or, where rank \(rank) is to work by itself, inside alone { }")
  }

  func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws { throw refuse("allReduce") }

  func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int { throw refuse("allReduce") }

  func wait(_ token: Int) throws { throw refuse("allReduce") }

  func test(_ token: Int) throws -> Bool { throw refuse("allReduce") }

  func broadcast(_ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int) throws {
    throw refuse("broadcast")
  }

  func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws { throw refuse("allGather") }

  func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws { throw refuse("reduceScatter") }

  func barrier() throws { throw refuse("barrier") }

  func abort(message: String, code: Int32) -> Never { fatalError(message) }
}
