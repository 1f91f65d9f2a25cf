import Engine
import TestSupport
import Testing

/// The constraints under the shared contract: a new one is a new row.
enum ConstraintTable {
  typealias Make = @Sendable (JSONValue) throws -> any Constraint

  static let rows: [String: Make] = [
    "MaxNorm": { MaxNorm(try $0["max_value"].double(), axes: try axes($0)) },
    "MinMaxNorm": { arguments in
      MinMaxNorm(
        minValue: try arguments["min_value"].double(),
        maxValue: try arguments["max_value"].double(), rate: try arguments["rate"].double(),
        axes: try axes(arguments))
    },
    "NonNeg": { _ in NonNegative() },
    "UnitNorm": { UnitNorm(axes: try axes($0)) },
  ]

  /// The constraint written as `{"class", "arguments"}`.
  static func make(_ value: JSONValue) throws -> any Constraint {
    let make = try #require(rows[try value["class"].string()])
    return try make(value["arguments"])
  }

  static func cases() throws -> [FixtureCase] {
    try Fixture.load("weights", from: .module).cases.filter {
      try $0["kind"].string() == "constraint"
    }
  }

  private static func axes(_ arguments: JSONValue) throws -> [Int] {
    let axis = try arguments["axis"]
    return try (try? axis.elements().map { try $0.int() }) ?? [axis.int()]
  }
}

@Suite("Constraints")
struct ConstraintTests {
  @Test(
    "Agree with Keras", arguments: try ConstraintTable.cases(), [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let weight = try Fixture.load("weights", from: .module)["weight"].tensor(dtype)
    let constraint = try ConstraintTable.make(example.value)
    let value = constraint(weight)
    #expect(value.dtype == dtype)
    let tolerance = dtype == .float64 ? 1e-8 : 1e-6
    expectClose(value, try example["value"].tensor(.float64), atol: tolerance, rtol: tolerance)
  }

  @Test(
    "Lengths are right where squares overflow or vanish",
    arguments: [(DType.float32, 1e20), (.float32, 1e25), (.float64, 1e200), (.float64, 1e-200)])
  func extremes(_ dtype: DType, _ scale: Double) {
    let weight = Tensor([[3 * scale, 0], [4 * scale, 1]], dtype: dtype)
    let isTiny = scale < 1
    func expect(_ constraint: any Constraint, _ length: Double, line: UInt = #line) {
      let expected = isTiny ? [0, 0, 0, 1] : [0.6 * length, 0, 0.8 * length, 1]
      expectClose(constraint(weight), expected, atol: 1e-6, rtol: 1e-6, "line \(line)")
    }
    expect(UnitNorm(), 1)
    expect(MaxNorm(2), 2)
    expect(MinMaxNorm(minValue: 0, maxValue: 5), 5)
  }

  static let all: [any Constraint] = [MaxNorm(), MinMaxNorm(), NonNegative(), UnitNorm()]

  @Test("Zeros stay zeros, and tensors without elements stay as they are", arguments: all)
  func zeros(_ constraint: any Constraint) {
    expectClose(constraint(Tensor.zeros([3, 2])), [0, 0, 0, 0, 0, 0], atol: 0, rtol: 0)
    #expect(constraint(Tensor.zeros([0, 2])).shape == [0, 2])
  }

  @Test("An axis that does not exist is an error")
  func wrongAxis() {
    expectError("axis 2") { _ = MaxNorm(axes: [2])(Tensor.zeros([3, 2])) }
  }

  @Test("Hold after updates, and only then; for parameters of a module of one's own as well")
  func ownModule() throws {
    final class Scale: Module {
      func call(_ x: Tensor) -> Tensor {
        x * parameter("scale", shape: [2], initializer: Constant(-1), constraint: NonNegative())
      }
    }
    let module = Scale()
    expectClose(module(Tensor([1.0, 2])), [-1, -2])
    let optimizer = SGD(learningRate: 1)
    try optimizer.apply(module.trainableVariables, [Tensor([0.5, -1.5])])
    expectClose(module.scale as Tensor, [0, 0.5])
    #expect(module.variables.map { $0.constraint is NonNegative } == [true])
  }

  @Test("A constraint that changes the shape is an error")
  func wrongShape() {
    struct Total: Constraint {
      func callAsFunction(_ parameter: Tensor) -> Tensor { sum(parameter) }
    }
    let variable = Variable(
      path: "w", kind: .parameter, initial: Tensor([1.0, 2]), constraint: Total())
    expectError("variable w: a value of shape [] does not fit its shape [2]") {
      try? SGD().apply([variable], [Tensor([0.0, 0])])
    }
  }
}
