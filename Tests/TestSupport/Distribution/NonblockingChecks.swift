import Engine

/// Buffers of several all-reduces that are in flight together.
private final class Flight {
  let communicator: any Communicator
  let lengths: [Int]
  let buffers: [UnsafeMutablePointer<Float>]
  var tokens: [Int] = []

  init(_ communicator: any Communicator, lengths: [Int]) {
    self.communicator = communicator
    self.lengths = lengths
    buffers = lengths.map { .allocate(capacity: max($0, 1)) }
  }

  deinit {
    for buffer in buffers { buffer.deallocate() }
  }

  func start() throws {
    tokens = []
    for (length, buffer) in zip(lengths, buffers) {
      for i in 0..<length {
        buffer[i] = reduceInput(
          i, rank: communicator.rank, size: communicator.size, as: Float.self)
      }
      tokens.append(
        try communicator.startAllReduce(buffer, count: length, dtype: .float32, operation: .sum))
    }
  }

  func check(_ flight: Int) throws {
    for i in 0..<lengths[flight] {
      try requireEqual(
        buffers[flight][i], reduceOutput(i, size: communicator.size, .sum, as: Float.self),
        "all-reduce \(flight) of \(lengths[flight]) floats at \(i)")
    }
  }
}

/// Several all-reduces are in flight and waited for in an order that differs between ranks, some of
/// them twice, with blocking collectives between.
func checkNonblockingOutOfOrder(_ communicator: any Communicator) throws {
  let flight = Flight(communicator, lengths: [7, 100_000, 0, 1, 50_000, 1000, 300_000, 20_000])
  try flight.start()
  try communicator.barrier()
  // 3 and 8 have no common divisor: every flight comes once, each rank begins elsewhere.
  for step in 0..<8 {
    let next = (step * 3 + communicator.rank) % 8
    try communicator.wait(flight.tokens[next])
    try flight.check(next)
    try communicator.wait(flight.tokens[next])
  }
  for token in flight.tokens {
    try require(communicator.test(token), "a done token must test true")
  }
}

/// `test` alone brings an all-reduce to its end.
func checkNonblockingTest(_ communicator: any Communicator) throws {
  let flight = Flight(communicator, lengths: [300_000, 5, 30_000])
  try flight.start()
  let clock = ContinuousClock()
  let limit = clock.now + .seconds(20)
  for (index, token) in flight.tokens.enumerated() {
    while try !communicator.test(token) {
      try require(clock.now < limit, "test did not become true in 20 s")
    }
    try flight.check(index)
    try communicator.wait(token)
  }
  if communicator.size > 1 {
    _ = try requireError("waiting for a token never given") {
      try communicator.wait((flight.tokens.max() ?? 0) + 1000)
    }
  }
}

/// Places in the table of pending collectives are used again and again.
func checkNonblockingManyRounds(_ communicator: any Communicator) throws {
  let flight = Flight(communicator, lengths: [6000, 3, 9000])
  for _ in 0..<300 {
    try flight.start()
    for index in [2, 0, 1] {
      try communicator.wait(flight.tokens[index])
      try flight.check(index)
    }
  }
}

/// Any number of collectives can be in flight, and the places of those that are done are used again.
func checkNonblockingMany(_ communicator: any Communicator) throws {
  // Long enough not to be done at once.
  let flight = Flight(communicator, lengths: [Int](repeating: 8000, count: 300))
  for _ in 0..<2 {
    try flight.start()
    for index in flight.tokens.indices.reversed() {
      try communicator.wait(flight.tokens[index])
      try flight.check(index)
    }
  }
}
