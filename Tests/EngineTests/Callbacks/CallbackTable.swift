import Engine
import Foundation
import TestSupport
import Testing

/// The callbacks that Keras has too: decisions are those of fixtures. A new one with a fixture is a new row.
enum CallbackTable {
  /// Makes the callback of a case, and says what it did as Keras's values are named.
  typealias Row = @Sendable (FixtureCase, [Double]) throws -> [String: JSONValue]

  static let rows: [String: Row] = [
    "EarlyStopping": { example, values in
      let stopping = EarlyStopping(
        monitor: try example["monitor"].string(), minDelta: try example.number("min_delta") ?? 0,
        patience: Int(try example.number("patience") ?? 0), mode: try mode(example),
        baseline: try example.number("baseline"), restoreBestWeights: true,
        startFromEpoch: Int(try example.number("start_from_epoch") ?? 0))
      let (model, history) = try run(stopping, example, values)
      return [
        "epochs": .number(Double(history.epoch.count)), "restored": .number(Double(model.weights)),
        "best": stopping.best.map { .number($0) } ?? .null,
      ]
    },
    "ReduceLROnPlateau": { example, values in
      let plateau = ReduceLROnPlateau(
        monitor: try example["monitor"].string(), factor: try example.number("factor") ?? 0.1,
        patience: Int(try example.number("patience") ?? 10), mode: try mode(example),
        minDelta: try example.number("min_delta") ?? 1e-4,
        cooldown: Int(try example.number("cooldown") ?? 0),
        minLearningRate: try example.number("min_lr") ?? 0)
      let (_, history) = try run(plateau, example, values)
      return ["rates": .array(history["learning_rate"].map { .number($0) })]
    },
    "ModelCheckpoint": { example, values in
      let steps = try example.number("save_freq").map { Int($0) }
      let checkpoint = ModelCheckpoint(
        path: try example["path"].string(), monitor: try example["monitor"].string(),
        saveBestOnly: try example.argument("save_best_only")?.bool() ?? false,
        mode: try mode(example), saveFrequency: steps.map { .steps($0) } ?? .epoch,
        initialValueThreshold: try example.number("initial_value_threshold"))
      let (model, _) = try run(checkpoint, example, values)
      return ["saved": .array(model.saved.map { .string($0) })]
    },
  ]

  private static func mode(_ example: FixtureCase) throws -> MonitorMode {
    try example.argument("mode").flatMap { MonitorMode(rawValue: try $0.string()) } ?? .auto
  }

  private static func run(
    _ callback: Callback, _ example: FixtureCase, _ values: [Double]
  ) throws -> (ModelStub, History) {
    let model = ModelStub()
    model.roundsRates = true
    let name = try example["monitor"].string()
    let history = try runTraining(
      [callback], model, epochs: values.map { [name: $0] }, steps: 3)
    return (model, history)
  }
}

@Suite struct CallbacksOfKeras {
  @Test func `decide as in Keras`() throws {
    let fixture = try Fixture.load("callbacks", from: .module)
    #expect(try fixture["steps"].int() == 3)
    let sequences = try fixture["sequences"].elements().map { try $0.doubles() }
    #expect(fixture.cases.count > 700)
    #expect(Set(fixture.cases.compactMap(\.className)) == Set(CallbackTable.rows.keys))
    for example in fixture.cases {
      let row = try #require(CallbackTable.rows[example.className ?? ""])
      let found = try row(example, sequences[try example["sequence"].int()])
      for (name, value) in found.sorted(by: { $0.key < $1.key }) {
        let expected = example.optional(name) ?? .null
        #expect(same(value, expected), "\(name) of \(example): \(value), Keras: \(expected)")
      }
    }
  }

  /// Equal; numbers up to the nine digits of the file.
  private func same(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.number(let a), .number(let b)): abs(a - b) <= 1e-8 * max(1, abs(b))
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
    default: a == b
    }
  }
}
