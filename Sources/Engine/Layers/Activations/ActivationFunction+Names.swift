import Tensors

/// Functions by Keras's names: `Linear(64, activation: "relu")`.
extension ActivationFunction: ExpressibleByStringLiteral {
  /// The function with this name in Keras, with Keras's defaults.
  ///
  /// Another name fails with ``EngineError/invalidArgument(message:)``.
  public init(stringLiteral name: String) { self = .named(name) }

  /// The function with this name in Keras, such as `leaky_relu`, with Keras's defaults.
  ///
  /// Another name fails with ``EngineError/invalidArgument(message:)``.
  public static func named(_ name: String) -> Self {
    if let known = byName[name] { return known }
    let names = byName.keys.sorted()
    fail(
      EngineError(
        .invalidArgument, .name(name, kind: "activation", holder: nil, known: names)))
    return .linear
  }

  private static let byName: [String: Self] = [
    "celu": celu(), "elu": elu(), "exponential": exponential, "gelu": gelu, "glu": glu,
    "hard_shrink": hardShrink(), "hard_sigmoid": hardSigmoid, "hard_silu": hardSiLU,
    "hard_swish": hardSiLU, "hard_tanh": hardTanh, "leaky_relu": leakyReLU(), "linear": linear,
    "log_sigmoid": logSigmoid, "log_softmax": logSoftmax, "mish": mish, "relu": relu,
    "relu6": relu6, "selu": selu, "sigmoid": sigmoid, "silu": silu, "soft_shrink": softShrink(),
    "softmax": softmax, "softplus": softplus, "softsign": softsign, "sparse_plus": sparsePlus,
    "sparse_sigmoid": sparseSigmoid, "squareplus": squareplus(), "swish": silu, "tanh": tanh,
    "tanh_shrink": tanhShrink,
  ]
}
