import Engine
import TestSupport

/// The metrics under the shared contract: a new one is a new row.
enum MetricTable {
  /// A metric from the arguments of a fixture's case, with Keras's names.
  typealias Make = @Sendable (FixtureCase) throws -> AnyMetric

  static let rows: [String: Make] = means.merging(counts) { first, _ in first }
    .merging(classes) { first, _ in first }.merging(searches) { first, _ in first }

  private static let means: [String: Make] = [
    "Mean": { _ in Mean() },
    "Sum": { _ in Metrics.Sum() },
    "Accuracy": { _ in Accuracy() },
    "BinaryAccuracy": { BinaryAccuracy(threshold: try $0.number("threshold") ?? 0.5) },
    "CategoricalAccuracy": { _ in CategoricalAccuracy() },
    "SparseCategoricalAccuracy": { _ in SparseCategoricalAccuracy() },
    "BinaryCrossentropy": {
      Metrics.BinaryCrossentropy(
        fromLogits: try $0.flag("from_logits"),
        labelSmoothing: try $0.number("label_smoothing") ?? 0)
    },
    "CategoricalCrossentropy": {
      Metrics.CategoricalCrossentropy(
        fromLogits: try $0.flag("from_logits"),
        labelSmoothing: try $0.number("label_smoothing") ?? 0,
        axis: try $0.whole("axis") ?? -1)
    },
    "SparseCategoricalCrossentropy": {
      Metrics.SparseCategoricalCrossentropy(
        fromLogits: try $0.flag("from_logits"), ignoreClass: try $0.whole("ignore_class"),
        axis: try $0.whole("axis") ?? -1)
    },
    "MeanSquaredError": { _ in Metrics.MeanSquaredError() },
    "MeanAbsoluteError": { _ in Metrics.MeanAbsoluteError() },
    "RootMeanSquaredError": { _ in RootMeanSquaredError() },
    "MeanAbsolutePercentageError": { _ in Metrics.MeanAbsolutePercentageError() },
    "MeanSquaredLogarithmicError": { _ in Metrics.MeanSquaredLogarithmicError() },
    "Poisson": { _ in Metrics.Poisson() },
    "KLDivergence": { _ in Metrics.KLDivergence() },
    "Hinge": { _ in Metrics.Hinge() },
    "SquaredHinge": { _ in Metrics.SquaredHinge() },
    "CategoricalHinge": { _ in Metrics.CategoricalHinge() },
    "CosineSimilarity": { Metrics.CosineSimilarity(axis: try $0.whole("axis") ?? -1) },
    "LogCoshError": { _ in LogCoshError() },
    "MeanTensor": { _ in MeanTensor() },
    "TopKCategoricalAccuracy": { TopKCategoricalAccuracy(k: try $0.whole("k") ?? 5) },
    "SparseTopKCategoricalAccuracy": {
      SparseTopKCategoricalAccuracy(
        k: try $0.whole("k") ?? 5, fromSortedIds: try $0.flag("from_sorted_ids"))
    },
    "PearsonCorrelation": { PearsonCorrelation(axis: try $0.whole("axis") ?? -1) },
    "ConcordanceCorrelation": { ConcordanceCorrelation(axis: try $0.whole("axis") ?? -1) },
    "R2Score": { example in
      let aggregations: [String: R2Score.ClassAggregation] = [
        "variance_weighted_average": .varianceWeightedAverage
      ]
      return R2Score(
        classAggregation: try example.choice("class_aggregation", aggregations, .uniformAverage),
        numRegressors: try example.whole("num_regressors") ?? 0)
    },
  ]

  private static let counts: [String: Make] = [
    "TruePositives": { TruePositives(thresholds: try $0.thresholds()) },
    "TrueNegatives": { TrueNegatives(thresholds: try $0.thresholds()) },
    "FalsePositives": { FalsePositives(thresholds: try $0.thresholds()) },
    "FalseNegatives": { FalseNegatives(thresholds: try $0.thresholds()) },
    "Precision": {
      Precision(
        thresholds: try $0.thresholds(), topK: try $0.whole("top_k"),
        classId: try $0.whole("class_id"))
    },
    "Recall": {
      Recall(
        thresholds: try $0.thresholds(), topK: try $0.whole("top_k"),
        classId: try $0.whole("class_id"))
    },
    "FBetaScore": { example in
      FBetaScore(
        average: try example.choice("average", averages, nil),
        beta: try example.number("beta") ?? 1, threshold: try example.number("threshold"))
    },
    "F1Score": { example in
      F1Score(
        average: try example.choice("average", averages, nil),
        threshold: try example.number("threshold"))
    },
  ]

  private static let averages: [String: ClassAverage] = [
    "micro": .micro, "macro": .macro, "weighted": .weighted,
  ]

