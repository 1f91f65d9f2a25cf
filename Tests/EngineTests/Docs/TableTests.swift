import Engine
import TestSupport
import Testing

/// Whatever the library offers of a family has a row in the table of the family's contract: a new file without a row
/// fails here.
@Suite("Tables of contracts are complete", .seeded)
struct TableTests {
  @Test func losses() throws {
    // Made of a function and of a module, and of three outputs: OwnLossTests, RegularizerTests, TripletTests.
    let others: Set = ["CustomLoss", "RegularizationLoss", "TripletMargin"]
    try expectRows(
      LossTable.rows.keys, others,
      for: SourceTypes(in: "Engine/Losses").heirs(of: "Loss"))
  }

  @Test func metrics() throws {
    // Made of a function, and what others are made of: OwnLossTests, MetricsGuide.
    let others: Set = [
      "CustomMetric", "MeanMetric", "SmoothedCrossentropy", "ThresholdMetric", "ThresholdCount",
      "ThresholdShare", "ThresholdSearch", "ClassPairs",
    ]
    try expectRows(
      MetricTable.rows.keys, others, for: SourceTypes(in: "Engine/Metrics").heirs(of: "AnyMetric"))
  }

  @Test func optimizers() throws {
    try expectRows(
      OptimizerTable.rows.keys, [], for: SourceTypes(in: "Engine/Optimizers").heirs(of: "Optimizer")
    )
  }

  @Test func schedules() throws {
    try expectRows(
      ScheduleTable.rows.keys, [],
      for: SourceTypes(in: "Engine/Schedules").heirs(of: "LearningRateSchedule"))
  }

  @Test func layers() throws {
    let others: Set = [
      // What others are made of, named Base... where they are that only.
      "Merge", "RNN", "SpatialDropout", "GRUCell", "LSTMCell", "SimpleRNNCell",
      // Every call changes it: ExponentialMovingAverageTests.
      "ExponentialMovingAverage",
    ]
    let types = try SourceTypes(in: "Engine/Layers").heirs(of: "AnyModule", "Module")
    try expectRows(
      LayerTests.rows.map { contractTypeName($0.make()) }, others,
      for: types.filter { !$0.hasPrefix("Base") })
  }

  @Test func callbacks() throws {
    let types = try ["Engine/Callbacks", "Monitoring"].map {
      try SourceTypes(in: $0).heirs(of: "Callback")
    }
    try expectRows(CallbackCheck.all.map(\.description), [], for: types[0].union(types[1]))
  }
}
