import Engine

extension LayerTests {
  /// Layers that take several tensors, and others of their kinds, each with shapes that it takes.
  static let severalInputs: [(name: String, make: @Sendable () -> AnyModule, inputs: [Shape])] = [
    ("Add", { Add() }, [[3, 5], [3, 5], [3, 5]]),
    ("Add of several ranks", { Add() }, [[3, 5], [3, 2, 5]]),
    ("Subtract", { Subtract() }, [[3, 5], [3, 5]]),
    ("Multiply", { Multiply() }, [[3, 5], [3, 1]]),
    ("Average", { Average() }, [[3, 5], [3, 5], [3, 5]]),
    ("Maximum", { Maximum() }, [[3, 5], [3, 5]]),
    ("Minimum", { Minimum() }, [[3, 5], [3, 5]]),
    ("Concatenate", { Concatenate() }, [[3, 5], [3, 2]]),
    ("Dot", { Dot(axes: 1) }, [[3, 5], [3, 5]]),
    ("Dot of tensors", { Dot(axes: (1, 2), normalize: true) }, [[3, 5, 2], [3, 4, 5]]),
    ("GroupNormalization", { GroupNormalization(groups: 2) }, [[3, 5, 6]]),
    (
      "GroupNormalization of channels first", { GroupNormalization(groups: 2, axis: 1) },
      [[3, 6, 5]]
    ),
    ("InstanceNormalization", { InstanceNormalization() }, [[3, 4, 5, 2]]),
    ("RMSNormalization", { RMSNormalization() }, [[3, 5]]),
    ("UnitNormalization", { UnitNormalization() }, [[3, 5]]),
    ("PReLU", { PReLU(alphaInitializer: Constant(0.25), sharedAxes: [1]) }, [[3, 4, 5]]),
    ("ELU", { ELU() }, [[3, 5]]),
    ("GLU", { GLU() }, [[3, 4]]),
    ("Mish", { Mish() }, [[3, 4]]),
    ("Permute", { Permute([2, 1]) }, [[3, 4, 5]]),
    ("RepeatVector", { RepeatVector(2) }, [[3, 5]]),
    ("Identity", { Identity() }, [[3, 5]]),
    ("ActivityRegularization", { ActivityRegularization(l1: 1, l2: 1) }, [[3, 5]]),
    ("Normalization", { Normalization() }, [[3, 5]]),
    ("Discretization", { Discretization(boundaries: [-0.5, 0.5]) }, [[3, 5]]),
    ("MLP", { MLP([4, 2]) }, [[3, 5]]),
    ("CategoryEncoding", { CategoryEncoding(7) }, [[3, 5]]),
    ("SpatialDropout1D", { SpatialDropout1D(0.5) }, [[3, 4, 2]]),
    ("SpatialDropout2D", { SpatialDropout2D(0.5) }, [[3, 4, 5, 2]]),
    ("SpatialDropout3D", { SpatialDropout3D(0.5) }, [[3, 2, 3, 2, 2]]),
    ("GaussianNoise", { GaussianNoise(0.5) }, [[3, 5]]),
    ("GaussianDropout", { GaussianDropout(0.5) }, [[3, 5]]),
    ("AlphaDropout", { AlphaDropout(0.5) }, [[3, 5]]),
    (
      "TransformerDecoderLayer", { TransformerDecoderLayer(numHeads: 2, feedForwardDim: 8) },
      [[3, 4, 6], [3, 5, 6]]
    ),
    (
      "TransformerDecoder",
      { TransformerDecoder(numLayers: 2, numHeads: 2, feedForwardDim: 8, normFirst: true) },
      [[3, 4, 6], [3, 5, 6]]
    ),
    (
      "Transformer",
      {
        Transformer(
          numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1, feedForwardDim: 8)
      }, [[3, 5, 6], [3, 4, 6]]
    ),
  ]

  /// Layers that are a function of elements.
  static let activations: [(String, @Sendable () -> AnyModule)] = [
    ("LogSigmoid", { LogSigmoid() }), ("HardSigmoid", { HardSigmoid() }),
    ("HardTanh", { HardTanh() }), ("Softsign", { Softsign() }), ("ReLU6", { ReLU6() }),
    ("SELU", { SELU() }), ("CELU", { CELU() }), ("SiLU", { SiLU() }), ("HardSiLU", { HardSiLU() }),
    ("TanhShrink", { TanhShrink() }), ("SoftShrink", { SoftShrink() }),
    ("HardShrink", { HardShrink() }),
  ]
}