  private static let classes: [String: Make] = [
    "ConfusionMatrix": { ConfusionMatrix(numClasses: try $0.whole("num_classes") ?? 2) },
    "IoU": {
      IoU(
        numClasses: try $0.whole("num_classes") ?? 2, targetClassIds: try $0.targets(),
        ignoreClass: try $0.whole("ignore_class"))
    },
    "BinaryIoU": {
      BinaryIoU(
        targetClassIds: $0.argument("target_class_ids") == nil ? [0, 1] : try $0.targets(),
        threshold: try $0.number("threshold") ?? 0.5)
    },
    "MeanIoU": {
      MeanIoU(
        numClasses: try $0.whole("num_classes") ?? 2, ignoreClass: try $0.whole("ignore_class"),
        sparseYPred: try $0.argument("sparse_y_pred")?.bool() ?? true)
    },
    "OneHotIoU": {
      OneHotIoU(
        numClasses: try $0.whole("num_classes") ?? 2, targetClassIds: try $0.targets())
    },
    "OneHotMeanIoU": { OneHotMeanIoU(numClasses: try $0.whole("num_classes") ?? 2) },
  ]

  private static let searches: [String: Make] = [
    "SensitivityAtSpecificity": {
      SensitivityAtSpecificity(
        try $0.number("specificity") ?? 0, numThresholds: try $0.whole("num_thresholds") ?? 200,
        classId: try $0.whole("class_id"))
    },
    "SpecificityAtSensitivity": {
      SpecificityAtSensitivity(
        try $0.number("sensitivity") ?? 0, numThresholds: try $0.whole("num_thresholds") ?? 200)
    },
    "PrecisionAtRecall": {
      PrecisionAtRecall(
        try $0.number("recall") ?? 0, numThresholds: try $0.whole("num_thresholds") ?? 200)
    },
    "RecallAtPrecision": {
      RecallAtPrecision(
        try $0.number("precision") ?? 0, numThresholds: try $0.whole("num_thresholds") ?? 200)
    },
    "AUC": { example in
      let curves: [String: AUC.Curve] = ["ROC": .roc, "PR": .pr, "PRGAIN": .prGain]
      let methods: [String: AUC.SummationMethod] = ["minoring": .minoring, "majoring": .majoring]
      return AUC(
        numThresholds: try example.whole("num_thresholds") ?? 200,
        curve: try example.choice("curve", curves, .roc) ?? .roc,
        summationMethod: try example.choice("summation_method", methods, .interpolation)
          ?? .interpolation,
        thresholds: try example.thresholds(), multiLabel: try example.flag("multi_label"),
        numLabels: try example.whole("num_labels"),
        labelWeights: try example.argument("label_weights")?.doubles(),
        fromLogits: try example.flag("from_logits"))
    },
  ]

  static func cases(_ file: String) throws -> [FixtureCase] {
    try Fixture.load(file, from: .module).cases.filter { rows[$0.className ?? ""] != nil }
  }

  static func make(_ example: FixtureCase) throws -> AnyMetric {
    guard let make = rows[example.className ?? ""] else {
      throw EngineError.data(message: "no row for \(example.name)")
    }
    return try make(example)
  }

  /// What a metric is asked to count; `values` of a fixture are what it sees as predictions.
  static func context(_ update: JSONValue, weighted: Bool) throws -> InjectionContext {
    var context = InjectionContext()
    let predictions = try update.optional("values") ?? update["y_pred"]
    context.yPred = .tensor(try predictions.tensor())
    context.yTrue = try update.optional("y_true").map { .tensor(try $0.tensor()) }
    if weighted {
      context.sampleWeight = try update.optional("sample_weight").map { .tensor(try $0.tensor()) }
    }
    return context
  }
}

extension FixtureCase {
  /// A whole number among the arguments of the constructor, or nil for the default.
  func whole(_ key: String) throws -> Int? { try argument(key)?.int() }

  /// One of several settings; nil where the case says null, `preset` where it says nothing.
  func choice<C>(_ key: String, _ choices: [String: C], _ preset: C?) throws -> C? {
    guard case .object(let arguments)? = optional("arguments"), let found = arguments[key] else {
      return preset
    }
    return found == .null ? nil : choices[try found.string()]
  }

  fileprivate func thresholds() throws -> [Double]? { try argument("thresholds")?.doubles() }

  fileprivate func targets() throws -> [Int] {
    try argument("target_class_ids")?.elements().map { try $0.int() } ?? []
  }
}

extension AnyMetric {
  /// The result, which is one tensor.
  func value() -> Tensor {
    (self as? any MetricProtocol).flatMap { $0.result() as? Tensor } ?? Tensor(Double.nan)
  }

  /// The elements of the result.
  func numbers() -> [Double] { value().scalars() }
}
