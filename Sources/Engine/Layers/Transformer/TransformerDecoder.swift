import Tensors

/// Decoder layers one after the other, and perhaps a normalisation at the end.
///
/// Input and output as those of ``TransformerDecoderLayer``; every layer sees the same memory. Children: `layers/0`,
/// `layers/1`, ..., `norm`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.TransformerDecoder`.
public final class TransformerDecoder: Module {
  /// The layers in order.
  public let layers: [TransformerDecoderLayer]
  /// What is applied to the last one's output.
  public let norm: LayerNormalization?

  /// A decoder of `numLayers` layers alike.
  ///
  /// - Parameter finalNorm: whether the output is normalised; by default where layers normalise first, because else the
  ///   last one has done it.
  public init(
    numLayers: Int, numHeads: Int, feedForwardDim: Int = 2048, dropout: Double = 0.1,
    activation: ActivationFunction = .relu, normFirst: Bool = false, finalNorm: Bool? = nil,
    epsilon: Double = 1e-5, useBias: Bool = true, useCausalMask: Bool = true,
    name: String? = nil
  ) {
    layers = (0..<Swift.max(numLayers, 0)).map { _ in
      TransformerDecoderLayer(
        numHeads: numHeads, feedForwardDim: feedForwardDim, dropout: dropout,
        activation: activation, normFirst: normFirst, epsilon: epsilon, useBias: useBias,
        useCausalMask: useCausalMask)
    }
    norm = finalNorm ?? normFirst ? LayerNormalization(epsilon: epsilon, center: useBias) : nil
    super.init(name: name)
    if numLayers < 1 { wrongArgument("numLayers", must: "be positive", got: "\(numLayers)") }
  }

  /// An output of the shape of `x`.
  public func call(_ input: TransformerDecoderInputs) -> Tensor {
    var input = input
    for layer in layers { input.x = layer(input) }
    return norm.map { $0(input.x) } ?? input.x
  }

  /// An output of the shape of `x`; the parameters are the fields of ``TransformerDecoderInputs``.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: Tensor? = nil, memoryMask: Tensor? = nil,
    attentionMask: Tensor? = nil, memoryAttentionMask: Tensor? = nil
  ) -> Tensor {
    self(
      TransformerDecoderInputs(
        x: x, memory: memory, mask: mask, memoryMask: memoryMask, attentionMask: attentionMask,
        memoryAttentionMask: memoryAttentionMask))
  }
}
