import Engine
import TestSupport

extension LayerTable {
  /// Normalisations, merging and shaping layers, and rectifiers.
  static let moreRows: [String: Make] = [
    "GroupNormalization": { example in
      GroupNormalization(
        groups: try example.integer("groups"), axis: try example.argument("axis")?.int() ?? -1,
        epsilon: try example.number("epsilon") ?? 1e-3,
        center: try example.argument("center")?.bool() ?? true,
        scale: try example.argument("scale")?.bool() ?? true)
    },
    "InstanceNormalization": { example in
      InstanceNormalization(
        center: try example.argument("center")?.bool() ?? true,
        scale: try example.argument("scale")?.bool() ?? true)
    },
    "RMSNormalization": { example in
      RMSNormalization(
        axes: try example.axes("axis") ?? [-1], epsilon: try example.number("epsilon") ?? 1e-6)
    },
    "UnitNormalization": { UnitNormalization(axes: try $0.axes("axis") ?? [-1]) },
    "PReLU": { PReLU(sharedAxes: try $0.axes("shared_axes") ?? []) },
    "ELU": { ELU(alpha: try $0.number("alpha") ?? 1) },
    "Permute": { Permute(try $0.axes("dims") ?? []) },
    "RepeatVector": { RepeatVector(try $0.integer("n")) },
    "Reshape": { Reshape(Shape(try $0.axes("target_shape") ?? [])) },
    "Flatten": { _ in Flatten() },
    "Add": { _ in Add() },
    "Subtract": { _ in Subtract() },
    "Multiply": { _ in Multiply() },
    "Average": { _ in Average() },
    "Maximum": { _ in Maximum() },
    "Minimum": { _ in Minimum() },
    "Concatenate": { Concatenate(axis: try $0.argument("axis")?.int() ?? -1) },
    "Dot": { example in
      let axes = try example.axes("axes") ?? []
      let normalize = try example.flag("normalize")
      return axes.count == 1
        ? Dot(axes: axes[0], normalize: normalize)
        : Dot(axes: (axes[0], axes[1]), normalize: normalize)
    },
  ]
}

extension FixtureCase {
  /// Axes that are written as a list or as one number; nil for the default.
  func axes(_ key: String) throws -> [Int]? {
    guard let value = argument(key) else { return nil }
    return try (try? value.elements().map { try $0.int() }) ?? [value.int()]
  }
}
