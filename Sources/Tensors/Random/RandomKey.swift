/// Names a stream of random numbers: value `i` of a stream depends on the key and `i` only.
///
/// An argument of ``jit(cacheLimit:file:line:_:)-(_,_,_,(Argument)->Result)`` or another transform like any tensor: it is traced, so that another key
/// compiles nothing again. While it is traced it has no numbers yet; ``seed`` and ``stream`` fail there.
public struct RandomKey: Sendable {
  private var numbers: (seed: UInt64, stream: UInt64)
  /// The key while a function is traced.
  private var traced: Tensor?

  /// Chosen by the user.
  public var seed: UInt64 {
    get { known(numbers.seed, "seed") }
    set { self = RandomKey(seed: newValue, stream: stream) }
  }
  /// Told apart by what the numbers are for.
  public var stream: UInt64 {
    get { known(numbers.stream, "stream") }
    set { self = RandomKey(seed: seed, stream: newValue) }
  }

  /// A key from its parts.
  public init(seed: UInt64, stream: UInt64 = 0) { numbers = (seed, stream) }

  /// The key that ``tensor`` gives, traced or not; nil for a tensor that is not int64 `[2]`.
  init?(_ tensor: Tensor) {
    guard tensor.spec == TensorSpec([2], .int64) else { return nil }
    guard tensor.isTraced else {
      let parts = tensor.scalars(as: Int64.self)
      self.init(seed: UInt64(bitPattern: parts[0]), stream: UInt64(bitPattern: parts[1]))
      return
    }
    self.init(seed: 0)
    traced = tensor
  }

  /// The key as the int64 tensor of shape `[2]` that random operations take.
  public var tensor: Tensor {
    traced ?? Tensor([Int64(bitPattern: numbers.seed), Int64(bitPattern: numbers.stream)])
  }

  private func known(_ number: UInt64, _ name: String) -> UInt64 {
    if traced != nil {
      fail(
        EngineError.invalidArgument(
          message: "a random key has no \(name) while it is traced: give the key to random "
            + "operations as it is, or make others of it with foldKey(key.tensor, number)"))
    }
    return number
  }
}

extension RandomKey: Hashable {
  /// Whether both name one stream; traced keys are equal to themselves only.
  public static func == (a: Self, b: Self) -> Bool {
    a.numbers == b.numbers && a.traced?.node === b.traced?.node
  }

  /// Adds seed and stream.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(numbers.seed)
    hasher.combine(numbers.stream)
    hasher.combine(traced?.node.map { ObjectIdentifier($0) })
  }
}

/// A key in a JSON file or the like; in a structure of tensors it is ``RandomKey/tensor``.
extension RandomKey: Codable {
  private enum CodingKeys: String, CodingKey { case seed, stream }

  /// Reads seed and stream. Throws what `decoder` throws when they are not there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      seed: try container.decode(UInt64.self, forKey: .seed),
      stream: try container.decode(UInt64.self, forKey: .stream))
  }

  /// Writes seed and stream. Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(seed, forKey: .seed)
    try container.encode(stream, forKey: .stream)
  }
}
