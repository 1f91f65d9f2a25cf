import Engine
import TestSupport
import Testing

/// Whatever the library offers of a family has a row in the table of the family's contract: a new file without a row
/// fails here.
@Suite("Tables of contracts are complete", .seeded)
struct TableTests {
  @Test func losses() throws {
    // Made of a function and of a module: OwnLossTests, RegularizerTests.
    let others: Set = ["CustomLoss", "RegularizationLoss"]
    try expect(
      LossTable.rows.keys, others, for: SourceTypes(in: "Engine/Losses").heirs(of: "Loss"))
  }

  @Test func metrics() throws {
    // Made of a function, and what others are made of: OwnLossTests, MetricsGuide.
    let others: Set = ["CustomMetric", "MeanMetric"]
    try expect(
      MetricTable.rows.keys, others, for: SourceTypes(in: "Engine/Metrics").heirs(of: "AnyMetric"))
  }

  @Test func optimizers() throws {
    try expect(
      OptimizerTable.rows.keys, [], for: SourceTypes(in: "Engine/Optimizers").heirs(of: "Optimizer")
    )
  }

  @Test func layers() throws {
    let others: Set = [
      // What others are made of, named Base... where they are that only.
      "ConvLayer", "Merge", "RNN", "SpatialDropout", "GRUCell", "LSTMCell", "SimpleRNNCell",
      // Every call changes it: ExponentialMovingAverageTests.
      "ExponentialMovingAverage",
    ]
    let types = try SourceTypes(in: "Engine/Layers").heirs(of: "AnyModule", "Module")
    try expect(
      LayerTests.rows.map { typeName($0.make()) }, others,
      for: types.filter { !$0.hasPrefix("Base") })
  }

  @Test func primitives() throws {
    let others: Set = [
      // Without a gradient, of constants in every row: IndexCheckTests, RandomTests.
      "CheckIndices", "DropoutMask", "FoldKey", "RandomNormal", "RandomUniform",
    ]
    var reached: Set<String> = []
    for row in GradientTable.cases {
      var generator = SeededGenerator(seed: 7)
      let specs = row.arguments(&generator).map(\.spec)
      let graph = try Trace.record(specs) { x in
        let slopes = { (x: [Tensor]) in
          try grad { (x: [Tensor]) in sum(square(try row.function(x))) }(x)
        }
        let curvature = try grad { (x: [Tensor]) in
          try slopes(x).reduce(Tensor(0, dtype: .float64)) { $0 + sum(square($1)) }
        }(x)
        return curvature
      }
      for node in graph.nodes { reached.insert(typeName(node.primitive)) }
    }
    try expect(
      reached, others,
      for: SourceTypes(in: "Tensors/Operations").heirs(of: "Primitive", isPublic: false))
  }

  /// - Parameters:
  ///   - rows: the names of the types that have a row.
  ///   - others: types that are tested elsewhere.
  private func expect(
    _ rows: some Sequence<String>, _ others: Set<String>, for types: Set<String>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(!types.isEmpty, sourceLocation: sourceLocation)
    let rows = Set(rows)
    let missing = types.subtracting(rows).subtracting(others).sorted()
    #expect(
      missing.isEmpty, "without a row in the table of their contract",
      sourceLocation: sourceLocation)
    let superfluous = others.subtracting(types).union(others.intersection(rows)).sorted()
    #expect(
      superfluous.isEmpty, "excepted here, but they have a row or do not exist",
      sourceLocation: sourceLocation)
  }

  /// The name of a value's type, without what it is generic over.
  private func typeName(_ value: Any) -> String {
    String("\(type(of: value))".prefix { $0 != "<" })
  }
}
