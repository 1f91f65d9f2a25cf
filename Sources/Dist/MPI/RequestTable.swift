import COpenMPI

/// The pending nonblocking collectives of a communicator: a table that grows when there are more of them than ever before,
/// so that starting and waiting allocate nothing otherwise.
///
/// Tokens count up and are never used twice; token `t` lives in slot `t mod capacity`. A token whose
/// slot holds another one is done.
struct RequestTable: ~Copyable {
  /// How many requests one collective may consist of.
  static let requestsPerSlot = 4

  /// How many collectives may be pending before the table grows.
  private var capacity = 64
  private var requests: UnsafeMutablePointer<MPI_Request?>
  private var owner: UnsafeMutablePointer<Int>
  private var used: UnsafeMutablePointer<Int>
  /// The numbers of the collectives in the journal.
  private var numbers: UnsafeMutablePointer<Int>
  private var next = 0

  init() {
    (requests, owner, used, numbers) = Self.allocate(capacity)
  }

  deinit { Self.deallocate((requests, owner, used, numbers)) }

  private typealias Arrays = (
    UnsafeMutablePointer<MPI_Request?>, UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>,
    UnsafeMutablePointer<Int>
  )

  private static func allocate(_ capacity: Int) -> Arrays {
    func array<T>(_ count: Int, _ value: T) -> UnsafeMutablePointer<T> {
      let memory = UnsafeMutablePointer<T>.allocate(capacity: count)
      memory.initialize(repeating: value, count: count)
      return memory
    }
    return (
      array(capacity * requestsPerSlot, nil), array(capacity, -1), array(capacity, 0),
      array(capacity, 0)
    )
  }

  private static func deallocate(_ arrays: Arrays) {
    arrays.0.deallocate()
    arrays.1.deallocate()
    arrays.2.deallocate()
    arrays.3.deallocate()
  }

  /// A token for a collective that is already done.
  mutating func finishedToken() -> Int {
    next += 1
    return next - 1
  }

  /// Takes a free slot for the collective `number` of the journal; the caller starts its requests through ``add(to:_:)``.
  mutating func open(number: Int) -> Int {
    while true {
      // Tokens are this rank's own numbers, so those whose slot is still busy can be left out.
      for token in next..<(next + capacity) where owner[token % capacity] < 0 {
        next = token + 1
        owner[token % capacity] = token
        used[token % capacity] = 0
        numbers[token % capacity] = number
        return token
      }
      grow()
    }
  }

  /// Doubles the table. Two tokens in different slots are in different slots afterwards too.
  private mutating func grow() {
    let old = (requests, owner, used, numbers)
    let larger = 2 * capacity
    (requests, owner, used, numbers) = Self.allocate(larger)
    for slot in 0..<capacity where old.1[slot] >= 0 {
      let place = old.1[slot] % larger
      owner[place] = old.1[slot]
      used[place] = old.2[slot]
      numbers[place] = old.3[slot]
      for request in 0..<Self.requestsPerSlot {
        requests[place * Self.requestsPerSlot + request] =
          old.0[slot * Self.requestsPerSlot + request]
      }
    }
    capacity = larger
    Self.deallocate(old)
  }

  /// Gives the place of the next request of `token` to `start`, which fills it.
  func add(
    to token: Int, _ start: (UnsafeMutablePointer<MPI_Request?>) throws(DistError) -> Void
  ) throws(DistError) {
    let slot = token % capacity
    try start(requests + slot * Self.requestsPerSlot + used[slot])
    used[slot] += 1
  }

  /// The number in the journal of the collective of a token; 0 when it is done.
  func number(of token: Int) -> Int {
    token >= 0 && owner[token % capacity] == token ? numbers[token % capacity] : 0
  }

  /// Waits for the requests of `token`.
  func wait(_ token: Int, rank: Int) throws(DistError) {
    guard let slot = try pendingSlot(of: token) else { return }
    defer { owner[slot] = -1 }
    try MPICall.run("MPI_Waitall", rank: rank) {
      apus_mpi_wait_all(Int32(used[slot]), requests + slot * Self.requestsPerSlot)
    }
  }

  /// Whether the requests of `token` are done.
  func test(_ token: Int, rank: Int) throws(DistError) -> Bool {
    guard let slot = try pendingSlot(of: token) else { return true }
    var done: Int32 = 0
    try MPICall.run("MPI_Testall", rank: rank) {
      apus_mpi_test_all(Int32(used[slot]), requests + slot * Self.requestsPerSlot, &done)
    }
    if done != 0 { owner[slot] = -1 }
    return done != 0
  }

  /// Whether nothing is pending.
  var isEmpty: Bool { (0..<capacity).allSatisfy { owner[$0] < 0 } }

  /// Waits for all that is pending.
  func waitForAll(rank: Int) throws(DistError) {
    for slot in 0..<capacity where owner[slot] >= 0 { try wait(owner[slot], rank: rank) }
  }

  private func pendingSlot(of token: Int) throws(DistError) -> Int? {
    guard token >= 0 && token < next else { throw .unknownToken(token) }
    let slot = token % capacity
    return owner[slot] == token ? slot : nil
  }
}
