import Engine
import TestSupport
import Testing

/// Layers with constraints and regularizers, trained alone.
enum LayerTrainingTable {
  typealias Make = @Sendable (FixtureCase) throws -> AnyModule

  static let rows: [String: Make] = [
    "Dense": { example in
      Linear(
        try example.integer("units"),
        activation: try example.argument("activation").map { .named(try $0.string()) },
        kernelRegularizer: try regularizer(example, "kernel"),
        activityRegularizer: try regularizer(example, "activity"),
        kernelConstraint: try constraint(example, "kernel"),
        biasConstraint: try constraint(example, "bias"))
    },
    "Conv2D": { example in
      Conv2D(
        try example.integer("filters"), kernelSize: try example.size("kernel_size"),
        activityRegularizer: try regularizer(example, "activity"),
        kernelConstraint: try constraint(example, "kernel"),
        biasConstraint: try constraint(example, "bias"))
    },
    "Embedding": { example in
      Embedding(
        inputs: try example.integer("input_dim"), outputs: try example.integer("output_dim"),
        constraint: try constraint(example, "embeddings"))
    },
    "BatchNormalization": { example in
      BatchNormalization(
        gammaRegularizer: try regularizer(example, "gamma"),
        gammaConstraint: try constraint(example, "gamma"),
        betaConstraint: try constraint(example, "beta"))
    },
    "LayerNormalization": { example in
      LayerNormalization(
        betaRegularizer: try regularizer(example, "beta"),
        gammaConstraint: try constraint(example, "gamma"))
    },
    "GroupNormalization": { example in
      GroupNormalization(
        groups: try example.integer("groups"), gammaConstraint: try constraint(example, "gamma"),
        betaConstraint: try constraint(example, "beta"))
    },
    "PReLU": { example in
      PReLU(
        alphaRegularizer: try regularizer(example, "alpha"),
        alphaConstraint: try constraint(example, "alpha"))
    },
    "ActivityRegularization": { example in
      ActivityRegularization(l1: try example.required("l1"), l2: try example.required("l2"))
    },
  ]

  private static func constraint(
    _ example: FixtureCase, _ name: String
  ) throws -> (any Constraint)? {
    try example.argument(name + "_constraint").map { try ConstraintTable.make($0) }
  }

  private static func regularizer(
    _ example: FixtureCase, _ name: String
  ) throws -> (any Regularizer)? {
    try example.argument(name + "_regularizer").map {
      try RegularizerTable.make($0)
    }
  }
}

@Suite("Layers with constraints and regularizers are trained as by Keras", .seeded)
struct LayerTrainingTests {
  @Test(
    "Losses and weights after every step",
    arguments: try Fixture.load("layer_training", from: .module).cases, [false, true])
  func steps(_ example: FixtureCase, eagerly: Bool) throws {
    let fixture = try Fixture.load("layer_training", from: .module)
    let make = try #require(LayerTrainingTable.rows[example.className ?? ""])
    let module = try make(example)
    let isInteger = try example["x"]["dtype"].string() == "int32"
    let x = try example["x"].tensor(isInteger ? nil : .float64)
    let y = try example["y"].tensor(.float64)
    let model = Model(
      module: module, loss: MeanSquaredError(),
      optimizer: SGD(
        learningRate: try fixture["learning_rate"].double(),
        momentum: try fixture["momentum"].double()), runEagerly: eagerly)
    let _: Tensor = try model.predictOnBatch(x: x)
    let names = try example["names"].elements().map { try $0.string() }
    let variables = try names.map { name in
      try #require(module.namedVariables.first { $0.path == name }?.variable)
    }
    #expect(module.trainableVariables.count == variables.count)
    for (variable, value) in zip(variables, try example["initial_weights"].elements()) {
      variable.value = try value.tensor(.float64)
    }
    // The embedding's table is float32, whatever is asked for.
    let tolerance = isInteger ? 1e-5 : 1e-7
    let losses = try example["losses"].doubles()
    guard !names.isEmpty else {
      let logs = try model.evaluate(x: x, y: y, batchSize: x.shape[0])
      expectClose(logs["loss"] ?? .nan, losses[0], atol: tolerance, rtol: tolerance)
      return
    }
    for (loss, weights) in zip(losses, try example["weights"].elements()) {
      let history = try model.fit(
        x: x, y: y, batchSize: x.shape[0], epochs: 1, verbose: .silent, shuffle: false)
      expectClose(
        history.history["loss"]?.first ?? .nan, loss, atol: tolerance, rtol: tolerance)
      for (variable, expected) in zip(variables, try weights.elements()) {
        expectClose(
          variable.value, try expected.tensor(.float64), atol: tolerance, rtol: tolerance,
          variable.path)
      }
    }
  }
}
