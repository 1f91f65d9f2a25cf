import Tensors

/// A penalty on all parameters of a model at once, biases included; frozen ones do not count.
///
/// ```swift
/// Model(module: m, losses: [MeanSquaredError(), RegularizationLoss(L2(1e-4))])
/// ```
///
/// It asks for `parameters` and nothing else, and is logged as `l2_regularization_loss`. Each layer can have a penalty of its
/// own instead (`kernelRegularizer:`).
///
/// - SeeAlso: Elegy, `regularizers.GlobalL2`.
public struct RegularizationLoss: Loss {
  /// What the loss asks for.
  public struct Inputs: Decodable {
    let parameters: OrderedParameters
  }

  /// Reduction, weight and name.
  public let options: LossOptions
  private let regularizer: any Regularizer

  /// A penalty that is the sum of the regularizer's over all parameters.
  public init(_ regularizer: some Regularizer, weight: Double = 1, name: String? = nil) {
    self.regularizer = regularizer
    let name = name ?? snakeCase("\(type(of: regularizer))") + "_regularization"
    options = LossOptions(reduction: .sumOverBatchSize, weight: weight, name: name)
  }

  /// The sum; a scalar.
  public func call(_ inputs: Inputs) -> Tensor {
    let penalties = inputs.parameters.values.map(regularizer.callAsFunction)
    return penalties.dropFirst().reduce(penalties.first ?? Tensor(0.0)) { $0 + $1 }
  }

  /// Parameters in the order of the module.
  struct OrderedParameters: Decodable {
    let values: [Tensor]

    init(from decoder: any Decoder) throws {
      values = try decoder.singleValueContainer().decode(Structure.self).tensors
    }
  }
}
