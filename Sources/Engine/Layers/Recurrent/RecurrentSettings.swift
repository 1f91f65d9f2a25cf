import Tensors

/// What the cells of ``SimpleRNN``, ``GRU`` and ``LSTM`` have in common; a number stands for its units.
public struct RecurrentSettings: ExpressibleByIntegerLiteral {
  /// The length of output and states.
  public var units: Int
  /// What is applied to the candidate of the next state.
  public var activation: ActivationFunction
  /// Whether there are biases.
  public var useBias: Bool
  /// The initial values of the kernel `[features, gates · units]`.
  public var kernelInitializer: any Initializer
  /// The initial values of the recurrent kernel `[units, gates · units]`.
  public var recurrentInitializer: any Initializer
  /// The initial values of the bias.
  public var biasInitializer: any Initializer
  /// The penalty of the kernel.
  public var kernelRegularizer: (any Regularizer)?
  /// The penalty of the recurrent kernel.
  public var recurrentRegularizer: (any Regularizer)?
  /// The penalty of the bias.
  public var biasRegularizer: (any Regularizer)?
  /// Where the kernel is put back to after each update.
  public var kernelConstraint: (any Constraint)?
  /// Where the recurrent kernel is put back to after each update.
  public var recurrentConstraint: (any Constraint)?
  /// Where the bias is put back to after each update.
  public var biasConstraint: (any Constraint)?
  /// The share of the inputs that is dropped while training, the same at all steps.
  public var dropout: Double
  /// The share of the state that is dropped on its way into the product, the same at all steps.
  public var recurrentDropout: Double

  /// Settings of a cell; Keras's defaults. A cell checks them when it is made.
  public init(
    _ units: Int, activation: ActivationFunction = .tanh, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    recurrentInitializer: any Initializer = Orthogonal(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, recurrentConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, dropout: Double = 0, recurrentDropout: Double = 0
  ) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
    self.kernelInitializer = kernelInitializer
    self.recurrentInitializer = recurrentInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.recurrentRegularizer = recurrentRegularizer
    self.biasRegularizer = biasRegularizer
    self.kernelConstraint = kernelConstraint
    self.recurrentConstraint = recurrentConstraint
    self.biasConstraint = biasConstraint
    self.dropout = dropout
    self.recurrentDropout = recurrentDropout
  }

  /// Settings with this number of units; Keras's defaults.
  public init(integerLiteral units: Int) { self.init(units) }
}

/// The values of a cell's variables.
struct RecurrentWeights {
  let kernel: Tensor
  let recurrentKernel: Tensor
  let bias: Tensor?
}

extension RecurrentCell {
  /// Checks settings when a cell is made.
  func check(_ settings: RecurrentSettings) {
    if settings.units < 1 { wrongArgument("units", must: "be positive", got: "\(settings.units)") }
    for (name, rate) in [
      ("dropout", settings.dropout), ("recurrentDropout", settings.recurrentDropout),
    ] where !(0..<1).contains(rate) {
      wrongArgument("\(name)", must: "be in 0..<1", got: "\(rate)")
    }
  }

  /// The variables `kernel`, `recurrent_kernel` and `bias` of a cell with `gates` gates.
  ///
  /// - Parameters:
  ///   - settings: of the layer.
  ///   - gates: how many gates there are.
  ///   - x: the input, `[batch, features]`.
  ///   - biasShape: that of the bias; `[gates · units]` by default.
  ///   - biasInitializer: takes the place of that in the settings.
  /// - Returns: the values of the variables.
  func weights(
    _ settings: RecurrentSettings, gates: Int, for x: Tensor, biasShape: Shape? = nil,
    biasInitializer: (any Initializer)? = nil
  ) -> RecurrentWeights {
    let columns = gates * settings.units
    let kernel = parameter(
      "kernel", shape: [x.shape[-1], columns], initializer: settings.kernelInitializer,
      constraint: settings.kernelConstraint, dtype: x.dtype)
    let recurrentKernel = parameter(
      "recurrent_kernel", shape: [settings.units, columns],
      initializer: settings.recurrentInitializer, constraint: settings.recurrentConstraint,
      dtype: x.dtype)
    let biasInitializer = biasInitializer ?? settings.biasInitializer
    let bias =
      settings.useBias
      ? parameter(
        "bias", shape: biasShape ?? [columns], initializer: biasInitializer,
        constraint: settings.biasConstraint, dtype: x.dtype) : nil
    regularize("kernel", with: settings.kernelRegularizer)
    regularize("recurrent_kernel", with: settings.recurrentRegularizer)
    regularize("bias", with: settings.biasRegularizer)
    return RecurrentWeights(kernel: kernel, recurrentKernel: recurrentKernel, bias: bias)
  }

  /// `x · kernel + bias` for all steps at once; while training with inputs dropped, the same ones at all steps.
  ///
  /// - Parameters:
  ///   - x: the input, `[batch, time, features]`.
  ///   - settings: of the layer.
  ///   - kernel: `[features, gates · units]`.
  ///   - bias: `[gates · units]`, or nil for none.
  /// - Returns: `[batch, time, gates · units]`.
  func inputSums(
    _ x: Tensor, _ settings: RecurrentSettings, kernel: Tensor, bias: Tensor?
  ) -> Tensor {
    let product = matmul(dropped(x, settings), kernel)
    return bias.map { product + $0 } ?? product
  }

  private func dropped(_ x: Tensor, _ settings: RecurrentSettings) -> Tensor {
    guard isTraining, settings.dropout > 0 else { return x }
    var shape = x.shape.dimensions
    if x.rank == 3 { shape[1] = 1 }
    return dropout(x, rate: settings.dropout, key: nextKey(), noiseShape: Shape(shape))
  }

  /// What drops a part of the state, the same one at every step.
  func stateDropout(_ settings: RecurrentSettings, for x: Tensor) -> (Tensor) -> Tensor {
    guard isTraining, settings.recurrentDropout > 0 else { return { $0 } }
    let ones = Tensor.ones([x.shape[0], settings.units], dtype: x.dtype)
    let mask = dropout(ones, rate: settings.recurrentDropout, key: nextKey())
    return { $0 * mask }
  }
}
