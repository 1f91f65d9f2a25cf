/// Eight numbers at the end of a bucket that tell every rank whether all ranks have brought the same bucket, and whether some
/// gradient in it was not finite: they are added with the rest, so that they cost no message.
///
/// A rank brings a hash of 30 bits (its bucket and the number of the collective) as six numbers `h` below 32, and the sum of their squares.
/// Where the sums over N ranks are N · h for all six the mean of the ranks is this rank's own; where the sum of squares is N
/// times this rank's too nobody differs from that mean (Jensen), so that *every* rank sees that one is different. All sums are whole numbers
/// that float32 holds for up to 2,900 ranks.
package enum BucketSeal {
  /// How many numbers it is.
  package static let count = 8

  /// Whether buckets of a type carry one: sums of bytes would overflow.
  package static func isUsed(_ dtype: DType) -> Bool { dtype != .uint8 && dtype != .bool }

  /// What a rank brings.
  package static func write(
    hash: UInt64, isFinite: Bool, to pointer: UnsafeMutableRawPointer, _ dtype: DType
  ) {
    var squares = 0
    for piece in 0..<6 {
      let number = Self.piece(piece, of: hash)
      squares += number * number
      store(number, at: piece, pointer, dtype)
    }
    store(squares, at: 6, pointer, dtype)
    store(isFinite ? 0 : 1, at: 7, pointer, dtype)
  }

  /// What the sums over `size` ranks say to the rank that brought `hash`.
  ///
  /// - Returns: whether all brought the same hash, and how many said that something was not finite.
  package static func read(
    hash: UInt64, size: Int, from pointer: UnsafeMutableRawPointer, _ dtype: DType
  ) -> (isSame: Bool, notFinite: Double) {
    var squares = 0
    var isSame = true
    for piece in 0..<6 {
      let number = Self.piece(piece, of: hash)
      squares += number * number
      isSame = isSame && load(at: piece, pointer, dtype) == Double(number * size)
    }
    isSame = isSame && load(at: 6, pointer, dtype) == Double(squares * size)
    return (isSame, load(at: 7, pointer, dtype))
  }

  private static func piece(_ index: Int, of hash: UInt64) -> Int {
    Int(truncatingIfNeeded: (hash >> (5 * UInt64(index))) & 31)
  }

  private static func store(
    _ number: Int, at index: Int, _ pointer: UnsafeMutableRawPointer, _ dtype: DType
  ) {
    let place = pointer + index * dtype.size
    switch dtype {
    case .float32: place.storeBytes(of: Float(number), as: Float.self)
    case .float64: place.storeBytes(of: Double(number), as: Double.self)
    case .int32: place.storeBytes(of: Int32(number), as: Int32.self)
    case .int64: place.storeBytes(of: Int64(number), as: Int64.self)
    case .uint8, .bool: break
    }
  }

  private static func load(
    at index: Int, _ pointer: UnsafeMutableRawPointer, _ dtype: DType
  ) -> Double {
    let place = pointer + index * dtype.size
    return switch dtype {
    case .float32: Double(place.load(as: Float.self))
    case .float64: place.load(as: Double.self)
    case .int32: Double(place.load(as: Int32.self))
    case .int64: Double(place.load(as: Int64.self))
    case .uint8, .bool: 0
    }
  }
}
