import Engine

// snippet: metric
/// The share of predictions that are no further than `tolerance` from their label.
final class Within: MeanMetric, MetricProtocol {
  let tolerance: Double

  init(_ tolerance: Double, name: String? = nil) {
    self.tolerance = tolerance
    super.init(name: name)
  }

  func update(_ inputs: WeightedPredictions) {
    let isWithin = abs(inputs.yPred - inputs.yTrue) .<= tolerance
    add(isWithin, sampleWeight: inputs.sampleWeight)
  }
}
// end
