import Logging
import OrderedCollections
import Tensors

/// Which direction of a value is better.
public enum MonitorMode: String, Hashable, Sendable, CaseIterable {
  /// The name says it, by its end and without a number after it (`accuracy_1`): less is better for losses, errors, crossentropies and divergences, more for
  /// accuracies, areas under curves, precisions, recalls, F scores, overlaps, correlations and similarities, as in Keras. Another name is an error at the end of the
  /// first epoch.
  case auto
  /// Less is better, as for losses.
  case min
  /// More is better, as for accuracies.
  case max
}

/// One of the logged values, watched by a callback.
struct Monitor {
  let name: String
  /// Whether more is better; nil when the name does not tell.
  private let direction: Bool?
  private var hasWarned = false

  /// What ends the names of values of which less is better.
  private static let lessIsBetter = [
    "loss", "error", "crossentropy", "divergence", "hinge", "poisson", "logcosh", "log_cosh",
    "mse", "mae", "mape", "msle", "rmse", "perplexity",
  ]
  private static let moreIsBetter = [
    "acc", "accuracy", "auc", "precision", "recall", "sensitivity", "specificity", "f1_score",
    "fbeta_score", "iou", "io_u", "r2_score", "correlation", "cosine_similarity",
  ]

  init(_ name: String, mode: MonitorMode) {
    self.name = name
    // Equal names of metrics are numbered.
    let plain = name.replacing(/_[0-9]+$/, with: "")
    switch mode {
    case .min: direction = false
    case .max: direction = true
    case .auto where Self.lessIsBetter.contains { plain.hasSuffix($0) }: direction = false
    case .auto: direction = Self.moreIsBetter.contains { plain.hasSuffix($0) } ? true : nil
    }
  }

  private var isMore: Bool { direction ?? false }

  /// A value that every other one improves on.
  var worst: Double { isMore ? -.infinity : .infinity }

  /// Whether `value` is better than `best` by more than `delta`. NaN is no improvement, nor is the worst infinity.
  ///
  /// - Note: Departs from Keras: there the first value is one, whatever it is, and nothing improves on NaN: after a first NaN nothing is best any more.
  func improves(_ value: Double, on best: Double, by delta: Double = 0) -> Bool {
    isMore ? value - delta > best : value + delta < best
  }

  /// The value, or nil and, once, a warning on rank 0 that lists what there is.
  ///
  /// - Parameters:
  ///   - logs: those of an epoch or a step.
  ///   - callback: who watches.
  ///   - otherwise: what it does without the value, for the warning.
  /// - Returns: the value.
  /// - Throws: ``EngineError/invalidArgument(message:)`` when there is a value and its name does not tell which direction is better.
  mutating func value(
    in logs: Logs, of callback: Callback, otherwise: String = "has no effect"
  ) throws(EngineError) -> Double? {
    if let value = logs[name] {
      guard direction != nil else {
        throw .invalidArgument(
          message:
            "\(type(of: callback)) watches \"\(name)\", whose name does not tell whether more "
            + "or less is better: give mode: .max or mode: .min")
      }
      return value
    }
    if !hasWarned, callback.isChief {
      let near = suggestion(for: name, among: Array(logs.keys))
      let names = logs.isEmpty ? "none" : logs.keys.joined(separator: ", ")
      callback.logger.warning(
        """
        \(type(of: callback)) watches "\(name)", which is not logged and so \(otherwise); \
        available are \(names)\(near)
        """)
    }
    hasWarned = true
    return nil
  }
}
