import Foundation
import Synchronization
import Tensors

/// How ranks ask each other what they are doing without MPI: a thread of each rank answers on a TCP port, also when the rank's own
/// thread computes, loops or waits.
///
/// A question is 16 bytes, the token of the job and the number of a collective; the answer is a ``PeerStatus`` as JSON. With
/// ``PeerChannel/hold`` as the number the connection stays open instead, and its end says that the process has ended; a byte before it says
/// that this was in order.
///
/// Where no port can be opened the channel knows nothing, and ranks say what they know by themselves.
final class PeerChannel: Sendable {
  /// Where a rank answers.
  struct Address: Codable, Sendable {
    /// IPv4 addresses of its machine, and the loopback address.
    var hosts: [String]
    var hostname: String
    /// 0 when it does not answer.
    var port: UInt16
  }

  /// The number in a question that asks for an open connection.
  static let hold = UInt64.max

  private let journal: RankJournal
  private let listener: Int32
  private let token = Atomic<UInt64>(0)
  private let peers = Mutex<[Address]>([])
  /// Connections of ranks that want to know when this process ends.
  private let holders = Mutex<[Int32]>([])
  /// Where this rank answers.
  let address: Address

  /// Opens a port; the thread that answers starts with ``start(token:peers:)``.
  init(_ journal: RankJournal) {
    self.journal = journal
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Self.closeOnExec, 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = INADDR_ANY
    let isOpen = Self.withAddress(&place) { bind(listener, $0, $1) } == 0
    var port: UInt16 = 0
    if isOpen, listen(listener, 256) == 0 {
      _ = Self.withAddress(&place) { address, _ in
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return getsockname(listener, address, &length)
      }
      port = UInt16(bigEndian: place.sin_port)
    }
    self.listener = listener
    address = Address(
      hosts: port == 0 ? [] : Self.ownHosts, hostname: ProcessInfo.processInfo.hostName, port: port)
  }

  /// Begins to answer.
  ///
  /// - Parameters:
  ///   - token: the number that all ranks of the job share.
  ///   - peers: where every rank answers, in the order of ranks.
  func start(token: UInt64, peers: [Address]) {
    self.token.store(token, ordering: .relaxed)
    self.peers.withLock { $0 = peers }
    guard address.port != 0 else { return }
    Thread.detachNewThread { self.serve() }
  }

  /// Tells the ranks that hold connections that this process leaves in order.
  func sayGoodbye() {
    let holders = holders.withLock { holders in
      defer { holders = [] }
      return holders
    }
    for connection in holders {
      _ = send(connection, "b", 1, Int32(MSG_NOSIGNAL))
      close(connection)
    }
  }

