import Engine
import TestSupport
import Testing

/// The regularizers under the shared contract: a new one is a new row.
enum RegularizerTable {
  typealias Make = @Sendable (JSONValue) throws -> any Regularizer

  static let rows: [String: Make] = [
    "L1": { L1(try $0["l1"].double()) },
    "L2": { L2(try $0["l2"].double()) },
    "L1L2": { L1L2(l1: try $0["l1"].double(), l2: try $0["l2"].double()) },
    "OrthogonalRegularizer": { arguments in
      let mode = OrthogonalRegularizer.Mode(rawValue: try arguments["mode"].string())
      return OrthogonalRegularizer(
        try arguments["factor"].double(), mode: try #require(mode))
    },
  ]

  /// The regularizer written as `{"class", "arguments"}`.
  static func make(_ value: JSONValue) throws -> any Regularizer {
    let make = try #require(rows[try value["class"].string()])
    return try make(value["arguments"])
  }

  static func cases() throws -> [FixtureCase] {
    try Fixture.load("weights", from: .module).cases.filter {
      try $0["kind"].string() == "regularizer"
    }
  }
}

@Suite("Regularizers", .seeded)
struct RegularizerTests {
  @Test("Penalties and their gradients agree with Keras", arguments: try RegularizerTable.cases())
  func parity(_ example: FixtureCase) throws {
    let regularizer = try RegularizerTable.make(example.value)
    let (value, gradient) = try valueAndGrad { (w: Tensor) in regularizer(w) }(
      try Fixture.load("weights", from: .module)["weight"].tensor(.float64))
    expectClose(value.item(), try example["loss"].double(), rtol: 1e-8)
    expectClose(gradient, try example["gradient"].tensor(), rtol: 1e-8)
  }

  @Test("A layer adds its penalty to the loss once a call, however often it is used")
  func layer() {
    let layer = Linear(
      2, kernelInitializer: Ones(), biasInitializer: Ones(), kernelRegularizer: L2(0.5),
      biasRegularizer: L1(0.25))
    let model = Lambda { x in layer(layer(x)) }
    let context = model.run(isTraining: false) { model(Tensor([[1.0, 1]])) }.context
    #expect(context.notes.losses.allSatisfy { $0.name == "regularization_loss" })
    #expect(context.notes.losses.reduce(0) { $0 + $1.value.item() } == 0.5 * 4 + 0.25 * 2)
  }

  @Test("The penalty of an output is divided by the samples and paid at every use")
  func activity() {
    let layer = Linear(
      1, useBias: false, kernelInitializer: Ones(), activityRegularizer: L1(0.5))
    let model = Lambda { x in layer(layer(x)) }
    let context = model.run(isTraining: true) { model(Tensor([[1.0], [-3]])) }.context
    #expect(context.notes.losses.map { $0.value.item() } == [1, 1])
    #expect(context.notes.losses.map(\.name) == ["regularization_loss", "regularization_loss"])
    let empty = model.run(isTraining: true) { model(Tensor.zeros([0, 1])) }.context
    #expect(empty.notes.losses.map { $0.value.item() } == [0, 0])
  }

  @Test("A single vector has no angles; vectors have none at all")
  func orthogonal() throws {
    let regularizer = OrthogonalRegularizer(1, mode: .rows)
    #expect(regularizer(Tensor([[3.0, 4]])).item() == 0)
    expectClose(regularizer(Tensor([[3.0, 0], [0, 2]])).item(), 0)
    expectClose(regularizer(Tensor([[3.0, 0], [-2, 0]])).item(), 1)
    let gradient = try grad { regularizer($0) }(Tensor([[0.0, 0], [1, 0]]))
    #expect(gradient.scalars(as: Float.self).allSatisfy { $0.isFinite })
    expectError("OrthogonalRegularizer: takes a matrix [rows, columns], got [2]") {
      _ = regularizer(Tensor([1.0, 2]))
    }
  }
}
