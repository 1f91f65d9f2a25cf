import Engine
import TestSupport
import Testing

/// What several ranks have counted, each of its share, is bit by bit what one process counts: whatever the shares, some of them without
/// samples.
///
/// Weights, and the data where weights or squares count, are numbers of few bits, whose products and sums are exact.
@Suite("Metrics of any shares")
struct MetricShareTests {
  /// Rows of an update are elements of its result, so an update is not shared out.
  private static let wholeUpdates: Set = ["MeanTensor"]

  /// Squares have twice as many bits as float32.
  private static let addsSquares: Set = ["RootMeanSquaredError", "R2Score"]

  /// The cases of the fixture, of which those with weights have the same data, and cases of rows that Keras 3 lacks.
  static func cases() throws -> [FixtureCase] {
    try MetricTable.cases("metrics").filter { try !$0["weighted"].bool() }
      + own.map { try FixtureCase($0) }
  }

  private static let own: [JSONValue] = [
    .object([
      "name": .string("ConfusionMatrix of 4 classes"), "class": .string("ConfusionMatrix"),
      "arguments": .object(["num_classes": .number(4)]), "data": .string("classes"),
      "weighted": .bool(true),
    ]),
    .object([
      "name": .string("MeanTensor"), "class": .string("MeanTensor"), "data": .string("values"),
      "weighted": .bool(true),
    ]),
  ]

  @Test("Merged, they give the result of one process", arguments: try cases())
  func shares(_ example: FixtureCase) throws {
    try expectSameOfShares(example, try MetricTests.updates(example).map { try dyadic($0) })
  }

  @Test(
    "So they do for any numbers of float32 without weights, but for what adds their squares",
    arguments: try cases().filter { !addsSquares.contains($0.className ?? "") })
  func unweighted(_ example: FixtureCase) throws {
    let updates = try MetricTests.updates(example).map {
      try MetricTable.context($0, weighted: false)
    }
    try expectSameOfShares(example, updates)
  }

  private func expectSameOfShares(_ example: FixtureCase, _ given: [InjectionContext]) throws {
    var random = SeededGenerator(seed: 7)
    let isWhole = Self.wholeUpdates.contains(example.className ?? "")
    let updates = isWhole ? given.map { $0.mapTensors { $0[0..<2] } } : given
    let expected = bits(try metric(example, updates))
    for ranks in 1...5 {
      for _ in 0..<2 {
        var own = [[InjectionContext]](repeating: [], count: ranks)
        for update in updates {
          if isWhole {
            own[Int.random(in: 0..<ranks, using: &random)].append(update)
            continue
          }
          for (rank, rows) in cut(update.rows, into: ranks, &random).enumerated() {
            own[rank].append(update.mapTensors { $0[rows] })
          }
        }
        let parts = try own.map { try metric(example, $0) }
        try parts[0].merge(Array(parts.dropFirst()))
        #expect(bits(parts[0]) == expected, "\(ranks) ranks")
      }
    }
  }

  @Test("In a compiled step they are what they are at once", arguments: try cases())
  func compiled(_ example: FixtureCase) throws {
    guard !Self.wholeUpdates.contains(example.className ?? "") else { return }
    let updates = try MetricTests.updates(example).map { try dyadic($0) }
    let expected = try metric(example, updates)
    let whole = try updates.dropFirst().reduce(updates[0]) { try $0.followed(by: $1) }
    let compiled = try MetricTable.make(example)
    let model = Model(module: Identity(), weightedMetrics: [compiled])
    let x = try #require(whole.yPred?.tensor)
    let logs = try model.evaluate(
      x: x, y: whole.yTrue?.tensor ?? x, batchSize: 4,
      sampleWeight: try #require(whole.sampleWeight?.tensor))
    #expect(bits(compiled) == bits(expected))
    let values = logs.filter { $0.key.hasPrefix(compiled.name) }.map(\.value)
    #expect(values == expected.numbers())
  }

  private func metric(_ example: FixtureCase, _ updates: [InjectionContext]) throws -> AnyMetric {
    let metric = try MetricTable.make(example)
    for context in updates { try withErrors { try metric.update(context: context) } }
    return metric
  }

  private func bits(_ metric: AnyMetric) -> [UInt64] { metric.numbers().map(\.bitPattern) }

  /// An update with multiples of 1/16, and weights that are multiples of 1/4.
  private func dyadic(_ update: JSONValue) throws -> InjectionContext {
    func rounded(_ tensor: Tensor, to parts: Double) -> Tensor {
      tensor.dtype.isFloating ? round(tensor * parts) / parts : tensor
    }
    var context = try MetricTable.context(update, weighted: true)
    context.yPred = context.yPred?.map { rounded($0, to: 16) }
    context.yTrue = context.yTrue?.map { rounded($0, to: 16) }
    context.sampleWeight = context.sampleWeight?.map { rounded($0, to: 4) }
    return context
  }

  /// Neighbouring ranges of rows, many of them empty.
  private func cut(
    _ rows: Int, into ranks: Int, _ random: inout SeededGenerator
  ) -> [Range<Int>] {
    let ends = (1..<ranks).map { _ in Int.random(in: 0...rows, using: &random) }.sorted()
    return zip([0] + ends, ends + [rows]).map { $0..<$1 }
  }
}

extension InjectionContext {
  fileprivate var rows: Int { yPred?.tensor?.shape.first ?? 0 }

  fileprivate func mapTensors(_ body: (Tensor) -> Tensor) -> InjectionContext {
    var context = self
    context.yPred = yPred?.map(body)
    context.yTrue = yTrue?.map(body)
    context.sampleWeight = sampleWeight?.map(body)
    return context
  }

  fileprivate func followed(by next: InjectionContext) throws -> InjectionContext {
    func joined(_ first: Structure?, _ second: Structure?) -> Structure? {
      guard let first = first?.tensor, let second = second?.tensor else { return nil }
      return .tensor(concatenate([first, second]))
    }
    var context = self
    context.yPred = joined(yPred, next.yPred)
    context.yTrue = joined(yTrue, next.yTrue)
    context.sampleWeight = joined(sampleWeight, next.sampleWeight)
    return context
  }
}
