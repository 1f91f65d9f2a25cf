import Tensors

/// The values of a cell's variables.
struct RecurrentWeights {
  let kernel: Tensor
  let recurrentKernel: Tensor
  let bias: Tensor?
}

/// What ``SimpleRNNCell``, ``GRUCell`` and ``LSTMCell`` share: settings, and the variables that they describe.
public class BaseRecurrentCell: AnyModule {
  final let settings: RecurrentSettings

  init(_ settings: RecurrentSettings, name: String?) {
    self.settings = settings
    super.init(name: name)
    if units < 1 { wrongArgument("units", must: "be positive", got: "\(units)") }
    check(rate: settings.dropout, "dropout")
    check(rate: settings.recurrentDropout, "recurrentDropout")
  }

  /// The length of output and states.
  public final var units: Int { settings.units }

  /// The variables `kernel`, `recurrent_kernel` and `bias` of a cell with `gates` gates.
  ///
  /// - Parameters:
  ///   - gates: how many gates there are.
  ///   - x: the input, `[batch, features]`.
  ///   - biasShape: that of the bias; `[gates · units]` by default.
  ///   - biasInitializer: takes the place of that in the settings.
  /// - Returns: the values of the variables.
  final func weights(
    gates: Int, for x: Tensor, biasShape: Shape? = nil, biasInitializer: (any Initializer)? = nil
  ) -> RecurrentWeights {
    let columns = gates * units
    let kernel = parameter(
      "kernel", shape: [x.shape[-1], columns], initializer: settings.kernelInitializer,
      constraint: settings.kernelConstraint, dtype: x.dtype)
    let recurrentKernel = parameter(
      "recurrent_kernel", shape: [units, columns],
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
  ///   - kernel: `[features, gates · units]`.
  ///   - bias: `[gates · units]`, or nil for none.
  /// - Returns: `[batch, time, gates · units]`.
  final func inputSums(_ x: Tensor, kernel: Tensor, bias: Tensor?) -> Tensor {
    let product = matmul(dropped(x), kernel)
    return bias.map { product + $0 } ?? product
  }

  private func dropped(_ x: Tensor) -> Tensor {
    guard isTraining, settings.dropout > 0 else { return x }
    var shape = x.shape.dimensions
    if x.rank == 3 { shape[1] = 1 }
    return dropout(x, rate: settings.dropout, key: nextKey(), noiseShape: Shape(shape))
  }

  /// Factors `[batch, units]` that drop a part of the state, the same one at every step; nil where nothing is dropped.
  final func stateDropout(for x: Tensor) -> Tensor? {
    guard isTraining, settings.recurrentDropout > 0 else { return nil }
    let ones = Tensor.ones([x.shape[0], units], dtype: x.dtype)
    return dropout(ones, rate: settings.recurrentDropout, key: nextKey())
  }
}

extension Tensor {
  /// The state times the factors that drop a part of it.
  func dropped(_ factors: Tensor?) -> Tensor { factors.map { self * $0 } ?? self }
}
