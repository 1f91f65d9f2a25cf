import Engine

/// Every kind of metric is bit by bit what one process logs, of shares of any size, some of them empty: counts of numbers of few
/// bits, whose sums are exact.
func checkMetrics() throws {
  for (rows, batch) in [(11, 4), (7, 7), (2, 2), (3, 1)] {
    var random = SeededGenerator(seed: UInt64(rows))
    func whole(_ shape: Shape, below bound: Int) -> Tensor {
      let count = shape.elementCount
      return Tensor(
        (0..<count).map { _ in Int.random(in: 0..<bound, using: &random) }, shape: shape)
    }
    let predictions = whole([rows, 4], below: 17).cast(to: .float32) / 16
    let weights = whole([rows], below: 5).cast(to: .float32) / 4
    for (labels, metrics) in [
      (whole([rows, 4], below: 2), ofEachClass), (whole([rows], below: 4), ofClassNumbers),
    ] {
      func evaluate() throws -> Logs {
        try Model(
          module: Identity(), metrics: MetricTree(metrics()), weightedMetrics: MetricTree(metrics())
        ).evaluate(
          x: predictions, y: labels, batchSize: batch, sampleWeight: weights)
      }
      let expected = try alone { try evaluate() }
      let found = try evaluate()
      try requireEqual(Array(found.keys), Array(expected.keys), "names of metrics")
      for (name, value) in expected {
        let own = found[name] ?? .nan
        try require(
          own.bitPattern == value.bitPattern,
          "\(name) of \(rows) samples in batches of \(batch) is \(own), one process says \(value)")
      }
    }
  }
}

private func ofEachClass() -> [AnyMetric] {
  [
    Mean(), Metrics.Sum(), RootMeanSquaredError(), BinaryAccuracy(), CategoricalAccuracy(),
    TopKCategoricalAccuracy(k: 2), Metrics.MeanSquaredError(),
    Metrics.BinaryCrossentropy(fromLogits: true), TruePositives(thresholds: [0.25, 0.75]),
    Precision(topK: 2), Recall(thresholds: [0, 0.5, 1]), F1Score(),
    FBetaScore(average: .weighted, beta: 2, threshold: 0.5), AUC(),
    AUC(curve: .pr, multiLabel: true), AUC(curve: .prGain, thresholds: [0.3, 0.6]),
    SensitivityAtSpecificity(0.5), PrecisionAtRecall(0.5), R2Score(classAggregation: nil),
    PearsonCorrelation(), ConcordanceCorrelation(), BinaryIoU(),
  ]
}

private func ofClassNumbers() -> [AnyMetric] {
  [
    SparseCategoricalAccuracy(), SparseTopKCategoricalAccuracy(k: 2),
    ConfusionMatrix(numClasses: 4), MeanIoU(numClasses: 4, sparseYPred: false),
    Metrics.SparseCategoricalCrossentropy(fromLogits: true),
  ]
}
