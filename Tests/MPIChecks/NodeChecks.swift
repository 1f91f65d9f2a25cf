import Dist
import Engine
import Foundation
import TestSupport

/// What ranks of one node do in memory that all of them reach.
func checkNodeMemory() throws {
  let communicator = DistributionContext.strategy.communicator
  guard communicator.size > 1 else { return }
  let sharing = communicator as? any SharingCommunicator
  let isForced = ProcessInfo.processInfo.environment["APUS_ALLREDUCE"] == "mpi"
  try requireEqual(
    sharing?.sharedMemory(byteCount: 8) == nil, isForced, "whether there is no memory")
  guard let sharing, !isForced else { return }
  try checkPlaces(sharing)
  try checkBlocks(sharing)
  try checkHelp(sharing)
  try checkDifferentPlaces(sharing)
}

/// Sums of arrays that start and end anywhere in a block, and touch nothing around them.
private func checkPlaces(_ ranks: any SharingCommunicator) throws {
  for count in [1, 3, 255, 256, 257, 1000, 16_384, 16_385, 100_003] {
    for offset in [0, 1, 5] {
      guard let block = ranks.sharedMemory(byteCount: 4 * (count + offset + 1)) else {
        throw CheckFailure("no memory for \(count)")
      }
      let all = block.pointer.bindMemory(to: Float.self, capacity: count + offset + 1)
      all.initialize(repeating: -7, count: count + offset + 1)
      let array = all + offset
      for index in 0..<count { array[index] = Float(index % 97 + ranks.rank) }
      let token = try ranks.startAllReduce(array, count: count, dtype: .float32, operation: .sum)
      try ranks.wait(token)
      let extra = Float(ranks.size * (ranks.size - 1) / 2)
      for index in 0..<count {
        try requireEqual(
          array[index], Float(index % 97 * ranks.size) + extra, "\(count) at \(offset): \(index)")
      }
      for index in 0..<offset { try requireEqual(all[index], -7, "before \(count)") }
      try requireEqual(array[count], -7, "after \(count)")
    }
  }
}

/// Blocks do not overlap, and what is given back is given out again.
private func checkBlocks(_ ranks: any SharingCommunicator) throws {
  var kept: [Storage] = []
  var addresses: Set<Int> = []
  for round in 0..<50 {
    for size in [1, 4096, 4097, 100_000] {
      guard let block = ranks.sharedMemory(byteCount: size) else {
        throw CheckFailure("no memory for \(size)")
      }
      for other in kept {
        let isApart =
          block.pointer >= other.pointer + other.byteCount
          || other.pointer >= block.pointer + block.byteCount
        try require(isApart, "two blocks overlap")
      }
      block.pointer.initializeMemory(as: UInt8.self, repeating: 255, count: size)
      kept.append(block)
      addresses.insert(Int(bitPattern: block.pointer))
    }
    if round % 2 == 1 { kept.removeAll() }
  }
  try require(addresses.count <= 8, "memory is not used again: \(addresses.count) places")
  try require(ranks.sharedMemory(byteCount: 1 << 60) == nil, "more memory than there is")
}

/// A rank that waits adds up for one that is busy.
private func checkHelp(_ ranks: any SharingCommunicator) throws {
  let count = 1 << 20
  guard let block = ranks.sharedMemory(byteCount: 4 * count) else {
    throw CheckFailure("no memory")
  }
  let array = block.pointer.bindMemory(to: Float.self, capacity: count)
  array.initialize(repeating: 1, count: count)
  try ranks.barrier()
  let start = ContinuousClock.now
  let token = try ranks.startAllReduce(array, count: count, dtype: .float32, operation: .sum)
  if ranks.rank == ranks.size - 1 { Thread.sleep(forTimeInterval: 3) }
  try ranks.wait(token)
  let seconds = (ContinuousClock.now - start) / .seconds(1)
  try require(
    ranks.rank == ranks.size - 1 || seconds < 2.5, "it waited for a busy rank: \(seconds) s")
  for index in stride(from: 0, to: count, by: 1013) {
    try requireEqual(array[index], Float(ranks.size), "sum at \(index)")
  }
  try ranks.barrier()
}

/// Some ranks' arrays lie in the shared memory and some do not; more are under way than there is room for.
private func checkDifferentPlaces(_ ranks: any SharingCommunicator) throws {
  let count = 5000
  var blocks: [Storage] = []
  var tokens: [Int] = []
  for index in 0..<600 {
    let isShared = (index + ranks.rank) % 2 == 0
    guard
      let block = isShared
        ? ranks.sharedMemory(byteCount: 4 * count) : Storage(byteCount: 4 * count)
    else { throw CheckFailure("no memory") }
    let array = block.pointer.bindMemory(to: Float.self, capacity: count)
    array.initialize(repeating: Float(index + ranks.rank), count: count)
    blocks.append(block)
    tokens.append(
      try ranks.startAllReduce(array, count: count, dtype: .float32, operation: .sum))
  }
  for token in tokens.reversed() { try ranks.wait(token) }
  let extra = Float(ranks.size * (ranks.size - 1) / 2)
  for (index, block) in blocks.enumerated() {
    for place in [0, 1, count / 2, count - 1] {
      try requireEqual(
        block.pointer.load(fromByteOffset: 4 * place, as: Float.self),
        Float(index * ranks.size) + extra, "sum \(index) at \(place)")
    }
  }
}
