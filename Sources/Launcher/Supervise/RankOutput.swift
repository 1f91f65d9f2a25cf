import Foundation

/// What ranks write, passed on in whole lines: tagged, and into files, where that was asked for.
struct RankOutput {
  private var output: LineMerger
  private var errors: LineMerger
  private var outputQueue = OutputQueue(STDOUT_FILENO)
  private var errorQueue = OutputQueue(STDERR_FILENO)
  private var logs: RankLogs?
  private let isTagged: Bool
  private var tags: [String: LineTag] = [:]

  /// - Parameters:
  ///   - ranks: how many there are.
  ///   - isTagged: whether lines begin with `[rank 3 host] `.
  ///   - logs: files to write too.
  init(ranks: Int, isTagged: Bool, logs: RankLogs?) {
    (output, errors) = (LineMerger(sources: ranks), LineMerger(sources: ranks))
    (self.isTagged, self.logs) = (isTagged, logs)
  }

  /// Whether something waits that time alone will pass on.
  var isWaiting: Bool { output.isWaiting || errors.isWaiting }

  /// Whether ranks must wait before they write more.
  var isFull: Bool { outputQueue.isFull || errorQueue.isFull }

  /// Streams that wait until somebody reads.
  var blocked: [Int32] { [outputQueue, errorQueue].filter { !$0.isEmpty }.map(\.descriptor) }

  /// Takes lines of mpirun itself.
  mutating func add(_ bytes: [UInt8], isError: Bool) {
    if isError { errorQueue.add(bytes) } else { outputQueue.add(bytes) }
  }

  /// Takes what `rank` on `host` wrote at `time`, in seconds from any moment.
  mutating func add(
    _ bytes: [UInt8], rank: Int, isError: Bool, host: String, at time: Double
  ) {
    logs?.add(bytes, rank: rank, isError: isError)
    var bytes = bytes
    if isTagged {
      bytes = tags["\(rank) \(isError)", default: LineTag(rank: rank, host: host)].add(bytes)
    }
    if isError {
      errors.add(bytes, from: rank, at: time)
    } else {
      output.add(bytes, from: rank, at: time)
    }
  }

  /// Writes what can be passed on at `time`.
  mutating func pass(at time: Double) {
    outputQueue.add(output.take(at: time))
    errorQueue.add(errors.take(at: time))
  }

  /// Writes everything that is left, and waits until it has been read, or `isInterrupted` says so.
  mutating func finish(_ isInterrupted: () -> Bool) {
    outputQueue.add(output.takeAll())
    errorQueue.add(errors.takeAll())
    logs?.finish()
    while !blocked.isEmpty, !isInterrupted() {
      outputQueue.flush(seconds: 0.1)
      errorQueue.flush(seconds: 0.1)
    }
  }
}
