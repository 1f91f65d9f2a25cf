import Dist
import Engine
import Foundation

/// Measures ``ClusterCosts`` among the ranks of this job, or what of them one process can measure.
enum TransportProbe {
  private static let sizes = [256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20]

  /// `costs` with what one process can measure: how fast it adds, and copies through sockets.
  static func measure(_ costs: ClusterCosts) -> ClusterCosts {
    var costs = costs
    costs.reduction = reductionSpeed()
    costs.copying = SocketCopy.bytesPerSecond() ?? costs.copying
    return costs
  }

  /// `costs` with what was measured in their place. Collective.
  ///
  /// - Parameters:
  ///   - costs: what is kept where nothing is measured.
  ///   - communicator: the ranks.
  ///   - layout: where they are.
  /// - Returns: the costs.
  /// - Throws: what the communicator throws.
  static func measure(
    _ costs: ClusterCosts, over communicator: any Communicator, _ layout: RankLayout
  ) throws -> ClusterCosts {
    var costs = measure(costs)
    guard communicator.size > 1 else { return costs }
    let short = try seconds(communicator, bytes: 1 << 10)
    let times = try sizes.map { try seconds(communicator, bytes: $0) }
    let line = Line(zip(sizes, times).map { (Double($0), $1) })
    if layout.nodes == 1 {
      costs.memoryLatency = short
      costs.memoryBandwidth = 1 / max(line.slope, 1e-15)
    } else {
      let ranks = Double(layout.ranks)
      costs.latency = short / log2(ranks).rounded(.up)
      // Half of what a rank sends is added up where it comes.
      let sent = 2 * (ranks - 1) / ranks
      let transfer = line.slope / sent - 1 / (2 * costs.reduction)
      costs.bandwidth = Double(layout.fullest) / max(transfer, 1e-15)
    }
    return costs
  }

  /// Of a sum as a bucket of gradients makes it: the median of blocks of the slowest rank.
  private static func seconds(_ communicator: any Communicator, bytes: Int) throws -> Double {
    let shared = (communicator as? any SharingCommunicator)?.sharedMemory(byteCount: bytes)
    let array = shared ?? Storage(byteCount: bytes)
    array.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let repetitions = max(2, min(200, (4 << 20) / bytes))
    func sum() throws {
      let token = try communicator.startAllReduce(
        array.pointer, count: bytes / 4, dtype: .float32, operation: .sum)
      try communicator.wait(token)
    }
    for _ in 0..<2 { try sum() }
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<7 {
      try communicator.barrier()
      let duration = try clock.measure { for _ in 0..<repetitions { try sum() } }
      times.append(duration / .seconds(1) / Double(repetitions))
    }
    var median = Times(times).median
    try communicator.allReduce(&median, count: 1, dtype: .float64, operation: .max)
    return median
  }

  /// Bytes a second that are added to an array of 1 MiB.
  private static func reductionSpeed() -> Double {
    let count = 1 << 18
    let (sum, other) = (
      [Float](repeating: 0, count: count), [Float](repeating: 1, count: count)
    )
    var result = sum
    let times = Times.measure {
      result.withUnsafeMutableBufferPointer { result in
        other.withUnsafeBufferPointer { other in
          for index in 0..<count { result[index] += other[index] }
        }
      }
    }
    return Double(4 * count) / times.median
  }
}

/// A straight line through points, by least squares.
package struct Line: Sendable, Equatable {
  package var slope: Double
  package var intercept: Double

  /// Minimizes the sum of the squares of `y - (slope · x + intercept)`; a slope of 0 through fewer than two different `x`.
  package init(_ points: [(x: Double, y: Double)]) {
    let count = Double(max(points.count, 1))
    let x = points.reduce(0) { $0 + $1.x } / count
    let y = points.reduce(0) { $0 + $1.y } / count
    let squares = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    let products = points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) }
    slope = squares > 0 ? products / squares : 0
    intercept = y - slope * x
  }
}

/// How fast a thread copies into a socket and out of one: what TCP takes of the time of its CPU.
enum SocketCopy {
  private static let pieceBytes = 128 << 10

  /// Bytes a second that one thread sends and receives through a connection of this machine with itself; nil where there is none.
  static func bytesPerSecond() -> Double? {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer {
      close(listener)
      close(sender)
    }
    guard listener >= 0, sender >= 0, let receiver = connect(sender, to: listener) else {
      return nil
    }
    defer { close(receiver) }
    // Never as much that the sender would have to wait for this same thread.
    var piece = [UInt8](repeating: 1, count: pieceBytes)
    var failed = false
    let times = Times.measure {
      var sent = 0
      while sent < pieceBytes, !failed {
        let count = send(
          sender, piece, min(32 << 10, pieceBytes - sent), Int32(MSG_DONTWAIT))
        if count > 0 { sent += count } else { failed = true }
        var received = 0
        while received < count {
          let more = recv(receiver, &piece, count - received, 0)
          if more <= 0 { failed = true; break }
          received += more
        }
      }
    }
    return failed ? nil : Double(pieceBytes) / times.median
  }

  private static func connect(_ sender: Int32, to listener: Int32) -> Int32? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutableBytes(of: &address) { bytes in
      guard let base = bytes.baseAddress else { return nil }
      let pointer = base.assumingMemoryBound(to: sockaddr.self)
      guard bind(listener, pointer, length) == 0, listen(listener, 1) == 0,
        getsockname(listener, pointer, &length) == 0,
        Foundation.connect(sender, pointer, length) == 0
      else { return nil }
      let receiver = accept(listener, nil, nil)
      return receiver >= 0 ? receiver : nil
    }
  }
}
