import Tensors

/// How a parameter of a layer starts, and what is asked of it in training.
struct ParameterOptions {
  let initializer: any Initializer
  let regularizer: (any Regularizer)?
  let constraint: (any Constraint)?

  init(
    _ initializer: any Initializer, _ regularizer: (any Regularizer)?,
    _ constraint: (any Constraint)?
  ) {
    self.initializer = initializer
    self.regularizer = regularizer
    self.constraint = constraint
  }
}

extension AnyModule {
  /// A parameter with its penalty.
  func parameter(
    _ name: String, shape: Shape, _ options: ParameterOptions, dtype: DType
  ) -> Tensor {
    let value = parameter(
      name, shape: shape, initializer: options.initializer, constraint: options.constraint,
      dtype: dtype)
    regularize(name, with: options.regularizer)
    return value
  }
}
