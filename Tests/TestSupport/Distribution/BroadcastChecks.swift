import Engine

/// Broadcast from each rank, of several types and lengths.
func checkBroadcast(_ communicator: any Communicator) throws {
  for root in 0..<communicator.size {
    for length in [0, 1, 7, 1000, 300_000] {
      try check(communicator, root: root, length, .float32) { Float(100 * root + $0 % 50) }
      try check(communicator, root: root, length, .float64) { Double(100 * root + $0 % 50) }
      try check(communicator, root: root, length, .int64) { Int64(100 * root + $0) }
      try check(communicator, root: root, length, .bool) { ($0 + root) % 3 == 0 }
    }
  }
}

private func check<T: BitwiseCopyable & Equatable>(
  _ communicator: any Communicator, root: Int, _ length: Int, _ dtype: DType,
  _ value: (Int) -> T
) throws {
  // The others hold something else before.
  let input = (0..<length).map { value(communicator.rank == root ? $0 : $0 + 1) }
  let found = try withGuardedMemory(input) { memory in
    try communicator.broadcast(memory, count: length, dtype: dtype, root: root)
  }
  for i in 0..<length {
    try requireEqual(found[i], value(i), "broadcast of \(length) x \(dtype) from \(root) at \(i)")
  }
}
