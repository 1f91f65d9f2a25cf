import Tensors

/// A loss from a function of values that key paths name:
///
/// ```swift
/// CustomLoss("mse", \.yTrue, \.yPred) { yTrue, yPred in mean(square(yTrue - yPred), axis: -1) }
/// ```
public struct CustomLoss: Loss, AsksByKeyPath {
  /// Reduction, weight, part and name.
  public let options: LossOptions
  package let askedRequirements: [Requirement]
  private let body: @Sendable (InjectedTensors) -> Tensor

  /// A loss that calls `body` with the values at `paths`.
  ///
  /// - Parameters:
  ///   - name: the name in logs.
  ///   - paths: what `body` takes, in order.
  ///   - reduction: how the values become one number.
  ///   - weight: what the loss is multiplied by in the total.
  ///   - on: the part of labels and predictions that it is about; nil for all.
  ///   - body: gives one value a sample, shape `[batch]` or `[batch, ...]`.
  public init<each Value>(
    _ name: String, _ paths: repeat KeyPath<InjectedTensors, each Value> & Sendable,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    _ body: @escaping @Sendable (repeat each Value) -> Tensor
  ) {
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
    var requirements: [Requirement] = []
    for path in repeat each paths {
      if let requirement = InjectedTensors.requirement(path) { requirements.append(requirement) }
    }
    askedRequirements = requirements
    self.body = { inputs in body(repeat inputs[keyPath: each paths]) }
  }

  /// What the function gives: one value a sample, `[batch]` or `[batch, ...]`.
  public func call(_ inputs: InjectedTensors) -> Tensor { body(inputs) }
}
