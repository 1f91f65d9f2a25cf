/// Names a stream of random numbers: value `i` of a stream depends on the key and `i` only.
public struct RandomKey: Hashable, Sendable {
  /// Chosen by the user.
  public var seed: UInt64
  /// Told apart by what the numbers are for.
  public var stream: UInt64

  /// A key from its parts.
  public init(seed: UInt64, stream: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
  }

  /// The key as the int64 tensor of shape `[2]` that random operations take.
  public var tensor: Tensor {
    Tensor([Int64(bitPattern: seed), Int64(bitPattern: stream)])
  }

  /// A number for a text, the same on every machine (FNV-1a, 64 bits; Fowler, Noll, Vo 1991).
  package static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
