import Engine
import TestSupport
import Testing

@Suite("Metrics agree with Keras and keep one contract")
struct MetricTests {
  /// Read once, for hundreds of cases.
  private static let data = Result { try Fixture.load("metrics", from: .module)["data"] }

  static func updates(_ example: FixtureCase) throws -> [JSONValue] {
    try data.get()[try example["data"].string()].elements()
  }

  @Test(
    "Results after each of three updates, the last one short",
    arguments: try MetricTable.cases("metrics"))
  func parity(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    let weighted = try example["weighted"].bool()
    for (update, expected) in zip(try Self.updates(example), try example["results"].elements()) {
      try withErrors {
        try metric.update(context: try MetricTable.context(update, weighted: weighted))
      }
      expectClose(metric.value(), try expected.tensor(.float64), atol: 2e-6, rtol: 1e-5)
    }
  }

  @Test(
    "Examples of Keras's documentation",
    arguments: try MetricTable.cases("published").filter { try $0["kind"].string() == "metric" })
  func published(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    for update in try example["updates"].elements() {
      try withErrors {
        try metric.update(context: try MetricTable.context(update, weighted: true))
      }
    }
    expectClose(metric.value(), try example["expected"].tensor(.float64))
  }

  @Test("Every case of a metric in the fixtures has a row")
  func complete() throws {
    for example in try Fixture.load("metrics", from: .module).cases
      + Fixture.load("published", from: .module).cases
    where try example.optional("kind")?.string() != "loss" {
      #expect(MetricTable.rows[example.className ?? ""] != nil, "\(example.name)")
    }
  }

  @Test(
    "Before any update and after reset the result is 0",
    arguments: try MetricTable.cases("metrics"))
  func empty(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    #expect(metric.numbers().allSatisfy { $0 == 0 })
    let update = try Self.updates(example)[0]
    try withErrors {
      try metric.update(context: try MetricTable.context(update, weighted: true))
    }
    let once = metric.numbers()
    metric.reset()
    #expect(metric.numbers().allSatisfy { $0 == 0 })
    try withErrors {
      try metric.update(context: try MetricTable.context(update, weighted: true))
    }
    #expect(metric.numbers() == once)
  }

  @Test("A batch without rows changes nothing", arguments: try MetricTable.cases("metrics"))
  func noRows(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    var context = try MetricTable.context(try Self.updates(example)[0], weighted: true)
    try withErrors { try metric.update(context: context) }
    let before = metric.numbers()
    context.yPred = context.yPred?.map { $0[0..<0] }
    context.yTrue = context.yTrue?.map { $0[0..<0] }
    context.sampleWeight = context.sampleWeight?.map { $0[0..<0] }
    try withErrors { try metric.update(context: context) }
    #expect(metric.numbers() == before)
  }

  @Test("States are float64 and added over ranks", arguments: try MetricTable.cases("metrics"))
  func states(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    let update = try Self.updates(example)[0]
    try withErrors {
      try metric.update(context: try MetricTable.context(update, weighted: true))
    }
    #expect(!metric.stateVariables.isEmpty)
    for variable in metric.stateVariables {
      #expect(variable.dtype == .float64)
      #expect(variable.kind == .metricState)
      if case .sum = variable.combine {} else { Issue.record("\(variable.path) is not summed") }
    }
  }

  @Test("Counts stay exact where float32 would stop")
  func exactCounts() throws {
    let metric = Accuracy()
    metric.total.value = Tensor(16_777_216.0, dtype: .float64)
    metric.count.value = Tensor(16_777_216.0, dtype: .float64)
    try metric(yTrue: Tensor([1, 2]), yPred: Tensor([1, 3]))
    #expect(metric.count.value.item() == 16_777_218)
    #expect(metric.total.value.item() == 16_777_217)
  }

  @Test("Weights of 0 alone give 0, not NaN")
  func zeroWeights() throws {
    let value = try Metrics.MeanSquaredError()(
      yTrue: Tensor([[1.0]]), yPred: Tensor([[3.0]]), sampleWeight: Tensor([0.0]))
    #expect(value.item() == 0)
  }

  @Test("Names come from the type or from the user, and parts are chosen with on")
  func options() throws {
    #expect(SparseCategoricalAccuracy().name == "sparse_categorical_accuracy")
    #expect(Metrics.MeanSquaredError().name == "mean_squared_error")
    #expect(Metrics.Sum(name: "total").name == "total")
    let labels = ["a": Tensor([1, 2]), "b": Tensor([0, 0])]
    let predictions = ["a": Tensor([1, 0]), "b": Tensor([0, 0])]
    #expect(try Accuracy(on: "a")(yTrue: labels, yPred: predictions).item() == 0.5)
    #expect(try Accuracy(on: "b")(yTrue: labels, yPred: predictions).item() == 1)
  }

  @Test("A function of values named by key paths is a metric")
  func custom() throws {
    let metric = CustomMetric("mae", \.yTrue, \.yPred) { yTrue, yPred in
      mean(abs(yTrue - yPred), axis: -1)
    }
    #expect(metric.name == "mae")
    try metric(yTrue: Tensor([[1.0], [2]]), yPred: Tensor([[0.0], [0]]))
    let value = try metric(
      yTrue: Tensor([[5.0]]), yPred: Tensor([[0.0]]), sampleWeight: Tensor([2.0]))
    #expect(value.item() == 13.0 / 4)
    #expect(try Mean(of: \.x)(x: Tensor([1.0, 2])).item() == 1.5)
  }

  @Test("A label that is no class is an error that names it")
  func labelOutOfRange() {
    expectError("number 3 at position 0 does not exist") {
      try SparseCategoricalAccuracy()(yTrue: Tensor([3]), yPred: Tensor([[0.0, 1, 0]]))
    }
  }
}
