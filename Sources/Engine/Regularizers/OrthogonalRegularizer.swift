import Tensors

/// Pulls the rows or the columns of a matrix towards right angles: the factor times the mean absolute cosine of the angle
/// between two of them.
///
/// - Note: Departs from Keras: the penalty of a single vector is 0; in Keras it is NaN.
/// - SeeAlso: Keras, `regularizers.OrthogonalRegularizer`.
public struct OrthogonalRegularizer: Regularizer {
  /// Which vectors are meant.
  public enum Mode: String, Hashable, Sendable {
    /// The rows of the matrix.
    case rows
    /// The columns: for a kernel `[in, units]` the weights of a unit.
    case columns
  }

  /// What the mean absolute cosine is multiplied by.
  public let factor: Double
  /// Which vectors are meant.
  public let mode: Mode

  /// The penalty; Keras's defaults.
  public init(_ factor: Double = 0.01, mode: Mode = .rows) {
    self.factor = factor
    self.mode = mode
  }

  /// The penalty of a matrix; another rank fails with ``EngineError/shape(operation:message:)``.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    guard parameter.rank == 2 else {
      return fail(
        EngineError.shape(
          operation: "OrthogonalRegularizer",
          message: "takes a matrix [rows, columns], got \(parameter.shape)"))
    }
    let unit = normalize(parameter, axes: [mode == .rows ? 1 : 0], epsilon: 1e-7)
    let cosines =
      mode == .rows ? matmul(unit, unit.transposed) : matmul(unit.transposed, unit)
    let count = cosines.shape[0]
    let others = 1 - Tensor.eye(count, dtype: cosines.dtype)
    let pairs = Swift.max(Double(count * (count - 1)), 1)
    return sum(abs(cosines * others)) * (factor / pairs)
  }
}
