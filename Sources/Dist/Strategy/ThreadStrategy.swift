import Engine

/// Training spread over threads of one process, each of them a rank with a model of its own.
public final class ThreadStrategy: DistributionStrategy {
  /// The threads.
  public let communicator: any Communicator

  /// How losses are scaled before gradients are summed.
  public let lossScaling: LossScaling

  /// How large the messages are in which gradients are summed.
  public let bucketLimits: BucketLimits

  /// The strategy of one rank.
  public init(
    communicator: ThreadCommunicator, lossScaling: LossScaling = .replicas,
    bucketLimits: BucketLimits = .standard
  ) {
    self.communicator = communicator
    self.lossScaling = lossScaling
    self.bucketLimits = bucketLimits
  }
}
