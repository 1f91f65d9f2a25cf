import Engine
import TestSupport

/// The losses under the shared contract: a new one is a new row.
enum LossTable {
  /// A loss from the arguments of a fixture's case, with Keras's names.
  typealias Make = @Sendable (FixtureCase, Reduction) throws -> any Loss

  static let rows: [String: Make] = [
    "MeanSquaredError": { _, reduction in MeanSquaredError(reduction: reduction) },
    "MeanAbsoluteError": { _, reduction in MeanAbsoluteError(reduction: reduction) },
    "Huber": { example, reduction in
      Huber(delta: try example.number("delta") ?? 1, reduction: reduction)
    },
    "BinaryCrossentropy": { example, reduction in
      BinaryCrossentropy(
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, reduction: reduction)
    },
    "CategoricalCrossentropy": { example, reduction in
      CategoricalCrossentropy(
        fromLogits: try example.flag("from_logits"),
        labelSmoothing: try example.number("label_smoothing") ?? 0, reduction: reduction)
    },
    "SparseCategoricalCrossentropy": { example, reduction in
      SparseCategoricalCrossentropy(
        fromLogits: try example.flag("from_logits"), reduction: reduction)
    },
  ]

  /// Arguments of Keras that no row takes.
  static let unsupported = ["ignore_class"]

  /// The cases of a file that a row can make.
  static func cases(_ file: String) throws -> [FixtureCase] {
    try Fixture.load(file, from: .module).cases.filter { example in
      guard let name = example.className, rows[name] != nil else { return false }
      return unsupported.allSatisfy { example.argument($0) == nil }
    }
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
}
