import Tensors
import TensorsTestSupport
import Testing

@Suite("Gradients through checkpoints", .seeded) struct CheckpointGradientTests {
  @Test(
    "Every operation has its gradients through a checkpoint, twice",
    arguments: GradientTable.cases)
  func gradientsAgree(_ row: GradientCase) throws {
    var generator = SeededGenerator(seed: 7)
    let arguments = row.arguments(&generator)
    func derivatives(_ f: @escaping ([Tensor]) throws -> Tensor) throws -> [Tensor] {
      let scalar = { (x: [Tensor]) in sum(square(try f(x))) }
      let second = try grad { (x: [Tensor]) in
        try grad(scalar)(x).reduce(Tensor(0, dtype: .float64)) {
          $0 + sum(square($1.cast(to: .float64)))
        }
      }(arguments)
      return try grad(scalar)(arguments) + second
    }
    let checkpointed = checkpoint(row.function)
    let expected = try derivatives(row.function)
    let actual = try derivatives { try checkpointed($0) }
    for (a, b) in zip(actual, expected) { expectClose(a, b, atol: 1e-10, rtol: 1e-10) }
    let compiled = try jit { (x: [Tensor]) in
      try grad { (x: [Tensor]) in sum(square(try checkpointed(x))) }(x)
    }(arguments)
    for (a, b) in zip(compiled, expected) { expectClose(a, b, atol: 1e-10, rtol: 1e-10) }
  }
}
