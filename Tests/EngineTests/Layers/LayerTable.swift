import Engine
import TestSupport

/// The layers under the shared contract: a new one is a new row.
enum LayerTable {
  typealias Make = @Sendable (FixtureCase) throws -> (any Layer)?

  /// What a test calls.
  typealias Layer = AnyModule & Callable

  /// Fixture files with cases for layers.
  static let files = [
    "layers", "more_layers", "torch_layers", "recurrent", "convolutions", "attention_layers",
    "transformers",
  ]

  /// A row for every class name in those files.
  static let rows: [String: Make] =
    [basicRows, moreRows, sequenceRows, convolutionRows, attentionRows].reduce(into: [:]) {
      all, rows in
      all.merge(rows) { first, _ in first }
    }

  private static let basicRows: [String: Make] = [
    "Dense": { example in
      Linear(
        try example.integer("units"), activation: try activation(example),
        useBias: try example.argument("use_bias")?.bool() ?? true)
    },
    "LayerNormalization": { example in
      LayerNormalization(
        axes: try example.argument("axis")?.elements().map { try $0.int() } ?? [-1],
        epsilon: try example.number("epsilon") ?? 1e-3,
        center: try example.argument("center")?.bool() ?? true,
        scale: try example.argument("scale")?.bool() ?? true)
    },
    "BatchNormalization": { example in
      BatchNormalization(
        axis: try example.argument("axis")?.int() ?? -1,
        momentum: try example.number("momentum") ?? 0.99,
        epsilon: try example.number("epsilon") ?? 1e-3,
        center: try example.argument("center")?.bool() ?? true,
        scale: try example.argument("scale")?.bool() ?? true)
    },
    "Embedding": { example in
      Embedding(
        inputs: try example.integer("input_dim"), outputs: try example.integer("output_dim"))
    },
    "LeakyReLU": { LeakyReLU(negativeSlope: try $0.number("negative_slope") ?? 0.3) },
    "ReLU": { example in
      ReLU(
        maxValue: try example.number("max_value"),
        negativeSlope: try example.number("negative_slope") ?? 0,
        threshold: try example.number("threshold") ?? 0)
    },
    "Softmax": { Softmax(axis: try $0.argument("axis")?.int() ?? -1) },
    "Activation": { example in
      let name = try example["function"].string()
      return function(name, example).map { Activation($0) }
    },
  ]

  /// The cases that a row can make.
  static func cases() throws -> [FixtureCase] {
    try files.flatMap { try Fixture.load($0, from: .module).cases }.filter { example in
      try rows[example.className ?? ""]?(example) != nil
    }
  }

  static func make(_ example: FixtureCase) throws -> any Layer {
    guard let layer = try rows[example.className ?? ""]?(example) else {
      throw EngineError.data(message: "no row for \(example.name)")
    }
    return layer
  }

  static func activation(_ example: FixtureCase) throws -> ActivationFunction? {
    guard let name = try example.argument("activation")?.string() else { return nil }
    return function(name, example)
  }

  /// An activation function from Keras's name.
  static func function(_ name: String, _ example: FixtureCase) -> ActivationFunction? {
    let alpha = (try? example.number("alpha")) ?? nil
    let slope = (try? example.number("negative_slope")) ?? nil
    let approximate = (try? example.flag("approximate")) ?? false
    let functions: [String: ActivationFunction] = [
      "relu": .relu, "tanh": .tanh, "sigmoid": .sigmoid, "gelu": .gelu(approximate: approximate),
      "softmax": .softmax, "log_softmax": .logSoftmax, "softplus": .softplus,
      "softsign": .softsign, "elu": .elu(alpha: alpha ?? 1), "selu": .selu, "silu": .silu,
      "mish": .mish, "exponential": .exponential, "linear": .linear,
      "hard_sigmoid": .hardSigmoid, "hard_silu": .hardSiLU,
      "leaky_relu": .leakyReLU(slope: slope ?? 0.2), "relu6": .relu6,
      "log_sigmoid": .logSigmoid, "celu": .celu(), "hard_tanh": .hardTanh,
      "tanh_shrink": .tanhShrink, "soft_shrink": .softShrink(), "hard_shrink": .hardShrink(),
      "squareplus": .squareplus(), "sparse_plus": .sparsePlus,
      "sparse_sigmoid": .sparseSigmoid, "glu": .glu,
      "threshold": .threshold(
        (try? example.number("threshold")) ?? nil ?? 0,
        value: (try? example.number("default_value")) ?? nil ?? 0),
    ]
    return functions[name]
  }
}

extension FixtureCase {
  /// A whole number that the constructor must be given.
  func integer(_ key: String) throws -> Int { try self["arguments"][key].int() }
}
