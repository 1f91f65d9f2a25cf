import Tensors

/// A table of learned vectors: each number of the input becomes the row with this number.
///
/// Input of whole numbers `[...]` in `0 ..< inputs`, of any type, output `[..., outputs]`; another number, a fraction or
/// NaN is an error that names it.
/// Parameter: `embeddings` `[inputs, outputs]`.
///
/// With `maskZero` the number 0 stands for no step at all: the layer announces the mask ``mask(of:)``.
///
/// - SeeAlso: Bengio et al., *A Neural Probabilistic Language Model* (2003), §2; Keras, `layers.Embedding`.
public final class Embedding: Module {
  /// The number of rows of the table.
  public let inputs: Int
  /// The length of a row.
  public let outputs: Int
  /// Whether the number 0 is padding.
  public let maskZero: Bool
  private let initializer: any Initializer
  private let regularizer: (any Regularizer)?
  private let constraint: (any Constraint)?

  /// A table of `inputs` rows of length `outputs`; even over ±0.05 at first, as in Keras.
  public init(
    inputs: Int, outputs: Int, maskZero: Bool = false, initializer: any Initializer = Uniform(),
    regularizer: (any Regularizer)? = nil, constraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.maskZero = maskZero
    self.initializer = initializer
    self.regularizer = regularizer
    self.constraint = constraint
    super.init(name: name)
    if inputs < 1 || outputs < 0 {
      wrongArguments("needs a row at least, got a table [\(inputs), \(outputs)]")
    }
  }

  /// `[...]` to `[..., outputs]`.
  public func call(_ x: Tensor) -> Tensor {
    let table = parameter(
      "embeddings", shape: [inputs, outputs], initializer: initializer, constraint: constraint)
    regularize("embeddings", with: regularizer)
    if maskZero { setMask(mask(of: x)) }
    return take(table, wholeNumbers(x, below: inputs, typeName))
  }

  /// A boolean tensor of the shape of `x`: where its numbers are no padding, true unless 0.
  public func mask(of x: Tensor) -> Tensor { x .!= 0 }
}
