import Tensors

/// What callbacks see and steer of the model that is being trained.
public protocol TrainingControl: AnyObject {
  /// Set to true to end training: in one process after the current step. Under several ranks all end at one step: after
  /// the next step of the epoch when any rank has set it in or after a step, and after the epoch when it was set at the
  /// end of one.
  var stopTraining: Bool { get set }

  /// The optimizer's learning rate; every rank must set the same. It cannot be set under a schedule.
  var learningRate: Double { get set }

  /// The name of the schedule that the learning rate follows; nil when it can be set.
  var learningRateSchedule: String? { get }

  /// What changes the parameters; nil without one, and unless given.
  var optimizer: Optimizer? { get }

  /// Whether this rank prints and writes files.
  var isChief: Bool { get }

  /// What joins this rank with the others.
  var communicator: any Communicator { get }

  /// The values of all variables of the module, to go back to; what the optimizer remembers is not among them.
  func weightsSnapshot() throws -> WeightsSnapshot

  /// Goes back to the values of a snapshot. Throws ``EngineError/model(message:)`` when it has another number of
  /// variables.
  func restore(_ snapshot: WeightsSnapshot) throws

  /// Writes the weights to a file on rank 0; does nothing on the others. Throws ``EngineError/file(path:message:)``
  /// when that fails.
  func saveWeights(to path: String) throws

  /// Saves the whole state of the training, when all callbacks of this moment have run. Collective: every rank must call it. Throws an error of the
  /// kind `model` unless given.
  func saveState(to folder: String, keepLast: Int) throws

  /// Gives every rank the same running statistics. Collective: every rank must call it. Throws what the communicator
  /// throws.
  func synchronizeStatistics() throws

  /// Makes sure that all ranks hold the same weights; does nothing unless given.
  ///
  /// - Throws: an error that names the first weight that differs, the same on every rank.
  func compareWeights() throws
}

extension TrainingControl {
  /// Throws: for what has no state to save.
  public func saveState(to folder: String, keepLast: Int) throws {
    throw EngineError.model(
      message: "\(type(of: self)) has no state that could be saved to \(folder)")
  }

  /// Does nothing and throws nothing: for models without running statistics.
  public func synchronizeStatistics() throws {}

  /// Compares nothing and throws nothing: for models that one process has.
  public func compareWeights() throws {}
}

extension TrainingControl {
  /// nil: for what has no optimizer.
  public var optimizer: Optimizer? { nil }
}

extension TrainingControl {
  /// nil: for models whose learning rate can be set.
  public var learningRateSchedule: String? { nil }
}

/// The values of the variables of a model's module at one moment.
public struct WeightsSnapshot: Sendable {
  /// One tensor a variable, in the model's order.
  package let tensors: [Tensor]

  /// A snapshot of `tensors`.
  package init(tensors: [Tensor]) { self.tensors = tensors }
}
