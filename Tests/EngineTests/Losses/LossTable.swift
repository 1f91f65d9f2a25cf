import Engine
import Foundation
import TestSupport

/// The losses under the shared contract: a new one is a new row.
enum LossTable {
  /// A loss from the arguments of a fixture's case, with Keras's names.
  typealias Make = @Sendable (FixtureCase, Reduction) throws -> any Loss

  static let rows: [String: Make] = [
    "MeanSquaredError": { _, reduction in MeanSquaredError(reduction: reduction) },
    "MeanAbsoluteError": { _, reduction in MeanAbsoluteError(reduction: reduction) },
    "MeanAbsolutePercentageError": { _, reduction in
      MeanAbsolutePercentageError(reduction: reduction)
    },
    "MeanSquaredLogarithmicError": { _, reduction in
      MeanSquaredLogarithmicError(reduction: reduction)
    },
    "LogCosh": { _, reduction in LogCosh(reduction: reduction) },
    "Huber": { example, reduction in
      Huber(delta: try example.number("delta") ?? 1, reduction: reduction)
    },
    "Poisson": { _, reduction in Poisson(reduction: reduction) },
    "KLDivergence": { _, reduction in KLDivergence(reduction: reduction) },
    "CosineSimilarity": { example, reduction in
      CosineSimilarity(axis: try example.axis(), reduction: reduction)
    },
    "Hinge": { _, reduction in Hinge(reduction: reduction) },
    "SquaredHinge": { _, reduction in SquaredHinge(reduction: reduction) },
    "CategoricalHinge": { _, reduction in CategoricalHinge(reduction: reduction) },
    "BinaryCrossentropy": { example, reduction in
      BinaryCrossentropy(
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, axis: try example.axis(),
        reduction: reduction)
    },
    "BinaryFocalCrossentropy": { example, reduction in
      BinaryFocalCrossentropy(
        applyClassBalancing: try example.flag("apply_class_balancing"),
        alpha: try example.number("alpha") ?? 0.25, gamma: try example.number("gamma") ?? 2,
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, axis: try example.axis(),
        reduction: reduction)
    },
    "CategoricalCrossentropy": { example, reduction in
      CategoricalCrossentropy(
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, axis: try example.axis(),
        reduction: reduction)
    },
    "CategoricalFocalCrossentropy": { example, reduction in
      CategoricalFocalCrossentropy(
        alpha: try example.number("alpha") ?? 0.25, gamma: try example.number("gamma") ?? 2,
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, axis: try example.axis(),
        reduction: reduction)
    },
    "SparseCategoricalCrossentropy": { example, reduction in
      SparseCategoricalCrossentropy(
        fromLogits: try example.flag("from_logits"),
        ignoreClass: try example.argument("ignore_class")?.int(), reduction: reduction)
    },
    "CategoricalGeneralizedCrossEntropy": { example, reduction in
      CategoricalGeneralizedCrossEntropy(
        q: try example.number("q") ?? 0.5, reduction: reduction)
    },
    "Dice": { example, reduction in Dice(axes: try example.axes(), reduction: reduction) },
    "Tversky": { example, reduction in
      Tversky(
        alpha: try example.number("alpha") ?? 0.5, beta: try example.number("beta") ?? 0.5,
        axes: try example.axes(), reduction: reduction)
    },
    "Circle": { example, reduction in
      Circle(
        gamma: try example.number("gamma") ?? 80, margin: try example.number("margin") ?? 0.4,
        removeDiagonal: try example.argument("remove_diagonal")?.bool() ?? true,
        reduction: reduction)
    },
    "CTC": { _, reduction in CTC(reduction: reduction) },
    // Not of Keras: TripletTests.
    "Contrastive": { _, reduction in Contrastive(reduction: reduction) },
    "TripletSemiHard": { _, reduction in TripletSemiHard(reduction: reduction) },
    "TripletHard": { _, reduction in TripletHard(reduction: reduction) },
  ]

  /// Losses whose values are no values of single samples: of a batch, or of pairs within it.
  static let aboutBatches: Set = ["Dice", "Tversky", "Circle", "TripletSemiHard", "TripletHard"]

  /// Cases of losses that Keras does not have, with its names of everything.
  static let others: [FixtureCase] = {
    let distances =
      "{\"shape\": [3, 2], \"dtype\": \"float32\", \"values\": [0.5, 0.2, 1.5, 0.8, 0.3, 0.9]}"
    let apart = "{\"shape\": [3, 2], \"dtype\": \"int32\", \"values\": [1, 0, 1, 1, 0, 0]}"
    let embeddings =
      "{\"shape\": [4, 2], \"dtype\": \"float32\", \"values\": [1, 0.5, -0.3, 1.1, 0.7, -0.4, 0.2, 0.9]}"
    let classes = "{\"shape\": [4], \"dtype\": \"int32\", \"values\": [1, 0, 1, 0]}"
    return [
      ("Contrastive", apart, distances), ("TripletSemiHard", classes, embeddings),
      ("TripletHard", classes, embeddings),
    ].compactMap { name, yTrue, yPred in
      try? FixtureCase(
        JSONDecoder().decode(
          JSONValue.self,
          from: Data(
            "{\"name\": \"\(name)\", \"class\": \"\(name)\", \"y_true\": \(yTrue), \"y_pred\": \(yPred)}"
              .utf8)))
    }
  }()

  /// The cases of a file that a row can make.
  static func cases(_ file: String) throws -> [FixtureCase] {
    try Fixture.load(file, from: .module).cases.filter { rows[$0.className ?? ""] != nil }
  }

  static func make(_ example: FixtureCase, _ reduction: Reduction) throws -> any Loss {
    guard let make = rows[example.className ?? ""] else {
      throw EngineError.data(message: "no row for \(example.name)")
    }
    return try make(example, reduction)
  }
}

extension FixtureCase {
  /// A numeric argument of the constructor, or nil for the default.
  func number(_ key: String) throws -> Double? { try argument(key)?.double() }

  /// A flag of the constructor, false by default.
  func flag(_ key: String) throws -> Bool { try argument(key)?.bool() ?? false }

  /// The argument `axis`, the last one by default.
  func axis() throws -> Int { try argument("axis")?.int() ?? -1 }

  /// Several axes in the argument `axis`, nil by default.
  func axes() throws -> [Int]? { try argument("axis")?.elements().map { try $0.int() } }
}
