import Tensors

/// Encoder layers one after the other, and perhaps a normalisation at the end.
///
/// Input and output as those of ``TransformerEncoderLayer``. Children: `layers/0`, `layers/1`, ..., `norm`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.TransformerEncoder`.
public final class TransformerEncoder: Module, TakesMask {
  /// The layers in order.
  public let layers: [TransformerEncoderLayer]
  /// What is applied to the last one's output.
  public let norm: LayerNormalization?

  /// An encoder of `numLayers` layers alike.
  ///
  /// - Parameter finalNorm: whether the output is normalised; by default where layers normalise first, because else the
  ///   last one has done it.
  public init(
    numLayers: Int, numHeads: Int, feedForwardDim: Int = 2048, dropout: Double = 0.1,
    activation: ActivationFunction = .relu, normFirst: Bool = false, finalNorm: Bool? = nil,
    epsilon: Double = 1e-5, useBias: Bool = true, useCausalMask: Bool = false,
    name: String? = nil
  ) {
    layers = (0..<Swift.max(numLayers, 0)).map { _ in
      TransformerEncoderLayer(
        numHeads: numHeads, feedForwardDim: feedForwardDim, dropout: dropout,
        activation: activation, normFirst: normFirst, epsilon: epsilon, useBias: useBias,
        useCausalMask: useCausalMask)
    }
    norm = finalNorm ?? normFirst ? LayerNormalization(epsilon: epsilon, center: useBias) : nil
    super.init(name: name)
    if numLayers < 1 { wrongArgument("numLayers", must: "be positive", got: "\(numLayers)") }
  }

  /// An output of the shape of `x`.
  public func call(_ input: TransformerInputs) -> Tensor {
    let y = layers.reduce(input.x) { x, layer in
      layer(x, mask: input.mask, attentionMask: input.attentionMask)
    }
    return norm.map { $0(y) } ?? y
  }

  /// An output of the shape of `x`; the parameters are the fields of ``TransformerInputs``.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, attentionMask: Tensor? = nil
  ) -> Tensor {
    self(TransformerInputs(x: x, mask: mask, attentionMask: attentionMask))
  }
}
