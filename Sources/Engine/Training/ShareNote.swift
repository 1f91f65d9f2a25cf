import Logging
import Tensors

/// Says once, on rank 0, that ``LossScaling/replicas`` trains to other weights than one process does, and what does not.
package struct ShareNote {
  private let logger: Logger
  private var isMade = false

  package init(logger: Logger = Logger(label: "apus.ranks")) { self.logger = logger }

  fileprivate mutating func make(_ finding: @autoclosure () -> String) {
    guard !isMade else { return }
    isMade = true
    logger.notice(
      """
      \(finding()): with lossScaling: .replicas, as in Keras, every rank's mean counts alike, and not every sample. \
      withStrategy(..., lossScaling: .globalBatch) trains to the weights of one process
      """)
  }
}

extension Model {
  private var hasKerasScaling: Bool {
    strategy.replicaCount > 1 && strategy.lossScaling == .replicas && isChief
  }

  /// Before a step on a batch of `globalRows` rows over all ranks.
  func noteUnevenShares(_ mode: StepMode, globalRows: Int) {
    let ranks = strategy.replicaCount
    guard mode == .train, hasKerasScaling, globalRows % ranks != 0 else { return }
    let shares = Sharding.counts(of: globalRows, size: ranks)
    shareNote.make(
      "\(ranks) ranks have shares of \(shares[0]) and \(shares[ranks - 1]) samples of a batch of \(globalRows)"
    )
  }

  /// Where a loss is a mean over the steps of a mask, of which each rank has its own number.
  func noteMaskedMean(isTraining: Bool) {
    guard isTraining, hasKerasScaling else { return }
    shareNote.make(
      "a loss is a mean over the steps of a mask, of which ranks can have different numbers")
  }
}
