import Tensors
import TensorsTestSupport
import Testing

@Suite("Gradients of operations")
struct GradientTests {
  @Test(
    "Every operation's first and second derivatives agree with central differences",
    arguments: GradientTable.cases)
  func gradientsAgreeWithDifferences(_ row: GradientCase) throws {
    var generator = SeededGenerator(seed: 7)
    try expectGradient(of: row.function, at: row.arguments(&generator), order: 2)
  }

  @Test(
    "Compiled, every operation and its gradient give what they give at once",
    arguments: GradientTable.cases)
  func compiledAgrees(_ row: GradientCase) throws {
    var generator = SeededGenerator(seed: 7)
    let arguments = row.arguments(&generator)
    let function = { (x: [Tensor]) in
      let value = try row.function(x)
      let gradients = try grad { (x: [Tensor]) in sum(square(try row.function(x))) }(x)
      return [value] + gradients
    }
    let expected = try function(arguments)
    let compiled = jit(function)
    for _ in 0..<2 {
      let actual = try compiled(arguments)
      for (a, b) in zip(actual, expected) { expectClose(a, b, atol: 1e-12, rtol: 1e-12) }
    }
  }

  @Test("Rows of the table have different names")
  func namesDiffer() {
    let names = GradientTable.cases.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test("A gradient through a cast comes back in the type of the input")
  func castGradient() throws {
    let x = Tensor([1.5, -2], dtype: .float32)
    let gradient = try grad { (x: Tensor) in sum(square(x.cast(to: .float64))) }(x)
    #expect(gradient.dtype == .float32)
    expectClose(gradient, [3, -4])
  }

  @Test("Integers and bool have no gradient")
  func integersHaveNone() throws {
    let x = Tensor([1, 2, 3])
    let gradients = try grad { (x: [Tensor]) in
      sum(x[0].cast(to: .float32) * x[1])
    }([x, Tensor([1.0, 1, 1])])
    expectClose(gradients[0], [0, 0, 0])
    expectClose(gradients[1], [1, 2, 3])
  }

  @Test("No gradient flows through stopGradient")
  func stopGradientStops() throws {
    let gradient = try grad { (x: Tensor) in sum(x * stopGradient(x)) }(Tensor([2.0, 3]))
    expectClose(gradient, [2, 3])
  }

  @Test("At a tie maximum and minimum give half of the gradient to each input")
  func tiesOfMaximum() throws {
    for function in [maximum, minimum] as [(Tensor, Tensor) -> Tensor] {
      let gradients = try grad { (x: [Tensor]) in sum(function(x[0], x[1])) }(
        [Tensor([1.0, 2]), Tensor([1.0, 2])])
      expectClose(gradients[0], [0.5, 0.5])
      expectClose(gradients[1], [0.5, 0.5])
    }
  }

  @Test("Equal largest elements share the gradient of max and min")
  func tiesOfMax() throws {
    let x = Tensor([[1.0, 3, 3], [2, 2, 2]])
    expectClose(
      try grad { (x: Tensor) in sum(max(x, axis: 1)) }(x), [0, 0.5, 0.5, 1 / 3, 1 / 3, 1 / 3])
    expectClose(
      try grad { (x: Tensor) in sum(min(x, axis: 1)) }(x), [1, 0, 0, 1 / 3, 1 / 3, 1 / 3])
  }

  @Test("The gradient of a product with zeros multiplies the other elements")
  func productWithZeros() throws {
    let gradient = { (values: [Double]) in try grad { (x: Tensor) in prod(x) }(Tensor(values)) }
    expectClose(try gradient([2, 0, 3]), [0, 6, 0])
    expectClose(try gradient([0, 0, 3]), [0, 0, 0])
    expectClose(try gradient([5]), [1])
  }

  @Test("The gradient of a power is finite at base and exponent zero")
  func powerAtZero() throws {
    let gradients = try grad { (x: [Tensor]) in sum(pow(x[0], x[1])) }(
      [Tensor([0.0, 0, 2]), Tensor([0.0, 2, 0])])
    expectClose(gradients[0], [0, 0, 0])
    expectClose(gradients[1], [0, 0, 0.6931472])
  }

  @Test("select gives a gradient of 0 to the choice not taken, of which what made it may make NaN")
  func selectAndNaN() throws {
    let x = Tensor([-1.0, 4])
    let direct = try grad { (root: Tensor) in sum(select(x .> 0, root, 0)) }(sqrt(x))
    expectClose(direct, [0, 1], atol: 0, rtol: 0)
    let through = try grad { (x: Tensor) in sum(select(x .> 0, sqrt(x), 0)) }(x)
    expectClose(through, [.nan, 0.25])
    let chosenFirst = try grad { (x: Tensor) in
      sum(select(x .> 0, sqrt(select(x .> 0, x, 1)), 0))
    }(x)
    expectClose(chosenFirst, [0, 0.25])
  }
}
