import Tensors

/// A transformer from one sequence to another: an encoder of the source, and a decoder of the target that attends to it.
///
/// Source `[batch, steps, features]` and target `[batch, time, features]`, already embedded; output of the target's shape. A
/// step of the target sees no later one. Encoder and decoder end with a normalisation, as in PyTorch. Children: `encoder`,
/// `decoder`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.Transformer`.
public final class Transformer: Module {
  /// What the layer takes.
  public struct Inputs: Codable {
    /// What the encoder reads, `[batch, steps, features]`.
    public var source: Tensor
    /// What the decoder reads, `[batch, time, features]`.
    public var target: Tensor
    /// `[batch, steps]`: false for steps of the source that are padding.
    public var sourceMask: Tensor?
    /// `[batch, time]`: false for steps of the target that are padding.
    public var targetMask: Tensor?

    /// Inputs in which every step counts, unless a mask says otherwise.
    public init(
      source: Tensor, target: Tensor, sourceMask: Tensor? = nil, targetMask: Tensor? = nil
    ) {
      self.source = source
      self.target = target
      self.sourceMask = sourceMask
      self.targetMask = targetMask
    }
  }

  /// What reads the source.
  public let encoder: TransformerEncoder
  /// What reads the target and the encoder's output.
  public let decoder: TransformerDecoder

  /// A transformer; PyTorch's defaults.
  public init(
    numHeads: Int = 8, numEncoderLayers: Int = 6, numDecoderLayers: Int = 6,
    feedForwardDim: Int = 2048, dropout: Double = 0.1, activation: ActivationFunction = .relu,
    normFirst: Bool = false, epsilon: Double = 1e-5, useBias: Bool = true, name: String? = nil
  ) {
    encoder = TransformerEncoder(
      numLayers: numEncoderLayers, numHeads: numHeads, feedForwardDim: feedForwardDim,
      dropout: dropout, activation: activation, normFirst: normFirst, finalNorm: true,
      epsilon: epsilon, useBias: useBias)
    decoder = TransformerDecoder(
      numLayers: numDecoderLayers, numHeads: numHeads, feedForwardDim: feedForwardDim,
      dropout: dropout, activation: activation, normFirst: normFirst, finalNorm: true,
      epsilon: epsilon, useBias: useBias)
    super.init(name: name)
  }

  /// An output of the target's shape.
  public func call(_ input: Inputs) -> Tensor {
    let memory = encoder(input.source, mask: input.sourceMask)
    return decoder(
      input.target, memory: memory, mask: input.targetMask, memoryMask: input.sourceMask)
  }

  /// An output of the target's shape; the parameters are the fields of ``Inputs``.
  public func callAsFunction(
    _ source: Tensor, _ target: Tensor, sourceMask: Tensor? = nil, targetMask: Tensor? = nil
  ) -> Tensor {
    self(
      Inputs(source: source, target: target, sourceMask: sourceMask, targetMask: targetMask))
  }
}
