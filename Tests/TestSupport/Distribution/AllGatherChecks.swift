import Engine

/// Gathering equal and unequal counts, among them none, from memory of its own and in place, on all ranks and on some.
func checkAllGather(_ communicator: any Communicator) throws {
  let size = communicator.size
  let plans: [[Int]] = [
    [Int](repeating: 1, count: size),
    [Int](repeating: 0, count: size),
    (0..<size).map { $0 },
    (0..<size).map { $0 % 2 == 0 ? 0 : 1000 + $0 },
    (0..<size).map { 40_000 * (size - $0) },
  ]
  for counts in plans {
    for isInPlace in [false, true, communicator.rank == 0, communicator.rank > 0] {
      try check(communicator, counts, isInPlace: isInPlace)
    }
  }
}

private func check(_ communicator: any Communicator, _ counts: [Int], isInPlace: Bool) throws {
  let rank = communicator.rank
  func value(_ rank: Int, _ i: Int) -> Int32 { Int32(1_000_000 * (rank + 1) + i) }
  let mine = (0..<counts[rank]).map { value(rank, $0) }
  let before = counts[..<rank].reduce(0, +)
  var room = [Int32](repeating: -1, count: counts.reduce(0, +))
  if isInPlace { room.replaceSubrange(before..<(before + mine.count), with: mine) }
  let found = try withGuardedMemory(room) { memory in
    if isInPlace {
      try communicator.allGather(memory + before * 4, counts: counts, dtype: .int32, into: memory)
    } else {
      _ = try withGuardedMemory(mine) { send in
        try communicator.allGather(send, counts: counts, dtype: .int32, into: memory)
      }
    }
  }
  let expected = counts.enumerated().flatMap { rank, count in (0..<count).map { value(rank, $0) } }
  try require(
    found == expected, "all-gather of counts \(counts)\(isInPlace ? " in place" : "") is wrong")
}

/// Texts of every length, with characters of several bytes.
func checkText(_ communicator: any Communicator) throws {
  let (rank, size) = (communicator.rank, communicator.size)
  func text(_ rank: Int) -> String { String(repeating: "é\(rank)", count: rank * 3) }
  try requireEqual(
    communicator.allGather(text: text(rank)), (0..<size).map(text), "texts of all ranks")
  try requireEqual(
    communicator.allGather(text: ""), [String](repeating: "", count: size), "empty texts")
  for root in 0..<size {
    try requireEqual(
      communicator.broadcast(text: "from \(rank)", root: root), "from \(root)", "text of one rank")
  }
  try requireEqual(communicator.broadcast(text: ""), "", "an empty text of rank 0")
}
