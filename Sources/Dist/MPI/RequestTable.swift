import COpenMPI

/// The pending nonblocking collectives of a communicator: a fixed table, so that starting and waiting
/// allocate nothing.
///
/// Tokens count up and are never used twice; token `t` lives in slot `t mod capacity`. A token whose
/// slot holds another one is done.
struct RequestTable: ~Copyable {
  /// How many collectives may be pending at once.
  static let capacity = 64
  /// How many requests one collective may consist of.
  static let requestsPerSlot = 4

  private let requests: UnsafeMutablePointer<MPI_Request?>
  private let owner: UnsafeMutablePointer<Int>
  private let used: UnsafeMutablePointer<Int>
  private var next = 0

  init() {
    requests = .allocate(capacity: Self.capacity * Self.requestsPerSlot)
    requests.initialize(repeating: nil, count: Self.capacity * Self.requestsPerSlot)
    owner = .allocate(capacity: Self.capacity)
    owner.initialize(repeating: -1, count: Self.capacity)
    used = .allocate(capacity: Self.capacity)
    used.initialize(repeating: 0, count: Self.capacity)
  }

  deinit {
    requests.deallocate()
    owner.deallocate()
    used.deallocate()
  }

  /// A token for a collective that is already done.
  mutating func finishedToken() -> Int {
    next += 1
    return next - 1
  }

  /// Takes a free slot; the caller starts its requests through ``add(to:_:)``.
  mutating func open() throws(DistError) -> Int {
    // Tokens are this rank's own numbers, so those whose slot is still busy can be left out.
    for token in next..<(next + Self.capacity) where owner[token % Self.capacity] < 0 {
      next = token + 1
      owner[token % Self.capacity] = token
      used[token % Self.capacity] = 0
      return token
    }
    throw .tooManyPending(limit: Self.capacity)
  }

  /// Gives the place of the next request of `token` to `start`, which fills it.
  func add(
    to token: Int, _ start: (UnsafeMutablePointer<MPI_Request?>) throws(DistError) -> Void
  ) throws(DistError) {
    let slot = token % Self.capacity
    try start(requests + slot * Self.requestsPerSlot + used[slot])
    used[slot] += 1
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

  /// Waits for all that is pending, oldest slot first.
  func waitForAll(rank: Int) throws(DistError) {
    for slot in 0..<Self.capacity where owner[slot] >= 0 { try wait(owner[slot], rank: rank) }
  }

  private func pendingSlot(of token: Int) throws(DistError) -> Int? {
    guard token >= 0 && token < next else { throw .unknownToken(token) }
    let slot = token % Self.capacity
    return owner[slot] == token ? slot : nil
  }
}
