import Engine
import TestSupport
import Testing

@Suite("Metrics at their edges")
struct MetricEdgeTests {
  @Test("Weights of 0 alone give 0", arguments: try MetricShareTests.cases())
  func noWeight(_ example: FixtureCase) throws {
    let metric = try MetricTable.make(example)
    for update in try MetricTests.updates(example).prefix(2) {
      var context = try MetricTable.context(update, weighted: true)
      context.sampleWeight = context.sampleWeight?.map { $0 * 0 }
      try withErrors { try metric.update(context: context) }
    }
    #expect(metric.numbers().allSatisfy { $0 == 0 })
  }

  @Test("A prediction that is NaN is no positive one, and above no threshold")
  func notANumber() throws {
    let labels = Tensor([[1.0], [1], [0], [0]])
    let predictions = Tensor([[Float.nan], [0.9], [.nan], [0.1]])
    #expect(try Recall()(yTrue: labels, yPred: predictions).item() == 0.5)
    #expect(try FalsePositives()(yTrue: labels, yPred: predictions).item() == 0)
    let even = try TruePositives(thresholds: [0, 0.5, 1])(yTrue: labels, yPred: predictions)
    expectClose(even, [1, 1, 0])
    let area = try AUC()(yTrue: labels, yPred: predictions)
    // From (½, ½), where NaN is left, over (0, ½): the step from (1, 1) is missing.
    expectClose(area.item(), 0.25)
    #expect(try BinaryIoU()(yTrue: labels, yPred: predictions).item() == (0.5 + 2.0 / 3) / 2)
    let f1 = try F1Score()(yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[0.5, Float.nan]]))
    expectClose(f1, [0, 0])
    let top = try SparseTopKCategoricalAccuracy(k: 2)(
      yTrue: Tensor([0, 1]), yPred: Tensor([[Float.nan, 1, 2], [.nan, 1, 2]]))
    #expect(top.item() == 0.5)
  }

  @Test("The area under the ROC curve is the share of pairs in the right order")
  func pairs() throws {
    var random = SeededGenerator(seed: 3)
    let count = 300
    // In the middle between thresholds: what is equal lies between the same two, and counts half.
    let places = (0..<count).map { _ in Int.random(in: 0..<199, using: &random) }
    let labels = places.map { Int.random(in: 0..<199, using: &random) < $0 ? 1 : 0 }
    var (right, all) = (0.0, 0.0)
    for (place, label) in zip(places, labels) where label == 1 {
      for (other, otherLabel) in zip(places, labels) where otherLabel == 0 {
        right += place > other ? 1 : place == other ? 0.5 : 0
        all += 1
      }
    }
    let predictions = Tensor(places.map { (Double($0) + 0.5) / 199 }, dtype: .float64)
    expectClose(
      try AUC()(yTrue: Tensor(labels), yPred: predictions).item(), right / all, atol: 1e-12)
  }

  @Test("Labels that do not vary have the score 1 for what is right, else 0")
  func constantLabels() throws {
    let labels = Tensor([[0.1], [0.1], [0.1]])
    #expect(try R2Score()(yTrue: labels, yPred: labels).item() == 1)
    #expect(try R2Score()(yTrue: labels, yPred: labels + 1).item() == 0)
    #expect(
      try PearsonCorrelation()(yTrue: Tensor([[0.1, 0.1, 0.1]]), yPred: Tensor([[1.0, 2, 3]]))
        .item() == 0)
  }

  @Test("Scores along another axis")
  func axis() throws {
    let labels = Tensor([0, 1, 2, 2, 1, 0, 0, 1]).reshape([2, 4])
    var random = SeededGenerator(seed: 1)
    let scores = random.uniform([2, 4, 3])
    let last = try MeanIoU(numClasses: 3, sparseYPred: false)(yTrue: labels, yPred: scores)
    let first = try MeanIoU(numClasses: 3, sparseYPred: false, axis: 1)(
      yTrue: labels, yPred: transpose(scores, [0, 2, 1]))
    #expect(last.item() == first.item())
  }

  @Test("Classes of a cross-entropy along another axis, and a label that does not count")
  func crossentropy() throws {
    var random = SeededGenerator(seed: 4)
    let logits = random.uniform([3, 2, 4])
    let labels = Tensor([[0, 3], [255, 1], [2, 255]])
    let counted = Tensor([0, 3, 1, 2])
    let rows = take(logits.reshape([6, 4]), Tensor([0, 1, 3, 4]))
    let expected = try Metrics.SparseCategoricalCrossentropy(fromLogits: true)(
      yTrue: counted, yPred: rows)
    let first = try Metrics.SparseCategoricalCrossentropy(
      fromLogits: true, ignoreClass: 255, axis: 1)(
        yTrue: labels, yPred: transpose(logits, [0, 2, 1]))
    expectClose(first.item(), expected.item(), rtol: 1e-12)
    // The second sample weighs nothing, and of the third only the first step counts.
    let weighted = try Metrics.SparseCategoricalCrossentropy(fromLogits: true, ignoreClass: 255)(
      yTrue: labels, yPred: logits, sampleWeight: Tensor([1.0, 0, 2]))
    let some = try Metrics.SparseCategoricalCrossentropy(fromLogits: true)(
      yTrue: counted, yPred: rows, sampleWeight: Tensor([1.0, 1, 0, 2]))
    expectClose(weighted.item(), some.item(), rtol: 1e-12)
    let marks = oneHot(counted, depth: 4).reshape([2, 2, 4])
    let scores = rows.reshape([2, 2, 4])
    let last = try Metrics.CategoricalCrossentropy(fromLogits: true)(yTrue: marks, yPred: scores)
    let middle = try Metrics.CategoricalCrossentropy(fromLogits: true, axis: 1)(
      yTrue: transpose(marks, [0, 2, 1]), yPred: transpose(scores, [0, 2, 1]))
    expectClose(middle.item(), last.item(), rtol: 1e-12)
    expectClose(last.item(), expected.item(), rtol: 1e-6)
  }

  @Test("A confusion matrix counts labels in rows and predictions in columns")
  func confusionMatrix() throws {
    let labels = Tensor([0, 0, 0, 1, 2, 2])
    let predictions = Tensor([0, 0, 2, 1, 1, 255])
    let weights = Tensor([1.0, 1, 1, 1, 0.5, 1])
    func matrix(_ normalization: ConfusionMatrix.Normalization?) throws -> Tensor {
      let metric = ConfusionMatrix(
        numClasses: 3, normalization: normalization, sparseYPred: true)
      return try metric(
        yTrue: labels[0..<5], yPred: predictions[0..<5], sampleWeight: weights[0..<5])
    }
    let counts: [Double] = [2, 0, 1, 0, 1, 0, 0, 0.5, 0]
    #expect(try matrix(nil).shape == [3, 3])
    expectClose(try matrix(nil), counts)
    expectClose(try matrix(.all), counts.map { $0 / 4.5 })
    let third = 1.0 / 3
    expectClose(try matrix(.labels), [2 * third, 0, third, 0, 1, 0, 0, 1, 0])
    expectClose(try matrix(.predictions), [1, 0, 1, 0, 2 * third, 0, 0, third, 0])
    expectError("number 255 at position 5 does not exist") {
      try ConfusionMatrix(numClasses: 3, sparseYPred: true)(yTrue: labels, yPred: predictions)
    }
    let ignoring = ConfusionMatrix(numClasses: 3, ignoreClass: 2, sparseYPred: true)
    expectClose(
      try ignoring(yTrue: labels, yPred: predictions),
      Tensor([[2.0, 0, 1], [0, 1, 0], [0, 0, 0]]))
  }

  @Test("Functions give one value a sample")
  func functions() {
    let scores = Tensor([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
    expectClose(sparseCategoricalAccuracy(Tensor([1, 2]), scores), [1, 0])
    expectClose(sparseTopKCategoricalAccuracy(Tensor([2, 2]), scores, k: 2), [1, 1])
    expectClose(sparseTopKCategoricalAccuracy(Tensor([2, 1]), scores, k: 2), [1, 0])
    let oneHot = Tensor([[0.0, 1, 0], [0, 1, 0]])
    expectClose(categoricalAccuracy(oneHot, scores), [1, 0])
    expectClose(topKCategoricalAccuracy(oneHot, scores, k: 2), [1, 0])
    expectClose(
      binaryAccuracy(Tensor([[1], [0]]), Tensor([[0.6], [0.5]]), threshold: 0.4), [1, 0])
    expectClose(
      sparseTopKCategoricalAccuracy(
        Tensor([2, 1]), Tensor([[1, 0, 2], [1, 2, 0]]), k: 2, fromSortedIds: true), [0, 1])
    // Twice the labels: fully correlated, and less so in concordance.
    let values = Tensor([[1.0, 2, 3]])
    expectClose(pearsonCorrelation(values, values * 2), [1])
    // Variances 2/3 and 8/3, covariance 4/3, means 2 apart.
    expectClose(concordanceCorrelation(values, values * 2), [8.0 / 22])
  }

  @Test("Called by themselves they give what Elegy's metrics give, and count on")
  func alone() throws {
    let ones = Tensor([1, 1, 1, 1])
    let accuracy = Accuracy()
    #expect(try accuracy(yTrue: ones, yPred: Tensor([0, 1, 1, 1])).item() == 0.75)
    #expect(try accuracy(yTrue: ones, yPred: Tensor([1, 0, 0, 0])).item() == 0.5)
    let classes = SparseCategoricalAccuracy()
    let rows = Tensor([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
    #expect(try classes(yTrue: Tensor([2, 1]), yPred: rows).item() == 0.5)
    #expect(try classes(yTrue: Tensor([1, 1]), yPred: rows).item() == 0.75)
    let (labels, predictions) = (Tensor([[0.0, 1], [0, 0]]), Tensor([[0.6, 0.4], [0.4, 0.6]]))
    let entropy = Metrics.BinaryCrossentropy()
    expectClose(try entropy(yTrue: labels, yPred: predictions).item(), 0.8149245)
    entropy.reset()
    let weighted = try entropy(
      yTrue: labels, yPred: predictions, sampleWeight: Tensor([1.0, 0]))
    expectClose(weighted.item(), 0.9162907)
    let distance = CustomMetric("distance", \.yTrue, \.yPred) { abs($0 - $1) }
    let numbers = Tensor([1.0, 2, 3])
    #expect(try distance(yTrue: numbers, yPred: numbers + 1).item() == 1)
    #expect(try distance(yTrue: numbers, yPred: numbers + 2).item() == 1.5)
    for (labels, predictions) in [([0, 1, 1, 1], [1, 0, 1, 1]), ([1, 1, 1, 1], [1, 1, 0, 0])] {
      let score = try F1Score(threshold: 0.5)(
        yTrue: Tensor(labels), yPred: Tensor(predictions))
      expectClose(score, [2.0 / 3])
    }
    #expect(try Precision()(yTrue: Tensor([0, 1, 1]), yPred: Tensor([1, 0, 1])).item() == 0.5)
  }

  @Test("Steps that a mask hides count in no pair, and above and below no threshold")
  func masks() throws {
    let x = Tensor([[[0.9, 0.1], [0.2, 0.8], [0, 0]], [[0.3, 0.7], [0, 0], [0, 0]]])
    func evaluate(_ y: Tensor, _ metrics: [AnyMetric]) throws -> Logs {
      try Model(module: Sequential(Masking(), Identity()), metrics: MetricTree(metrics))
        .evaluate(x: x, y: y)
    }
    let pairs = try evaluate(
      Tensor([[0, 0, 1], [1, 0, 0]]), [ConfusionMatrix(numClasses: 2)])
    let matrix = ["0/0", "0/1", "1/0", "1/1"].map { pairs["confusion_matrix/\($0)"] }
    #expect(matrix == [1, 1, 0, 1])
    let shares = try evaluate(
      Tensor([[[1, 0], [1, 0], [0, 1]], [[0, 1], [1, 1], [1, 1]]]), [Precision(), Recall()])
    expectClose(shares["precision"] ?? .nan, 2.0 / 3)
    expectClose(shares["recall"] ?? .nan, 2.0 / 3)
  }

  @Test("Each number of a result has a name in logs")
  func names() throws {
    let x = Tensor([[0.9, 0.2], [0.3, 0.6], [0.8, 0.1]])
    let y = Tensor([[1, 0], [1, 1], [0, 0]])
    let logs = try Model(
      module: Identity(),
      metrics: [
        "a": Precision(thresholds: [0.25, 0.5]), "b": F1Score(average: .macro), "c": F1Score(),
        "d": ConfusionMatrix(numClasses: 2, sparseYTrue: false),
      ]
    ).evaluate(x: x, y: y)
    let names = logs.keys.filter { $0 != "loss" }
    #expect(
      names == [
        "a/precision/0", "a/precision/1", "b/f1_score", "c/f1_score/0", "c/f1_score/1",
        "d/confusion_matrix/0/0", "d/confusion_matrix/0/1", "d/confusion_matrix/1/0",
        "d/confusion_matrix/1/1",
      ])
    expectClose(logs["a/precision/0"] ?? .nan, 3.0 / 4)
    expectClose(logs["a/precision/1"] ?? .nan, 2.0 / 3)
    expectClose(logs["c/f1_score/1"] ?? .nan, 1)
  }

  @Test("Names are those of Keras")
  func defaultNames() {
    #expect(AUC().name == "auc")
    #expect(F1Score().name == "f1_score")
    #expect(FBetaScore().name == "fbeta_score")
    #expect(R2Score().name == "r2_score")
    #expect(SensitivityAtSpecificity(0.5).name == "sensitivity_at_specificity")
    #expect(TopKCategoricalAccuracy().name == "top_k_categorical_accuracy")
    #expect(FalseNegatives().name == "false_negatives")
  }

  @Test("Arguments out of range are errors")
  func arguments() {
    expectError("thresholds") { _ = Precision(thresholds: [0.5, 1.5]) }
    expectError("thresholds") { _ = TruePositives(thresholds: []) }
    expectError("thresholds") { _ = AUC(thresholds: [-0.5]) }
    expectError("numThresholds") { _ = AUC(numThresholds: 1) }
    expectError("numLabels") { _ = AUC(numLabels: 3) }
    expectError("labelWeights") {
      _ = AUC(multiLabel: true, numLabels: 3, labelWeights: [1, 2])
    }
    expectError("labelWeights") {
      try AUC(labelWeights: [1, 2])(yTrue: Tensor([[1.0]]), yPred: Tensor([[1.0]]))
    }
    expectError("[batch, 3]") {
      try AUC(multiLabel: true, numLabels: 3)(yTrue: Tensor([[1.0]]), yPred: Tensor([[1.0]]))
    }
    expectError("specificity") { _ = SensitivityAtSpecificity(1.5) }
    expectError("numThresholds") { _ = PrecisionAtRecall(0.5, numThresholds: 0) }
    expectError("beta") { _ = FBetaScore(beta: 0) }
    expectError("threshold") { _ = F1Score(threshold: 0) }
    expectError("targetClassIds") { _ = IoU(numClasses: 2, targetClassIds: [2]) }
    expectError("numClasses") { _ = MeanIoU(numClasses: 0) }
    expectError("numRegressors") { _ = R2Score(numRegressors: -1) }
    expectError("k must be") { _ = TopKCategoricalAccuracy(k: 0) }
    expectError("k must be") {
      try Precision(topK: 3)(yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[1.0, 0]]))
    }
    expectError("classId") {
      try Recall(classId: 2)(yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[1.0, 0]]))
    }
    expectError("first") {
      try PearsonCorrelation(axis: 0)(yTrue: Tensor([[1.0]]), yPred: Tensor([[1.0]]))
    }
    expectError("do not have 3 classes") {
      try ConfusionMatrix(numClasses: 3)(yTrue: Tensor([1]), yPred: Tensor([[1.0, 0]]))
    }
    expectError("[batch, classes]") {
      try F1Score()(yTrue: Tensor([[[1.0]]]), yPred: Tensor([[[1.0]]]))
    }
    expectError("a state keeps its shape") {
      let metric = F1Score()
      try metric(yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[1.0, 0]]))
      try metric(yTrue: Tensor([[1.0]]), yPred: Tensor([[1.0]]))
    }
  }

  @Test("Only metrics of one kind and with the same settings are merged")
  func merging() throws {
    let (labels, predictions) = (Tensor([[1.0], [0]]), Tensor([[0.3], [0.7]]))
    let metric = FalsePositives(thresholds: [0.5])
    try metric(yTrue: labels, yPred: predictions)
    expectError("same kind") { try metric.merge(TruePositives(thresholds: [0.5])) }
    expectError("its thresholds is") { try metric.merge(FalsePositives(thresholds: [0.4])) }
    expectError("its on is") { try metric.merge(FalsePositives(thresholds: [0.5], on: "a")) }
    expectError("same kind") { try named("a").merge(named("b")) }
    expectError("its path is") { try Mean().merge(Mean(of: \.x)) }
    let other = F1Score()
    try other(yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[1.0, 0]]))
    let wide = F1Score()
    try wide(yTrue: Tensor([[1.0, 0, 0]]), yPred: Tensor([[1.0, 0, 0]]))
    expectError("states of the same shapes") { try other.merge(wide) }
    expectClose(other.result(), [1, 0])
    // The settings are what it was made with, whatever the name; and one that has seen nothing takes over what others have.
    let fresh = FalsePositives(thresholds: [0.5], name: "mine")
    try fresh.merge(metric, metric)
    #expect(fresh.result().item() == 2)
    #expect(metric.result().item() == 1)
    let score = F1Score()
    try score.merge([other])
    expectClose(score.result(), [1, 0])
  }

  private func named(_ name: String) -> CustomMetric {
    CustomMetric(name, \.yPred) { $0 }
  }

  @Test("States are merged as those of ranks are combined")
  func combinations() throws {
    let (first, second) = (States(), States())
    try first(yPred: Tensor([3]))
    try second(yPred: Tensor([5]))
    try first.merge(second)
    let found: [String: Double] = first.result().mapValues { $0.item() }
    #expect(found == ["sum": 8, "low": 3, "high": 5, "mean": 4])
    second.total.value = Tensor(Int32.max)
    expectError("does not fit its type int32") { try first.merge(second) }
    #expect(first.result()["sum"]?.item() == 8)
  }

  private final class States: AnyMetric, MetricProtocol {
    struct Inputs: Decodable { let yPred: Tensor }

    var total: Variable { state("sum", dtype: .int32) }
    private var low: Variable { state("low", combine: .min, initial: 100) }
    private var high: Variable { state("high", combine: .max) }
    private var mean: Variable { state("mean", combine: .mean) }

    func update(_ inputs: Inputs) {
      let value = inputs.yPred[0]
      total.value = total.value + value
      low.value = minimum(low.value, value)
      high.value = maximum(high.value, value)
      mean.value = value
    }

    func result() -> [String: Tensor] {
      ["sum": total.value, "low": low.value, "high": high.value, "mean": mean.value]
    }
  }
}
