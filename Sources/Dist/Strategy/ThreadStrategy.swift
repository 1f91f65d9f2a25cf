import Tensors

/// Training spread over threads of one process, each of them a rank with a model of its own.
public final class ThreadStrategy: DistributionStrategy {
  /// What joins the threads of this process.
  public let communicator: any Communicator

  /// How losses are scaled before gradients are summed.
  public let lossScaling: LossScaling

  /// How gradients are added over ranks.
  public let gradientReduction: (any GradientReduction)?

  /// The strategy of one rank.
  public init(
    communicator: ThreadCommunicator, lossScaling: LossScaling = .replicas,
    gradientReduction: any GradientReduction = BucketedAllReduce()
  ) {
    self.communicator = communicator
    self.lossScaling = lossScaling
    self.gradientReduction = gradientReduction
  }
}
