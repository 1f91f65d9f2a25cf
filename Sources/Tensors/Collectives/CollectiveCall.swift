import Synchronization

/// What identifies a collective: every rank must bring the same to the same place of the sequence.
package struct CollectiveCall: Equatable, Sendable {
  /// Which collective it is; ``split`` makes groups, ``end`` is the meeting at the end of a run.
  package enum Kind: UInt8, Sendable {
    case allReduce, broadcast, allGather, reduceScatter, barrier, split, end
  }

  package var kind: Kind
  /// Elements; where each rank has a part, those of all together.
  package var count = 0
  /// A hash of the counts of the parts.
  package var partsHash: UInt64 = 0
  package var dtype = DType.uint8
  package var operation = ReduceOperation.sum
  package var root = 0
  /// What it is about.
  package var label = CollectiveLabel.none
  /// The ranks that meet in it; ``CollectiveLabel/none`` for all.
  package var group = CollectiveLabel.none

  package init(
    _ kind: Kind, count: Int = 0, dtype: DType = .uint8, operation: ReduceOperation = .sum,
    root: Int = 0
  ) {
    (self.kind, self.count, self.dtype) = (kind, count, dtype)
    (self.operation, self.root) = (operation, root)
  }

  /// A collective in which each rank has a part, of `counts` elements.
  package init(_ kind: Kind, parts counts: [Int], dtype: DType) {
    self.init(kind, count: counts.reduce(0, +), dtype: dtype)
    partsHash = counts.reduce(0) { StableHash.combine($0, UInt64(bitPattern: Int64($1))) }
  }

  /// The same number in every process for the same collective with the same label.
  package var stableHash: UInt64 {
    var hash = StableHash.combine(UInt64(kind.rawValue), UInt64(bitPattern: Int64(count)))
    hash = StableHash.combine(hash, partsHash)
    hash = StableHash.combine(hash, UInt64(dtype.rawValue) << 8 | UInt64(operation.rawValue))
    hash = StableHash.combine(hash, UInt64(bitPattern: Int64(root)))
    return StableHash.combine(StableHash.combine(hash, label.hash), group.hash)
  }

  package static func == (a: CollectiveCall, b: CollectiveCall) -> Bool {
    a.stableHash == b.stableHash
  }
}

extension CollectiveCall: CustomStringConvertible {
  /// `allReduce(sum, 12 x float32) of the metrics among ranks 0, 1 (.node)`
  package var description: String {
    let call =
      switch kind {
      case .allReduce: "allReduce(\(operation), \(count) x \(dtype))"
      case .broadcast: "broadcast(\(count) x \(dtype), root \(root))"
      case .allGather: "allGather(\(count) x \(dtype) in all)"
      case .reduceScatter: "reduceScatter(\(operation), \(count) x \(dtype) in all)"
      case .barrier: "barrier()"
      case .split: "withRanks()"
      case .end: "the end of withStrategy"
      }
    return call + (label == .none ? "" : " of \(label.text)")
      + (group == .none ? "" : " among \(group.text)")
  }
}

/// What a collective is about, such as `the gradients of dense/bias, dense/kernel`: a text that is kept once, so that naming a
/// collective allocates nothing.
package struct CollectiveLabel: Hashable, Sendable {
  private let index: Int
  /// The same in every process for the same text.
  package let hash: UInt64

  /// No label.
  package static let none = CollectiveLabel("")

  private static let texts = Mutex<(known: [String: Int], all: [String])>(([:], []))

  /// The label of a text. Looks it up under a lock: keep the label where it is used in every step.
  package init(_ text: String) {
    index = Self.texts.withLock { texts in
      if let known = texts.known[text] { return known }
      texts.known[text] = texts.all.count
      texts.all.append(text)
      return texts.all.count - 1
    }
    hash = StableHash.of(text.utf8)
  }

  /// The text.
  package var text: String { Self.texts.withLock { $0.all[index] } }
}

/// Hashes that are the same in every process. Swift's own `Hasher` is seeded anew in each.
package enum StableHash {
  /// FNV-1a, 64 bits.
  package static func of(
    _ bytes: some Sequence<UInt8>, from start: UInt64 = 0xcbf2_9ce4_8422_2325
  ) -> UInt64 {
    bytes.reduce(start) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  /// A hash of memory: four lanes of eight bytes at a time.
  package static func of(_ memory: UnsafeRawBufferPointer) -> UInt64 {
    var lanes: SIMD4<UInt64> = [1, 2, 3, 4]
    let prime: UInt64 = 0x9E37_79B9_7F4A_7C15
    let blocks = memory.count / 32
    for block in 0..<blocks {
      let words = memory.loadUnaligned(fromByteOffset: 32 * block, as: SIMD4<UInt64>.self)
      lanes = (lanes ^ words) &* prime
      lanes ^= lanes &>> 29
    }
    let rest = of(memory[(32 * blocks)...])
    return (0..<4).reduce(combine(rest, UInt64(memory.count))) { combine($0, lanes[$1]) }
  }

  /// One hash of two numbers: the finalizer of SplitMix64 (Steele et al., *Fast Splittable Pseudorandom Number Generators*, 2014).
  package static func combine(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var z = a &* 0x9E37_79B9_7F4A_7C15 &+ b &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
