import Foundation

/// What ranks write, passed on in whole lines: tagged, and into files, where that was asked for.
struct RankOutput {
  private var output: LineMerger
  private var errors: LineMerger
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
    Descriptor.write(output.take(at: time), to: STDOUT_FILENO)
    Descriptor.write(errors.take(at: time), to: STDERR_FILENO)
  }

  /// Writes everything that is left.
  mutating func finish() {
    Descriptor.write(output.takeAll(), to: STDOUT_FILENO)
    Descriptor.write(errors.takeAll(), to: STDERR_FILENO)
    logs?.finish()
  }
}
