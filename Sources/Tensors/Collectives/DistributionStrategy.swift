import Foundation
import Synchronization

/// How a loss is scaled when a batch is split over ranks, whose gradients are summed.
public enum LossScaling: String, Sendable, Hashable, CaseIterable, Codable {
  /// Each rank's mean times 1/ranks, as Keras does. Equal to one process on the whole batch when the
  /// shares are equal.
  case replicas
  /// Each rank's samples are weighted by the size of the whole batch: exact for unequal shares too.
  case globalBatch
}

/// How a training is spread over ranks: the communicator between them and the rules of training.
public protocol DistributionStrategy: AnyObject, Sendable {
  /// What joins the ranks.
  var communicator: any Communicator { get }

  /// How losses are scaled before gradients are summed.
  var lossScaling: LossScaling { get }

  /// How gradients are added over ranks; nil, unless given, for ``BucketedAllReduce``.
  var gradientReduction: (any GradientReduction)? { get }
}

extension DistributionStrategy {
  /// nil: gradients are added in buckets of the usual sizes.
  public var gradientReduction: (any GradientReduction)? { nil }

  /// How many copies of the model train together: the number of ranks.
  public var replicaCount: Int { communicator.size }

  /// Whether this rank is the one that prints and writes files.
  public var isChief: Bool { communicator.rank == 0 }
}

/// The strategy of the running code, as a task-local value: ranks that are threads of one process do
/// not see each other's.
public enum DistributionContext {
  /// The strategy in force; one process unless `withStrategy` of Dist says otherwise.
  @TaskLocal public static var strategy: any DistributionStrategy = SingleProcess.shared

  /// The strategy in force when it was chosen for one process, as ``alone(_:)`` and ``onChief(_:)`` do; nil otherwise.
  package static var chosenAlone: (any DistributionStrategy)? {
    if strategy is ChiefStrategy { return strategy }
    guard let single = strategy as? SingleProcess, single !== SingleProcess.shared else {
      return nil
    }
    return single
  }

  /// Throws when this process is one of several of a launcher that nothing has joined: each would train a copy of its own.
  ///
  /// - Throws: ``EngineError/distribution(message:)``.
  package static func refuseUnjoinedRanks(_ strategy: any DistributionStrategy) throws {
    guard strategy === SingleProcess.shared, chosenAlone == nil, Launch.unjoinedRank != nil,
      let launch = Launch.current
    else { return }
    throw EngineError.distribution(
      message: "\(launch.launcher) started \(launch.size ?? 0) ranks, but this model was made "
        + "outside withStrategy(.mpi): each rank would train a copy of its own and overwrite the "
        + "others' files. Make and train the model inside `try withStrategy(.mpi) { ... }`; where "
        + "every rank is meant to train alone, inside `try alone { ... }`")
  }
}