  // MARK: - Answering

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      answer(connection)
    }
  }

  private func answer(_ connection: Int32) {
    // Whoever connects and asks nothing must not keep others waiting.
    var patience = timeval(tv_sec: 0, tv_usec: 200_000)
    setsockopt(
      connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var question: [UInt64] = [0, 0]
    let count = question.withUnsafeMutableBytes {
      recv(connection, $0.baseAddress, $0.count, Int32(MSG_WAITALL))
    }
    guard count == 16, question[0] == token.load(ordering: .relaxed) else {
      close(connection)
      return
    }
    if question[1] == Self.hold { return holders.withLock { $0.append(connection) } }
    let status = PeerStatus(journal, about: Int(truncatingIfNeeded: question[1]))
    if let data = try? JSONEncoder().encode(status) {
      data.withUnsafeBytes { bytes in
        _ = send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
    }
    close(connection)
  }

  // MARK: - Asking

  /// Asks ranks, all at once, what they are doing and what they know of a collective.
  ///
  /// - Parameters:
  ///   - ranks: whom to ask.
  ///   - number: of the collective.
  ///   - seconds: how long to wait for answers.
  /// - Returns: an answer of each rank, in the same order.
  func ask(_ ranks: [Int], about number: Int, seconds: Double = 0.5) -> [PeerAnswer] {
    let peers = peers.withLock { $0 }
    var attempts = ranks.flatMap { rank in
      peers.indices.contains(rank)
        ? hosts(of: peers[rank]).map { Attempt(rank, $0, peers[rank].port) } : []
    }
    for index in attempts.indices { attempts[index].begin() }
    let end = RankJournal.now + UInt64(seconds * 1e9)
    let question = [token.load(ordering: .relaxed), UInt64(number)]
    while attempts.contains(where: \.isOpen), RankJournal.now < end {
      let answered = Set(attempts.filter { $0.status != nil }.map(\.rank))
      let open = attempts.indices.filter {
        attempts[$0].isOpen && !answered.contains(attempts[$0].rank)
      }
      if open.isEmpty { break }
      var waits = open.map { attempts[$0].wait }
      if poll(&waits, nfds_t(waits.count), 50) < 0, errno != EINTR { break }
      for (wait, index) in zip(waits, open) where wait.revents != 0 {
        attempts[index].proceed(question)
      }
    }
    for index in attempts.indices { attempts[index].end() }
    return ranks.map { rank in Attempt.outcome(of: attempts.filter { $0.rank == rank }) }
  }

  /// What ranks have answered about one of this rank's collectives, when they have made different ones there, or wait in another group for this
  /// rank, which waits for them here; else nil.
  func difference(
    _ own: RankJournal.Entry, rank: Int, _ answers: [PeerAnswer], of others: [Int]
  ) -> DistError? {
    var calls = [(rank: rank, hash: own.call.stableHash, text: own.description)]
    for case (let other, .status(let status)) in zip(others, answers) {
      let isCrossed =
        status.begun < own.number && journal.isMissing(in: status.waitingFor)
        && journal.members(inSequenceOf: status.waitingFor)?.contains(other) ?? true
      if let call = status.asked ?? (isCrossed ? status.waiting : nil) {
        calls.append((other, call.hash, call.text))
      }
    }
    guard Set(calls.map(\.hash)).count > 1 else { return nil }
    return .collectivesDiffer(CollectiveHolding.list(calls))
  }

  /// A connection to a rank that stays open as long as that rank's process lives; nil when none could be made.
  func holdConnection(to rank: Int) -> Int32? {
    let peers = peers.withLock { $0 }
    let token = token.load(ordering: .relaxed)
    for host in hosts(of: peers[rank]) {
      var attempt = Attempt(rank, host, peers[rank].port)
      attempt.begin()
      guard attempt.isOpen else { continue }
      var waits = [attempt.wait]
      if poll(&waits, 1, 1000) > 0, let connection = attempt.connected([token, Self.hold]) {
        return connection
      }
      attempt.end()
    }
    return nil
  }

  /// Where to try: the loopback address first, on the same machine; it counts nowhere else.
  private func hosts(of peer: Address) -> [String] {
    if peer.port == 0 { return [] }
    return (peer.hostname == address.hostname ? ["127.0.0.1"] : []) + peer.hosts
  }

  // MARK: - The system

  private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)

  fileprivate static func withAddress<R>(
    _ place: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> R
  ) -> R {
    withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// The IPv4 addresses of this machine but the loopback ones.
  private static var ownHosts: [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var hosts: [String] = []
    var next = first
    while let interface = next?.pointee {
      next = interface.ifa_next
      guard let address = interface.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
        interface.ifa_flags & UInt32(IFF_UP) != 0,
        interface.ifa_flags & UInt32(IFF_LOOPBACK) == 0
      else { continue }
      var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        _ = inet_ntop(AF_INET, &$0.pointee.sin_addr, &text, socklen_t(INET_ADDRSTRLEN))
      }
      hosts.append(
        String(
          decoding: text.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self))
    }
    return hosts
  }
}

/// One try to ask one rank at one of its addresses.
private struct Attempt {
  let rank: Int
  private let host: String
  private let port: UInt16
  private var connection: Int32 = -1
  private var isConnected = false
  private var wasRefused = false
  private var received = Data()
  private(set) var status: PeerStatus?

  init(_ rank: Int, _ host: String, _ port: UInt16) {
    (self.rank, self.host, self.port) = (rank, host, port)
  }

  var isOpen: Bool { connection >= 0 }

  /// What to wait for next.
  var wait: pollfd {
    pollfd(fd: connection, events: Int16(isConnected ? POLLIN : POLLOUT), revents: 0)
  }

  mutating func begin() {
    let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | flags, 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &place.sin_addr)
    let code = PeerChannel.withAddress(&place) { connect(connection, $0, $1) }
    if code != 0, errno != EINPROGRESS {
      wasRefused = errno == ECONNREFUSED
      end()
    }
  }

  /// Goes on after the system said that it can.
  mutating func proceed(_ question: [UInt64]) {
    guard isConnected else {
      if connected(question) == nil { end() }
      return
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(connection, &bytes, bytes.count, 0)
    if count > 0 { return received.append(contentsOf: bytes[..<count]) }
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    status = try? JSONDecoder().decode(PeerStatus.self, from: received)
    // An answer that is none is that of another program.
    if status == nil { isConnected = false }
    end()
  }

  /// The connection, when it has been made, after the question was sent.
  mutating func connected(_ question: [UInt64]) -> Int32? {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(connection, SOL_SOCKET, SO_ERROR, &code, &length)
    wasRefused = code == ECONNREFUSED
    guard code == 0 else { return nil }
    isConnected = true
    let sent = question.withUnsafeBytes {
      send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    return sent == 16 ? connection : nil
  }

  mutating func end() {
    if connection >= 0 { close(connection) }
    connection = -1
  }

  /// What the attempts to ask one rank say together.
  static func outcome(of attempts: [Attempt]) -> PeerAnswer {
    if let status = attempts.lazy.compactMap(\.status).first { return .status(status) }
    if attempts.contains(where: \.isConnected) { return .silent }
    return attempts.contains(where: \.wasRefused) ? .gone : .unreachable
  }
}
