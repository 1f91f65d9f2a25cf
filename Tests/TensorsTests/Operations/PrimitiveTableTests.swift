import Tensors
import TensorsTestSupport
import Testing

/// Every primitive of the library is reached by the gradients of a row of the table.
@Suite("The table of primitives is complete", .seeded)
struct PrimitiveTableTests {
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
      for node in graph.nodes { reached.insert(contractTypeName(node.primitive)) }
    }
    try expectRows(
      reached, others,
      for: SourceTypes(in: "Tensors/Operations").heirs(of: "Primitive", isPublic: false))
  }
}
