import Dist
import Engine

/// The ranks of the job that `bench scaling` runs in, which it compares with what it predicts.
struct ScalingJob {
  private let strategy = DistributionContext.strategy

  var size: Int { strategy.communicator.size }
  var isChief: Bool { strategy.isChief }
  /// Of this node.
  var ranksPerNode: Int { (strategy as? MPIStrategy)?.session.localSize ?? size }

  /// Collective.
  func measureCosts() throws -> ClusterCosts {
    try TransportProbe.measure(
      ClusterCosts(), over: strategy.communicator,
      RankLayout(ranks: size, ranksPerNode: ranksPerNode))
  }

  /// Seconds of a step among many in a row, of `rows` samples on each rank: the median of blocks. Collective.
  func measureStep(_ network: ScalingNetwork, rows: Int) throws -> Double {
    let batch = rows * size
    let data = network.makeData(rows: network.batches * batch)
    return try withErrors {
      let model = network.makeModel()
      func fit(_ epochs: Int) throws {
        try model.fit(x: data.x, y: data.y, batchSize: batch, epochs: epochs, verbose: .silent)
      }
      try fit(1)
      var epoch = try Times.measure(samples: 1) { try fit(1) }.median
      // All ranks take as many steps.
      try strategy.communicator.allReduce(&epoch, count: 1, dtype: .float64, operation: .max)
      let epochs = max(1, min(100, Int(0.3 / epoch)))
      let times = try Times.measure(samples: 7) { try fit(epochs) }
      return times.median / Double(epochs * network.batches)
    }
  }
}
