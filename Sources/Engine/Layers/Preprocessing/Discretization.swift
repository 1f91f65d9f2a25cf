import Tensors

/// Numbers as the bins that they fall into: bin `i` holds what is at least boundary `i − 1` and less than boundary `i`.
///
/// The boundaries are given, or taken from data so that bins are about equally full; then they are a state, `boundaries`, saved
/// with the module.
///
/// - SeeAlso: Keras, `layers.Discretization`.
public final class Discretization: Module {
  /// The number of bins.
  public let bins: Int
  /// How bins are written.
  public let output: CategoryOutput
  private let boundaries: [Double]?
  private let epsilon: Double

  /// A layer with known boundaries, which must rise; else it fails with ``EngineError/invalidArgument(message:)``.
  public init(boundaries: [Double], output: CategoryOutput = .index, name: String? = nil) {
    self.boundaries = boundaries
    self.output = output
    bins = boundaries.count + 1
    epsilon = 0
    super.init(name: name)
    if !zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 < $1 }) {
      wrongArgument("boundaries", must: "rise", got: "\(boundaries)")
    }
  }

  /// A layer whose boundaries ``adapt(_:)`` finds.
  ///
  /// - Parameters:
  ///   - bins: how many there are.
  ///   - epsilon: how finely quantiles are told apart: 0.01 keeps a hundred numbers of the data. At most 1 / `bins`.
  ///   - output: the form in which bins are given.
  ///   - name: that of the layer.
  public init(
    bins: Int, epsilon: Double = 0.01, output: CategoryOutput = .index, name: String? = nil
  ) {
    self.bins = bins
    self.epsilon = epsilon
    self.output = output
    boundaries = nil
    super.init(name: name)
    if bins < 1 { wrongArgument("bins", must: "be positive", got: "\(bins)") }
    if !(epsilon > 0 && Double(bins) * epsilon <= 1) {
      wrongArgument("epsilon", must: "be above 0 and at most 1 / \(bins)", got: "\(epsilon)")
    }
  }

  /// Takes boundaries from data of any shape, all at once; what was found before is forgotten.
  public func adapt(_ data: Tensor) {
    guard boundaries == nil else {
      return wrongArguments("boundaries are given: there is nothing to adapt")
    }
    guard data.elementCount >= bins, !data.isInvalid else {
      _ = wrongInput(data, expected: "as many numbers as there are bins, \(bins), at least")
      return
    }
    let found = Quantiles(data.scalars(as: Double.self), epsilon: epsilon).boundaries(bins: bins)
    // Makes the variable, unless there is one.
    _ = state
    updateParameter("boundaries", to: Tensor(found, dtype: .float64))
  }

  /// `[...]` to `[...]`, or as ``CategoryOutput`` describes.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank >= 1, !x.isInvalid else { return wrongInput(x, expected: "[batch, ...]") }
    let limits = boundaries.map { Tensor($0, dtype: .float64) } ?? state
    let x = floating(x)
    let below = expandDims(x, axis: -1) .< limits.cast(to: x.dtype)
    let indices = Tensor(Int32(bins - 1)) - sum(below.cast(to: .int32), axis: -1)
    return output.encoded(indices, depth: bins)
  }

  private var state: Tensor {
    parameter(
      "boundaries", shape: [bins - 1], initializer: Zeros(), trainable: false, dtype: .float64)
  }
}
