extension EngineError {
  /// An argument of a collective that no rank may give.
  public static func invalidCollective(call: String, message: ErrorText) -> EngineError {
    EngineError(.distribution, operation: call, .text(message))
  }

  /// Ranks that must hold the same do not; the same error is thrown on every rank.
  ///
  /// `line` counts from 1; `held` says who has which text there.
  public static func ranksDisagree(subject: String, line: Int, held: [Holding]) -> EngineError {
    EngineError(.distribution, .ranksDisagree(subject: subject, line: line, held: held))
  }
}

/// The rules that arguments of a collective obey on every communicator, checked before any rank waits.
package enum CollectiveArguments {
  /// Throws unless `count` elements of `dtype` can be reduced by `operation`.
  package static func check(
    reducing count: Int, dtype: DType, operation: ReduceOperation, call: String = "allReduce"
  ) throws(EngineError) {
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
    throws(EngineError)
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
  package static func check(
    gathering counts: [Int], size: Int, call: String = "allGather"
  ) throws(EngineError) {
    if counts.count != size {
      throw .invalidCollective(
        call: call, message: "\(counts.count) counts given for \(size) ranks")
    }
    for (rank, count) in counts.enumerated() where count < 0 {
      throw .invalidCollective(
        call: call, message: "the count of rank \(rank) must be 0 or more, not \(count)")
    }
  }

  /// Throws unless sums of `dtype` can be scattered in parts of `counts` elements to `size` ranks.
  package static func check(
    scattering counts: [Int], size: Int, dtype: DType
  ) throws(EngineError) {
    try check(gathering: counts, size: size, call: "reduceScatter")
    try check(
      reducing: counts.reduce(0, +), dtype: dtype, operation: .sum, call: "reduceScatter")
  }
}
