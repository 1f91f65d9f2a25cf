import Engine

/// Samples to train on, and samples held out to validate on.
struct Split: Sendable {
  /// Samples and classes of one part.
  struct Part: Sendable {
    let features: Tensor
    /// int32 `[samples]`.
    let labels: Tensor

    var count: Int { features.shape[0] }
  }

  let training: Part
  /// Nil when nothing is held out.
  let heldOut: Part?
  /// What is held out, for people: "the last 2000 of 10000 rows".
  let summary: String

  /// Holds out the part `fraction`: drawn at random by `seed` for the digits, whose order repeats its
  /// writers; the last rows of files, which may be in an order that means something.
  ///
  /// - Throws: `EngineError.data` when one part would be empty.
  init(_ examples: ExampleSet, fraction: Double, seed: UInt64) throws {
    guard fraction > 0 else {
      training = Part(features: examples.features, labels: examples.labels.indices)
      heldOut = nil
      summary = "nothing"
      return
    }
    let isRandom = examples.source == .digits
    let (train, validation) = try trainValidationSplit(
      count: examples.count, fraction: fraction, isRandom ? .random(seed: seed) : .last)
    func part(_ rows: [Int]) -> Part {
      if isRandom {
        let rows = Tensor(rows)
        return Part(
          features: take(examples.features, rows), labels: take(examples.labels.indices, rows))
      }
      // Consecutive rows need no copy.
      let range = (rows.first ?? 0)..<(rows.last ?? -1) + 1
      return Part(features: examples.features[range], labels: examples.labels.indices[range])
    }
    training = part(train)
    heldOut = part(validation)
    summary =
      isRandom
      ? "\(validation.count) of \(examples.count) images, drawn at random by seed \(seed)"
      : "the last \(validation.count) of \(examples.count) rows"
  }
}
