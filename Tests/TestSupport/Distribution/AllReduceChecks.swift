import Engine

private let lengths = [0, 1, 7, 1000, 1_000_000]

/// All-reduce of every number type, operation and several lengths.
func checkAllReduce(_ communicator: any Communicator) throws {
  for length in lengths {
    for operation in ReduceOperation.allCases {
      try check(communicator, Float.self, .float32, length, operation)
      try check(communicator, Double.self, .float64, length, operation)
      try check(communicator, Int32.self, .int32, length, operation)
      try check(communicator, Int64.self, .int64, length, operation)
      try check(communicator, UInt8.self, .uint8, length, operation)
    }
  }
}

/// What rank `rank` of `size` holds at `i`: small whole numbers, so that sums are exact in every type.
/// At even places the lowest rank holds the smallest value, at odd places the highest rank does.
func reduceInput<T: Numeric>(_ i: Int, rank: Int, size: Int, as: T.Type) -> T {
  let value = (i % 2 == 0 ? rank + 1 : size - rank) + i % 7
  return T(exactly: value) ?? 0
}

/// The combination of ``reduceInput(_:rank:size:as:)`` over all ranks.
func reduceOutput<T: Numeric>(_ i: Int, size: Int, _ operation: ReduceOperation, as: T.Type) -> T {
  let value =
    switch operation {
    case .sum: size * (size + 1) / 2 + size * (i % 7)
    case .min: 1 + i % 7
    case .max: size + i % 7
    }
  return T(exactly: value) ?? 0
}

private func check<T: Numeric & BitwiseCopyable>(
  _ communicator: any Communicator, _ type: T.Type, _ dtype: DType, _ length: Int,
  _ operation: ReduceOperation
) throws {
  let (rank, size) = (communicator.rank, communicator.size)
  // Values repeat with period 14: working them out for each of a million places takes seconds.
  let inputs = (0..<14).map { reduceInput($0, rank: rank, size: size, as: T.self) }
  let outputs = (0..<14).map { reduceOutput($0, size: size, operation, as: T.self) }
  let found = try withGuardedMemory((0..<length).map { inputs[$0 % 14] }) { memory in
    try communicator.allReduce(memory, count: length, dtype: dtype, operation: operation)
  }
  for i in 0..<length {
    try requireEqual(found[i], outputs[i % 14], "\(operation) of \(length) x \(dtype) at \(i)")
  }
}

/// Sums of integers wrap around at every place, also where vector instructions add.
func checkAllReduceWraps(_ communicator: any Communicator) throws {
  func check<T: FixedWidthInteger & BitwiseCopyable>(_ largest: T, _ dtype: DType) throws {
    let sum = T(truncatingIfNeeded: communicator.size) &* largest
    for count in [3, 1000, 100_000] {
      let input = [T](repeating: largest, count: count)
      let found = try withGuardedMemory(input) { memory in
        try communicator.allReduce(memory, count: count, dtype: dtype, operation: .sum)
      }
      try require(
        found.allSatisfy { $0 == sum }, "a sum of \(count) x \(dtype) does not wrap around")
    }
  }
  try check(UInt8.max, .uint8)
  try check(Int32.max, .int32)
  try check(Int64.max, .int64)
}

/// For booleans, max is *any* and min is *all*; a sum is refused on every rank.
func checkAllReduceOfBooleans(_ communicator: any Communicator) throws {
  let (rank, size) = (communicator.rank, communicator.size)
  // True on no rank, on the last rank only, on all ranks.
  let input = [false, rank == size - 1, true]
  let any = try withGuardedMemory(input) { memory in
    try communicator.allReduce(memory, count: 3, dtype: .bool, operation: .max)
  }
  try requireEqual(any, [false, true, true], "any")
  let all = try withGuardedMemory(input) { memory in
    try communicator.allReduce(memory, count: 3, dtype: .bool, operation: .min)
  }
  try requireEqual(all, [false, size == 1, true], "all")
  let error = try requireError("sum of booleans") {
    _ = try withGuardedMemory(input) { memory in
      try communicator.allReduce(memory, count: 3, dtype: .bool, operation: .sum)
    }
  }
  try require("\(error)".contains("booleans have no sum"), "unexpected text: \(error)")
}

/// A NaN on any one rank, wherever it is, makes the smallest and the largest NaN on all ranks; infinities are numbers, and
/// -0 is smaller than 0.
func checkAllReduceOfNaN(_ communicator: any Communicator) throws {
  try checkNaN(communicator, Float.self, .float32)
  try checkNaN(communicator, Double.self, .float64)
}

private func checkNaN<T: BinaryFloatingPoint & BitwiseCopyable>(
  _ communicator: any Communicator, _ type: T.Type, _ dtype: DType
) throws {
  let (rank, size) = (communicator.rank, communicator.size)
  // Short ones are blocking even when only started, and long ones take another algorithm.
  for length in [size + 3, 1000, 30_000] {
    // Place i < size has a NaN on rank i alone; then one on no rank, infinities, and zeros of both signs.
    let input = (0..<length).map { i -> T in
      switch i % (size + 3) {
      case rank: .nan
      case size: T(rank)
      case size + 1: rank == size - 1 ? .infinity : rank == 0 ? -.infinity : 0
      case size + 2: rank == size / 2 ? -0.0 : 0
      default: T(i % 5)
      }
    }
    for operation in [ReduceOperation.min, .max] {
      let isMax = operation == .max
      let blocking = try withGuardedMemory(input) { memory in
        try communicator.allReduce(memory, count: length, dtype: dtype, operation: operation)
      }
      let started = try withGuardedMemory(input) { memory in
        try communicator.wait(
          communicator.startAllReduce(memory, count: length, dtype: dtype, operation: operation))
      }
      for (name, found) in [("blocking", blocking), ("nonblocking", started)] {
        let isRight = (0..<size + 3).map { place -> (T) -> Bool in
          switch place {
          case ..<size: return { $0.isNaN }
          case size: return { $0 == (isMax ? T(size - 1) : 0) }
          case size + 1: return { $0 == (size == 1 || isMax ? .infinity : -.infinity) }
          default: return { $0 == 0 && ($0.sign == .minus) == (size == 1 || !isMax) }
          }
        }
        if let wrong = found.indices.first(where: { !isRight[$0 % (size + 3)](found[$0]) }) {
          throw CheckFailure(
            "\(name) \(operation) of \(length) x \(dtype) at \(wrong): \(found[wrong])")
        }
      }
    }
  }
}

/// Sums that depend on the order of adding must still be the same bits on every rank.
func checkAllReduceGivesSameBits(_ communicator: any Communicator) throws {
  for length in [3, 1000, 200_000] {
    var state = UInt64(communicator.rank + 1)
    let input = (0..<length).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24 - 0.5
    }
    let blocking = try withGuardedMemory(input) { memory in
      try communicator.allReduce(memory, count: length, dtype: .float32, operation: .sum)
    }
    let started = try withGuardedMemory(input) { memory in
      try communicator.wait(
        communicator.startAllReduce(memory, count: length, dtype: .float32, operation: .sum))
    }
    for (name, values) in [("blocking", blocking), ("nonblocking", started)] {
      let bits = values.map { String($0.bitPattern, radix: 16) }
      try agree(
        on: [String(fingerprint(of: bits), radix: 16)],
        subject: "the bits of a \(name) sum of \(length) floats", communicator: communicator)
    }
  }
}
