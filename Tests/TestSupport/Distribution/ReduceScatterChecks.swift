import Engine

/// Sums in parts of equal and unequal counts, among them none, by ranks that make them themselves and by the default of the protocol.
func checkReduceScatter(_ communicator: any Communicator) throws {
  let size = communicator.size
  let plans: [[Int]] = [
    [Int](repeating: 1, count: size),
    [Int](repeating: 0, count: size),
    (0..<size).map { $0 },
    (0..<size).map { $0 % 2 == 0 ? 0 : 1000 + $0 },
    (0..<size).map { 40_000 * (size - $0) },
  ]
  for counts in plans {
    for ranks in [communicator, CountingRanks(communicator)] {
      try check(ranks, counts, .int32) { Int32($0) }
      try check(ranks, counts, .int64) { Int64($0) }
      try check(ranks, counts, .float32) { Float($0) }
      try check(ranks, counts, .float64) { Double($0) }
      try check(ranks, counts, .uint8) { UInt8(truncatingIfNeeded: $0) }
    }
  }
}

/// Rank `r` brings `(r + 1) (i mod 100)` as element `i`: whole numbers, so that sums are exact in any order.
private func check<T: BitwiseCopyable & Equatable>(
  _ communicator: any Communicator, _ counts: [Int], _ dtype: DType, _ value: (Int) -> T
) throws {
  let (rank, size) = (communicator.rank, communicator.size)
  let start = counts[..<rank].reduce(0, +)
  let all = (0..<counts.reduce(0, +)).map { value((rank + 1) * ($0 % 100)) }
  let found = try withGuardedMemory([T](repeating: value(77), count: counts[rank])) { part in
    let after = try withGuardedMemory(all) { send in
      try communicator.reduceScatter(send, counts: counts, dtype: dtype, into: part)
    }
    try require(after == all, "what a rank brings was written")
  }
  let expected = (0..<counts[rank]).map { value(size * (size + 1) / 2 * ((start + $0) % 100)) }
  try require(found == expected, "the sums of \(dtype) in parts of \(counts) are wrong")
}
