import Tensors

/// Evaluates with the moving averages of the weights that the optimizer keeps (``OptimizerOptions/useEMA``): the model has them from the beginning of an evaluation or
/// prediction to its end, also in the validation of `fit`.
///
/// ```swift
/// let model = Model(
///   module: net, loss: loss, optimizer: SGD(learningRate: 0.1, options: OptimizerOptions(useEMA: true)))
/// // Metrics of validation, and the files, are those of the averages.
/// try model.fit(
///   x: x, y: y, callbacks: [SwapEMAWeights(swapOnEpoch: true), ModelCheckpoint(path: "best.safetensors")],
///   validationSplit: 0.2)
/// ```
///
/// The trained weights are kept meanwhile, a copy of all parameters, and the averages stay as they are.
///
/// - Note: Departs from Keras: `fit` always ends with the averages, and after `predict` the model has its trained weights again. Keras exchanges both
///   in place: there `fit` ends with the trained weights when it ends before its last epoch (`EarlyStopping`), and the averages stay in the model after
///   `predict`.
/// - SeeAlso: Keras, `callbacks.SwapEMAWeights`.
public final class SwapEMAWeights: Callback, StatefulCallback {
  private let swapOnEpoch: Bool
  /// The trained weights, while the model has the averages.
  private var trained: [(parameter: Variable, value: Tensor)]?

  /// A callback that swaps weights.
  ///
  /// - Parameter swapOnEpoch: whether the model also has the averages from the end of each epoch to the beginning of the next, for callbacks behind this one.
  public init(swapOnEpoch: Bool = false) { self.swapOnEpoch = swapOnEpoch }

  /// Makes sure that there are averages.
  ///
  /// - Throws: `EngineError.model` when the optimizer keeps none.
  public override func onTrainBegin(logs: Logs) throws {
    trained = nil
    try requireAverages()
  }

  /// Goes on with the trained weights.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) { takeTrained() }

  /// Takes the averages, with `swapOnEpoch`.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    if swapOnEpoch { try takeAverages() }
  }

  /// Forgets the trained weights: after `fit` the model has the averages, as with every optimizer that keeps them.
  public override func onTrainEnd(logs: Logs) { trained = nil }

  /// Takes the averages.
  ///
  /// - Throws: `EngineError.model` when the optimizer keeps none.
  public override func onTestBegin(logs: Logs) throws { try takeAverages() }

  /// Takes the trained weights again.
  public override func onTestEnd(logs: Logs) { takeTrained() }

  /// Takes the averages.
  ///
  /// - Throws: `EngineError.model` when the optimizer keeps none.
  public override func onPredictBegin(logs: Logs) throws { try takeAverages() }

  /// Takes the trained weights again.
  public override func onPredictEnd(logs: Logs) { takeTrained() }

  /// The trained weights, while the model has the averages; nil otherwise.
  public func savedState() -> [Tensor]? { trained?.map(\.value) }

  /// Has the trained weights at hand again, for the next epoch.
  public func restore(_ state: [Tensor]?) {
    let parameters = model?.optimizer?.averages.map(\.parameter) ?? []
    trained = state.map { Array(zip(parameters, $0)) }
  }

  private func requireAverages() throws {
    guard model?.optimizer?.options.useEMA != true else { return }
    throw EngineError.model(
      message: "SwapEMAWeights: the optimizer keeps no averages of the weights: give it "
        + "options: OptimizerOptions(useEMA: true)")
  }

  private func takeAverages() throws {
    try requireAverages()
    guard trained == nil, let averages = model?.optimizer?.averages else { return }
    trained = averages.map { ($0.parameter, $0.parameter.value) }
    for (parameter, average) in averages { parameter.value = average.value }
  }

  private func takeTrained() {
    for (parameter, value) in trained ?? [] { parameter.value = value }
    trained = nil
  }
}
