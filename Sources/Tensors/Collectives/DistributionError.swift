/// What goes wrong between ranks, whatever joins them.
public enum DistributionError: Error, Hashable, Sendable {
  /// An argument of a collective that no rank may give.
  case invalidCollective(call: String, message: String)
  /// Ranks that must hold the same do not; the same error is thrown on every rank.
  ///
  /// `line` counts from 1; `held` says who has which text there (`nil`: that list is shorter).
  case ranksDisagree(subject: String, line: Int, held: [Holding])

  /// The ranks that hold the same text at the line where ranks differ.
  public struct Holding: Hashable, Sendable {
    /// The ranks, in increasing order.
    public var ranks: [Int]
    /// What they hold; `nil` when their list has no such line.
    public var text: String?

    /// Some ranks and the text they hold.
    public init(ranks: [Int], text: String?) {
      self.ranks = ranks
      self.text = text
    }
  }
}

extension DistributionError: CustomStringConvertible {
  /// One line of text for a person.
  public var description: String {
    switch self {
    case .invalidCollective(let call, let message): return "\(call): \(message)"
    case .ranksDisagree(let subject, let line, let held):
      let parts = held.map { holding in
        let who = Self.name(ranks: holding.ranks)
        guard let text = holding.text else {
          return who + (holding.ranks.count == 1 ? " has" : " have") + " no such line"
        }
        return who + (holding.ranks.count == 1 ? " has" : " have") + " \"\(text)\""
      }
      return "ranks disagree on \(subject), line \(line): " + parts.joined(separator: "; ")
        + ". Every rank must be given the same"
    }
  }

  /// "rank 2", or "ranks 0-3, 6" with runs of three or more shortened.
  package static func name(ranks: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for rank in ranks.sorted() {
      if let last = runs.last, last.upperBound + 1 == rank {
        runs[runs.count - 1] = last.lowerBound...rank
      } else {
        runs.append(rank...rank)
      }
    }
    let texts = runs.map { run in
      switch run.count {
      case 1: "\(run.lowerBound)"
      case 2: "\(run.lowerBound), \(run.upperBound)"
      default: "\(run.lowerBound)-\(run.upperBound)"
      }
    }
    return (ranks.count == 1 ? "rank " : "ranks ") + texts.joined(separator: ", ")
  }
}

/// The rules that arguments of a collective obey on every communicator, checked before any rank waits.
package enum CollectiveArguments {
  /// Throws unless `count` elements of `dtype` can be reduced by `operation`.
  package static func check(
    reducing count: Int, dtype: DType, operation: ReduceOperation, call: String = "allReduce"
  ) throws(DistributionError) {
    if count < 0 {
      throw .invalidCollective(call: call, message: "count must be 0 or more, not \(count)")
    }
    if dtype == .bool && operation == .sum {
      throw .invalidCollective(
        call: call, message: "booleans have no sum; use max for any, min for all, or cast to int32")
    }
  }

  /// Throws unless `count` elements can be broadcast from `root` to `size` ranks.
  package static func check(broadcasting count: Int, root: Int, size: Int)
    throws(DistributionError)
  {
    if count < 0 {
      throw .invalidCollective(call: "broadcast", message: "count must be 0 or more, not \(count)")
    }
    if root < 0 || root >= size {
      throw .invalidCollective(
        call: "broadcast", message: "root must be a rank below \(size), not \(root)")
    }
  }

  /// Throws unless `counts` has one count of 0 or more for each of `size` ranks.
  package static func check(gathering counts: [Int], size: Int) throws(DistributionError) {
    if counts.count != size {
      throw .invalidCollective(
        call: "allGather", message: "\(counts.count) counts given for \(size) ranks")
    }
    for (rank, count) in counts.enumerated() where count < 0 {
      throw .invalidCollective(
        call: "allGather", message: "the count of rank \(rank) must be 0 or more, not \(count)")
    }
  }
}
