import OrderedCollections
import Tensors

/// Losses and metrics by name, `loss` first; values of validation begin with `val_`.
///
/// Those of an epoch are combined over ranks, so that every rank has the same and decides the same.
public typealias Logs = OrderedDictionary<String, Double>

/// What a run of `fit`, `evaluate` or `predict` is going to do.
public struct RunParameters: Hashable, Sendable {
  /// The last epoch, counted from 1.
  public var epochs: Int
  /// Steps of an epoch; nil when they are not known before.
  public var steps: Int?
  /// Samples of an epoch over all ranks; nil when they are not known before.
  public var samples: Int?
  /// Samples of a step over all ranks; the last one may have fewer. nil when they are not known before.
  public var batchSize: Int?
  /// Whether some epochs end with a validation.
  public var hasValidation: Bool
  /// How much is printed; see ``Verbosity``.
  public var verbosity: Verbosity
  /// Whether the run goes on where an earlier one was broken off: files of that one are added to. What a callback remembers comes back after
  /// `onTrainBegin` (``StatefulCallback``).
  public var isResumed = false

  /// Parameters of a run.
  public init(
    epochs: Int = 1, steps: Int? = nil, samples: Int? = nil, batchSize: Int? = nil,
    hasValidation: Bool = false, verbosity: Verbosity = .auto
  ) {
    self.epochs = epochs
    self.steps = steps
    self.samples = samples
    self.batchSize = batchSize
    self.hasValidation = hasValidation
    self.verbosity = verbosity
  }
}

/// What is printed about a run, by rank 0.
public enum Verbosity: String, Hashable, Sendable, CaseIterable, Codable {
  /// A bar on a terminal, lines elsewhere.
  case auto
  /// Nothing is printed.
  case silent
  /// A bar that is drawn again in place after every few steps; lines where the output is no
  /// terminal.
  case bar
  /// One line an epoch.
  case line
}
