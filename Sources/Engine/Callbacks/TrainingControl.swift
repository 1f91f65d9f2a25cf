/// What callbacks see and steer of the model that is being trained.
public protocol TrainingControl: AnyObject {
  /// Set to true to end training after the current step; every rank must set it at the same step.
  var stopTraining: Bool { get set }

  /// The optimizer's learning rate; every rank must set the same.
  var learningRate: Double { get set }

  /// Whether this rank prints and writes files.
  var isChief: Bool { get }

  /// What joins this rank with the others.
  var communicator: any Communicator { get }

  /// The values of all variables, to go back to.
  func weightsSnapshot() throws -> WeightsSnapshot

  /// Goes back to the values of a snapshot.
  func restore(_ snapshot: WeightsSnapshot) throws

  /// Writes the weights to a file on rank 0; does nothing on the others.
  func saveWeights(to path: String) throws

  /// Gives every rank the same running statistics. Collective: every rank must call it.
  func synchronizeStatistics() throws
}

extension TrainingControl {
  /// Nothing: for models without running statistics.
  public func synchronizeStatistics() throws {}
}

/// The values of a model's variables at one moment.
public struct WeightsSnapshot: Sendable {
  /// One tensor a variable, in the model's order.
  package let tensors: [Tensor]

  /// A snapshot of `tensors`.
  package init(tensors: [Tensor]) { self.tensors = tensors }
}
