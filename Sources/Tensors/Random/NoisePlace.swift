/// Which rows of a batch a rank has: the place of its noise among that of all ranks.
package struct BatchShare {
  /// The first row and the number of rows, int64 `[2]`: an input of a step, so that one plan does for every place.
  package let place: Tensor
  /// The number of rows, known while a step is traced.
  let rows: Int

  package init(place: Tensor, rows: Int) {
    self.place = place
    self.rows = rows
  }

  /// The same samples, each as several rows.
  func times(_ count: Int) -> BatchShare {
    let factor = Int64(count)
    return BatchShare(place: place * Tensor([factor, factor]), rows: rows * count)
  }
}

/// What is known of the batch where random numbers are drawn.
package enum NoisePlace {
  /// Nothing, outside of a `Model`, or that there are no other ranks: keys differ between ranks.
  case unknown
  /// This rank has these rows: keys are the same on all ranks and say where the rows begin.
  case share(BatchShare)
  /// A function of one sample is recorded for all samples of this rank (`vmap`), each of which has a key of its own.
  case examples

  @TaskLocal private static var bound: ThreadBound<NoisePlace>?
  package static var current: NoisePlace { bound?.value ?? .unknown }
  /// Whether the step of a `Model` runs on one of several ranks.
  static var isKnown: Bool { bound != nil }

  package func callAsFunction<R>(_ body: () throws -> R) rethrows -> R {
    try Self.$bound.withValue(ThreadBound(value: self), operation: body)
  }

  /// Runs `body`, in which each sample of the batch is `count` rows of it.
  package static func withRows<R>(times count: Int, _ body: () throws -> R) rethrows -> R {
    guard case .share(let share) = current else { return try body() }
    return try NoisePlace.share(share.times(count))(body)
  }

  /// Runs `body`, in which a function of one of several examples is recorded.
  ///
  /// - Returns: what `body` gave, and the place of the first example, int64 `[1]`, when the examples are the samples of
  ///   this rank.
  static func withExamples<R>(
    _ count: Int, _ body: () throws -> R
  ) rethrows -> (result: R, first: Tensor?) {
    guard case .share(let share) = current, share.rows == count else { return (try body(), nil) }
    return (try NoisePlace.examples(body), share.place[0..<1])
  }
}

extension Shape {
  /// How many elements of a tensor of this shape lie before this rank's part of it, by a key in memory.
  ///
  /// 0 for a key without a place, and for a tensor whose first axis is not the batch: is not as long as the share.
  func elementsBefore(_ key: UnsafePointer<UInt64>, keyLength: Int) -> UInt64 {
    guard keyLength == RandomKey.lengthWithPlace, let rows = first, rows > 0, key[3] == rows else {
      return 0
    }
    return key[2] &* UInt64(elementCount / rows)
  }
}

extension RandomKey {
  /// The elements of a key with a place: seed, stream, first row, number of rows.
  static let lengthWithPlace = 4
}
