import Engine
import TestSupport

extension LayerTable {
  /// Layers that work on sequences.
  static let sequenceRows: [String: Make] = [
    "SimpleRNN": { try recurrent($0) },
    "GRU": { try recurrent($0) },
    "LSTM": { try recurrent($0) },
    "Bidirectional": { example in
      let inner = try FixtureCase(example["arguments"]["layer"])
      let mode = BidirectionalMerge(rawValue: try example["arguments"]["merge_mode"].string())
      switch inner.className {
      case "LSTM": return Bidirectional(try lstm(inner), mergeMode: mode)
      case "GRU": return Bidirectional(try gru(inner), mergeMode: mode)
      default: return Bidirectional(try simple(inner), mergeMode: mode)
      }
    },
    "TimeDistributed": { example in
      let inner = try FixtureCase(example["arguments"]["layer"])
      return TimeDistributed(try make(inner))
    },
    "Masking": { Masking(try $0.number("mask_value") ?? 0) },
  ]

  private static func recurrent(_ example: FixtureCase) throws -> any Layer {
    switch example.className {
    case "LSTM": try lstm(example)
    case "GRU": try gru(example)
    default: try simple(example)
    }
  }

  private static func simple(_ example: FixtureCase) throws -> SimpleRNN {
    SimpleRNN(
      try example.integer("units"), activation: try gate(example, "activation") ?? .tanh,
      useBias: try example.argument("use_bias")?.bool() ?? true,
      returnSequences: try example.flag("return_sequences"),
      returnState: try example.flag("return_state"),
      goBackwards: try example.flag("go_backwards"),
      stateful: try example.flag("stateful"))
  }

  private static func gru(_ example: FixtureCase) throws -> GRU {
    GRU(
      try example.integer("units"), activation: try gate(example, "activation") ?? .tanh,
      recurrentActivation: try gate(example, "recurrent_activation") ?? .sigmoid,
      useBias: try example.argument("use_bias")?.bool() ?? true,
      resetAfter: try example.argument("reset_after")?.bool() ?? true,
      returnSequences: try example.flag("return_sequences"),
      returnState: try example.flag("return_state"),
      goBackwards: try example.flag("go_backwards"),
      stateful: try example.flag("stateful"))
  }

  private static func lstm(_ example: FixtureCase) throws -> LSTM {
    LSTM(
      try example.integer("units"), activation: try gate(example, "activation") ?? .tanh,
      recurrentActivation: try gate(example, "recurrent_activation") ?? .sigmoid,
      useBias: try example.argument("use_bias")?.bool() ?? true,
      returnSequences: try example.flag("return_sequences"),
      returnState: try example.flag("return_state"),
      goBackwards: try example.flag("go_backwards"),
      stateful: try example.flag("stateful"))
  }

  private static func gate(_ example: FixtureCase, _ key: String) throws -> ActivationFunction? {
    try example.argument(key).flatMap { function(try $0.string(), example) }
  }
}

extension LayerTests {
  /// Layers that work on sequences.
  static let sequenceExamples: [(name: String, make: @Sendable () -> AnyModule, input: Shape)] = [
    ("SimpleRNN", { SimpleRNN(4) }, [3, 4, 2]),
    ("GRU", { GRU(4, returnSequences: true, returnState: true) }, [3, 4, 2]),
    ("LSTM", { LSTM(4, goBackwards: true) }, [3, 4, 2]),
    ("LSTM of one step", { LSTM(4) }, [3, 1, 2]),
    ("Bidirectional", { Bidirectional(GRU(3)) }, [3, 4, 2]),
    ("TimeDistributed", { TimeDistributed(Linear(3)) }, [3, 4, 2]),
    ("Masking", { Masking() }, [3, 4, 2]),
  ]
}
