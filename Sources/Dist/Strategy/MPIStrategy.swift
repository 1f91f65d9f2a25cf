import Tensors

/// Training spread over the processes of an MPI job.
public final class MPIStrategy: DistributionStrategy {
  /// The ranks of the job.
  public var communicator: any Communicator { session.communicator }

  /// How losses are scaled before gradients are summed.
  public let lossScaling: LossScaling

  /// How gradients are added over ranks.
  public let gradientReduction: (any GradientReduction)?

  /// MPI in this process.
  public let session: MPISession

  /// A strategy over the ranks of a session.
  public init(
    session: MPISession, lossScaling: LossScaling = .replicas,
    gradientReduction: any GradientReduction = BucketedAllReduce()
  ) {
    self.session = session
    self.lossScaling = lossScaling
    self.gradientReduction = gradientReduction
  }
}
