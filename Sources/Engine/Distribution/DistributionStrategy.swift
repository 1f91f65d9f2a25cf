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

  /// How large the messages are in which gradients are summed; ``BucketLimits/standard`` unless given.
  var bucketLimits: BucketLimits { get }
}

extension DistributionStrategy {
  /// ``BucketLimits/standard``
  public var bucketLimits: BucketLimits { .standard }

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
}
