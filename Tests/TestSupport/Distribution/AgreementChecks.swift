import Engine

private let common = ["kernel float32 [784, 512]", "bias float32 [512]", "scale float32 []"]

/// Equal lists pass on every rank.
func checkAgreement(_ communicator: any Communicator) throws {
  try agree(on: common, subject: "the model", communicator: communicator)
  try agree(on: [], communicator: communicator)
}

/// One rank with another line: every rank throws the same error, which names line, ranks and texts.
func checkDisagreement(_ communicator: any Communicator) throws {
  let size = communicator.size
  if size == 1 { return }
  for odd in 0..<size {
    var lines = common
    if communicator.rank == odd { lines[1] = "bias float32 [256]" }
    let error = try requireError("agreement with rank \(odd) differing") {
      try agree(on: lines, subject: "the model", communicator: communicator)
    }
    let others = EngineError.Holding(
      ranks: (0..<size).filter { $0 != odd }, text: common[1])
    let one = EngineError.Holding(ranks: [odd], text: "bias float32 [256]")
    let expected = EngineError.ranksDisagree(
      subject: "the model", line: 2, held: odd == 0 ? [one, others] : [others, one])
    try requireEqual(error as? EngineError, expected, "the error with rank \(odd) differing")
    if size == 2 && odd == 1 {
      try requireEqual(
        "\(error)",
        "ranks disagree on the model, line 2: rank 0 has \"bias float32 [512]\"; "
          + "rank 1 has \"bias float32 [256]\". Every rank must be given the same",
        "the text of the error")
    }
  }
  // No rank was left behind in a collective.
  try communicator.barrier()
}

/// A note that differs is no error, and every rank gets the notes of all.
func checkNotes(_ communicator: any Communicator) throws {
  let rank = communicator.rank
  let same = try agree(on: common, noting: "é", subject: "it", communicator: communicator)
  try requireEqual(same, nil, "notes that are the same")
  if communicator.size == 1 { return }
  let found = try agree(on: common, noting: "\(rank)", subject: "it", communicator: communicator)
  try requireEqual(found, (0..<communicator.size).map { "\($0)" }, "notes that differ")
  let error = try requireError("other lines with other notes") {
    _ = try agree(on: ["\(rank)"], noting: "\(rank)", subject: "it", communicator: communicator)
  }
  try require(error is EngineError, "unexpected error: \(error)")
}

/// The last rank has a line more than the others.
func checkDisagreementOfLengths(_ communicator: any Communicator) throws {
  let size = communicator.size
  if size == 1 { return }
  let lines = communicator.rank == size - 1 ? common + ["extra"] : common
  let error = try requireError("agreement with a longer list on the last rank") {
    try agree(on: lines, subject: "the model", communicator: communicator)
  }
  let expected = EngineError.ranksDisagree(
    subject: "the model", line: 4,
    held: [
      EngineError.Holding(ranks: Array(0..<(size - 1)), text: nil),
      EngineError.Holding(ranks: [size - 1], text: "extra"),
    ])
  try requireEqual(error as? EngineError, expected, "the error of a longer list")
}

/// Arguments that no rank may give are refused before any rank waits.
func checkWrongArguments(_ communicator: any Communicator) throws {
  let size = communicator.size
  _ = try withGuardedMemory([Float](repeating: 0, count: 4)) { memory in
    for root in [-1, size] {
      let error = try requireError("broadcast from \(root)") {
        try communicator.broadcast(memory, count: 1, dtype: .float32, root: root)
      }
      try require(error is EngineError, "unexpected error: \(error)")
    }
    let counts = [Int](repeating: 0, count: size + 1)
    let error = try requireError("all-gather with a count too many") {
      try communicator.allGather(memory, counts: counts, dtype: .float32, into: memory)
    }
    try require("\(error)".contains("\(size + 1) counts"), "unexpected text: \(error)")
    let scattering = try requireError("reduce-scatter with a count too many") {
      try communicator.reduceScatter(memory, counts: counts, dtype: .float32, into: memory)
    }
    try require("\(scattering)".hasPrefix("reduceScatter: "), "unexpected text: \(scattering)")
    _ = try requireError("reduce-scatter of booleans") {
      try communicator.reduceScatter(
        memory, counts: Array(counts.dropLast()), dtype: .bool, into: memory)
    }
    _ = try requireError("all-reduce of a negative count") {
      try communicator.allReduce(memory, count: -1, dtype: .float32, operation: .sum)
    }
  }
  try communicator.barrier()
}
