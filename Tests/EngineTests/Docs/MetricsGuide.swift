import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about metrics and masks.
@Suite("docs/modules.md: metrics", .seeded)
struct MetricsGuide {
  private let x = randomUniform([8, 3], key: RandomKey(seed: 1))
  private let y = randomUniform([8, 1], key: RandomKey(seed: 2))

  // snippet: accuracy
  final class Accuracy: Metric {
    struct Inputs: Decodable { let yTrue, yPred: Tensor }
    func update(_ i: Inputs) {
      let (total, count) = (state("total"), state("count"))
      total.value = total.value + sum((i.yTrue .== i.yPred).cast(to: .float64))
      count.value = count.value + Double(i.yTrue.elementCount)
    }

    func result() -> Tensor { state("total").value / state("count").value }
  }
  // end

  @Test("A metric with states")
  func accuracy() throws {
    // snippet: accuracy-use
    let accuracy = Accuracy()
    try accuracy(yTrue: Tensor([1, 2, 3]), yPred: Tensor([1, 2, 0]))  // 0.667
    try accuracy(yTrue: Tensor([1]), yPred: Tensor([1]))  // 0.75
    accuracy.reset()
    // end
    #expect(try accuracy(yTrue: Tensor([1, 2]), yPred: Tensor([1, 0])).item() == 0.5)
    #expect(try accuracy(yTrue: Tensor([1, 2]), yPred: Tensor([1, 2])).item() == 0.75)
    let history = try Model(
      module: Lambda { $0 }, metrics: ["a": Accuracy()]
    ).evaluate(x: x, y: x)
    #expect(history["a/accuracy"] == 1)
  }

  @Test("Several numbers, merged and logged")
  func several() throws {
    let (x, y) = (Tensor([[0.9], [0.5], [0.6]]), Tensor([[1], [0], [1]]))
    // snippet: merged
    let metric = Precision(thresholds: [0.25, 0.75])
    try metric(yTrue: Tensor([[1], [0]]), yPred: Tensor([[0.9], [0.5]]))  // [0.5, 1]
    let other = Precision(thresholds: [0.25, 0.75])
    try other(yTrue: Tensor([[1], [0]]), yPred: Tensor([[0.3], [0.8]]))
    try metric.merge(other)
    let values = metric.result()  // [0.5, 0.5]
    let history = try Model(
      module: Identity(), metrics: [metric, F1Score(average: .macro, threshold: 0.5)]
    ).evaluate(x: x, y: y)
    // end
    // output: merged-names
    #expect(
      history.keys.joined(separator: ", ") == """
        loss, precision/0, precision/1, f1_score
        """)
    // end
    expectClose(values, [0.5, 0.5])
    expectClose(other.result(), [0.5, 0])
    expectClose(Array(history.values), [0, 2.0 / 3, 1, 1])
  }

  @Test("Metrics with and without weights")
  func weighted() throws {
    // snippet: weighted
    let distance = { CustomMetric("distance", \.yTrue, \.yPred) { abs($0 - $1) } }
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(),
      metrics: [Metrics.MeanAbsoluteError()],
      weightedMetrics: [Metrics.MeanAbsoluteError(), distance()],
      optimizer: SGD(learningRate: 0))
    let history = try model.fit(
      x: x, y: y, verbose: .silent,
      sampleWeight: Tensor([1, 1, 1, 1, 0, 0, 0, 0], dtype: .float32))
    // end
    // output: weighted-names
    #expect(
      history.history.keys.joined(separator: ", ") == """
        loss, mean_absolute_error, weighted_mean_absolute_error, distance
        """)
    // end
    let error = abs(y - (try model.predict(x: x) as Tensor))
    expectClose(history["mean_absolute_error"], [mean(error).item()])
    let seen = mean(error[0..<4]).item()
    expectClose(history["weighted_mean_absolute_error"], [seen])
    expectClose(history["distance"], [seen])
  }

  @Test("Masks")
  func masks() throws {
    // snippet: masks
    let tokens = Tensor([[3, 1, 0, 0], [2, 2, 1, 0]])
    let tags = Tensor([[1, 0, 0, 0], [2, 1, 0, 0]])
    let model = Model(
      module: Sequential(
        Embedding(inputs: 4, outputs: 8, maskZero: true), GRU(8, returnSequences: true),
        TimeDistributed(Linear(3))),
      loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: SGD(learningRate: 0))
    let history = try model.fit(x: tokens, y: tags, verbose: .silent)  // 5 steps count, not 8
    // end
    let logits: Tensor = try model.predict(x: tokens)
    let counts = [0, 1, 4, 5, 6]
    let right = counts.filter {
      argmax(logits, axis: -1).scalars(as: Int.self)[$0] == tags.scalars(as: Int.self)[$0]
    }
    expectClose(history["accuracy"], [Double(right.count) / 5])
  }
}
