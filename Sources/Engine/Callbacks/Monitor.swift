import Logging
import OrderedCollections
import Tensors

/// Which direction of a value is better.
public enum MonitorMode: String, Hashable, Sendable, CaseIterable {
  /// More is better for names that end like accuracies, areas under curves, precisions, recalls and
  /// F scores, less is better for all others.
  case auto
  /// Less is better, as for losses.
  case min
  /// More is better, as for accuracies.
  case max
}

/// One of the logged values, watched by a callback.
struct Monitor {
  let name: String
  /// Whether more is better.
  let isMore: Bool
  private var hasWarned = false

  private static let moreIsBetter = [
    "acc", "accuracy", "auc", "precision", "recall", "f1_score", "fbeta_score", "iou", "r2_score",
  ]

  init(_ name: String, mode: MonitorMode) {
    self.name = name
    switch mode {
    case .min: isMore = false
    case .max: isMore = true
    case .auto: isMore = Self.moreIsBetter.contains { name.hasSuffix($0) }
    }
  }

  /// A value that every other one improves on.
  var worst: Double { isMore ? -.infinity : .infinity }

  /// Whether `value` is better than `best` by more than `delta`. NaN is no improvement.
  func improves(_ value: Double, on best: Double, by delta: Double = 0) -> Bool {
    isMore ? value - delta > best : value + delta < best
  }

  /// The value, or nil and, once, a warning on rank 0 that lists what there is.
  mutating func value(in logs: Logs, of callback: Callback) -> Double? {
    if let value = logs[name] { return value }
    if !hasWarned, callback.isChief {
      let near = suggestion(for: name, among: Array(logs.keys))
      let names = logs.isEmpty ? "none" : logs.keys.joined(separator: ", ")
      callback.logger.warning(
        """
        \(type(of: callback)) watches "\(name)", which is not logged and so has no effect; \
        available are \(names)\(near)
        """)
    }
    hasWarned = true
    return nil
  }
}
