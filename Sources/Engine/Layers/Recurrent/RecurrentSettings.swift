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
