import COpenMPI
import Tensors

/// The exchanges of a communicator that are under way, by point-to-point messages: their rounds end on each rank at a moment of its own, which
/// MPI's collectives could not follow.
struct ExchangeTable: ~Copyable {
  /// Tokens of exchanges begin here; those of all-reduces are smaller.
  static let firstToken = 1 << 40
  /// Tags count exchanges, and go round: MPI has 32,768 at least (MPI 3.1 §8.1.2).
  private static let tags = 16 << 10

  /// An exchange under way; kept for the next one when it is over, so that a steady step allocates nothing.
  private final class Pending {
    var exchange: (any MessageExchange)?
    var token = 0
    /// The number of the collective in the journal.
    var number = 0
    var round = 0
    var used = 0
    var capacity = 0
    var requests = UnsafeMutablePointer<MPI_Request?>.allocate(capacity: 1)

    deinit { requests.deallocate() }

    func reserve(_ count: Int) {
      guard count > capacity else { return }
      requests.deallocate()
      requests = .allocate(capacity: count)
      requests.initialize(repeating: nil, count: count)
      capacity = count
    }
  }

  /// Who exchanges.
  struct Ranks {
    let handle: MPI_Comm
    let rank: Int
    let size: Int
    /// Bytes of the longest message.
    let maximumCount: Int
    /// The number of this rank in the run, for errors.
    let numberInRun: Int
  }

  private var pending: [Pending] = []
  private var spare: [Pending] = []
  /// What MPI has refused: its memory stays, since messages may still arrive, and nothing is made of them.
  private var failed: [Pending] = []
  private var next = ExchangeTable.firstToken

  /// Whether nothing is under way.
  var isEmpty: Bool { pending.isEmpty }

  /// Whether MPI has nothing left to do.
  var isIdle: Bool { pending.isEmpty && failed.isEmpty }

  /// Starts an exchange.
  ///
  /// - `number`: that of the collective in the journal.
  /// - Returns: its token.
  mutating func start(
    _ exchange: any MessageExchange, number: Int, _ ranks: Ranks
  ) throws(DistError) -> Int {
    let own = spare.popLast() ?? Pending()
    (own.exchange, own.token, own.number, own.round) = (exchange, next, number, 0)
    next += 1
    pending.append(own)
    try send(own, ranks)
    return own.token
  }

  /// The number in the journal of the collective of a token; 0 when it is done.
  func number(of token: Int) -> Int { pending.first { $0.token == token }?.number ?? 0 }

  /// Whether an exchange is over.
  func isDone(_ token: Int) throws(DistError) -> Bool {
    guard token < next else { throw .unknownToken(token) }
    return !pending.contains { $0.token == token }
  }

  /// Lets all that are under way go on.
  mutating func advance(_ ranks: Ranks) throws(DistError) {
    var index = 0
    while index < pending.count {
      do throws(DistError) {
        guard try advance(pending[index], ranks) else {
          index += 1
          continue
        }
      } catch {
        failed.append(pending.remove(at: index))
        throw error
      }
      let over = pending.remove(at: index)
      over.exchange = nil
      spare.append(over)
    }
  }

  /// Whether an exchange is over now.
  private func advance(_ own: Pending, _ ranks: Ranks) throws(DistError) -> Bool {
    guard let exchange = own.exchange else { return true }
    while own.round < exchange.rounds {
      var done: Int32 = 0
      try MPICall.run("MPI_Testall", rank: ranks.numberInRun) {
        apus_mpi_test_all(Int32(own.used), own.requests, &done)
      }
      if done == 0 { return false }
      exchange.complete(own.round)
      own.round += 1
      if own.round < exchange.rounds { try send(own, ranks) }
    }
    return true
  }

  /// Starts all messages of a round; those that come find their place first.
  private func send(_ own: Pending, _ ranks: Ranks) throws(DistError) {
    guard let exchange = own.exchange else { return }
    let (size, rank) = (ranks.size, ranks.rank)
    let tag = Int32(2 * ((own.token - Self.firstToken) % Self.tags) + own.round)
    func pieces(_ count: Int) -> Int { (count + ranks.maximumCount - 1) / ranks.maximumCount }
    own.used = 0
    var count = 0
    for other in 0..<size where other != rank {
      count += pieces(exchange.incoming(own.round, from: other).count)
      count += pieces(exchange.outgoing(own.round, to: other).count)
    }
    own.reserve(count)
    for turn in 1..<max(size, 1) {
      let other = (rank + size - turn) % size
      let buffer = exchange.incoming(own.round, from: other)
      guard let base = buffer.baseAddress else { continue }
      for start in stride(from: 0, to: buffer.count, by: ranks.maximumCount) {
        let length = Int32(min(ranks.maximumCount, buffer.count - start))
        try MPICall.run("MPI_Irecv", rank: ranks.numberInRun) {
          MPI_Irecv(
            base + start, length, DType.uint8.mpi, Int32(other), tag, ranks.handle,
            own.requests + own.used)
        }
        own.used += 1
      }
    }
    for turn in 1..<max(size, 1) {
      let other = (rank + turn) % size
      let buffer = exchange.outgoing(own.round, to: other)
      guard let base = buffer.baseAddress else { continue }
      for start in stride(from: 0, to: buffer.count, by: ranks.maximumCount) {
        let length = Int32(min(ranks.maximumCount, buffer.count - start))
        try MPICall.run("MPI_Isend", rank: ranks.numberInRun) {
          MPI_Isend(
            base + start, length, DType.uint8.mpi, Int32(other), tag, ranks.handle,
            own.requests + own.used)
        }
        own.used += 1
      }
    }
  }
}
