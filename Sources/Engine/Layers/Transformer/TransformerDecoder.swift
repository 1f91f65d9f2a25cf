import Tensors

/// What a transformer's decoder takes: a sequence and the encoder's output, with masks or without.
public struct TransformerDecoderInputs: Codable {
  /// The sequences, `[batch, time, features]`.
  public var x: Tensor
  /// The encoder's output, `[batch, steps, features]`.
  public var memory: Tensor
  /// `[batch, time]`: false for steps of `x` that are padding.
  public var mask: Tensor?
  /// `[batch, steps]`: false for steps of the memory that are padding.
  public var memoryMask: Tensor?
  /// True where a step of `x` sees another: of a shape that broadcasts to `[batch, time, time]`.
  public var attentionMask: Tensor?
  /// True where a step of `x` sees one of the memory: of a shape that broadcasts to `[batch, time, steps]`.
  public var memoryAttentionMask: Tensor?

  /// Inputs in which every step counts, unless a mask says otherwise.
  public init(
    x: Tensor, memory: Tensor, mask: Tensor? = nil, memoryMask: Tensor? = nil,
    attentionMask: Tensor? = nil, memoryAttentionMask: Tensor? = nil
  ) {
    self.x = x
    self.memory = memory
    self.mask = mask
    self.memoryMask = memoryMask
    self.attentionMask = attentionMask
    self.memoryAttentionMask = memoryAttentionMask
  }
}

extension Callable where Self: AnyModule, Input == TransformerDecoderInputs, Output == Tensor {
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

/// A layer of a transformer's decoder: attention to itself, attention to the encoder's output, and two linear layers, each
/// with a residual connection and a layer normalisation.
///
/// Input ``TransformerDecoderInputs``, output of the shape of `x`. A step sees itself and those before it, unless
/// `useCausalMask` is false. Masks are true for what counts (PyTorch's are the other way round). Children:
/// `self_attention`, `norm1`, `cross_attention`, `norm2`, `linear1`, `linear2`, `norm3`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.TransformerDecoderLayer`.
public final class TransformerDecoderLayer: BaseTransformerLayer, Callable {
  /// A layer of `numHeads` heads, among which the features are shared; PyTorch's defaults, but causal.
  ///
  /// - Parameters:
  ///   - numHeads: the heads, among which the features are shared.
  ///   - feedForwardDim: the units of the first linear layer.
  ///   - dropout: the rate of dropout, of the output of each branch and within the second.
  ///   - activation: what follows the first linear layer.
  ///   - normFirst: whether branches are normalised before they begin, instead of after they have been added.
  ///   - epsilon: that of the normalisation.
  ///   - useBias: whether projections and linear layers have a bias.
  ///   - useCausalMask: whether no step sees later ones.
  ///   - name: that of the layer.
  public convenience init(
    numHeads: Int, feedForwardDim: Int = 2048, dropout: Double = 0.1,
    activation: ActivationFunction = .relu, normFirst: Bool = false, epsilon: Double = 1e-5,
    useBias: Bool = true, useCausalMask: Bool = true, name: String? = nil
  ) {
    self.init(
      TransformerOptions(
        numHeads: numHeads, feedForwardDim: feedForwardDim, dropout: dropout,
        activation: activation, normFirst: normFirst, epsilon: epsilon, useBias: useBias),
      useCausalMask: useCausalMask, name: name)
  }

  /// An output of the shape of `x`.
  public func call(_ input: TransformerDecoderInputs) -> Tensor {
    run(
      input.x, mask: input.mask, attentionMask: input.attentionMask,
      memory: Memory(
        value: input.memory, mask: input.memoryMask, attentionMask: input.memoryAttentionMask))
  }
}

/// Decoder layers one after the other, and perhaps a normalisation at the end.
///
/// Input and output as those of ``TransformerDecoderLayer``; every layer sees the same memory. Children: `layers/0`,
/// `layers/1`, ..., `norm`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.TransformerDecoder`.
public final class TransformerDecoder: BaseTransformerStack<TransformerDecoderLayer>, Callable {
  /// A decoder of `numLayers` layers alike.
  ///
  /// - Parameters:
  ///   - numLayers: how many layers there are.
  ///   - numHeads: the heads, among which the features are shared.
  ///   - feedForwardDim: the units of the first linear layer.
  ///   - dropout: the rate of dropout, of the output of each branch and within the second.
  ///   - activation: what follows the first linear layer.
  ///   - normFirst: whether branches are normalised before they begin, instead of after they have been added.
  ///   - finalNorm: whether the output is normalised; by default where layers normalise first, because else the
  ///     last one has done it.
  ///   - epsilon: that of the normalisation.
  ///   - useBias: whether projections and linear layers have a bias.
  ///   - useCausalMask: whether no step sees later ones.
  ///   - name: that of the layer.
  public convenience init(
    numLayers: Int, numHeads: Int, feedForwardDim: Int = 2048, dropout: Double = 0.1,
    activation: ActivationFunction = .relu, normFirst: Bool = false, finalNorm: Bool? = nil,
    epsilon: Double = 1e-5, useBias: Bool = true, useCausalMask: Bool = true,
    name: String? = nil
  ) {
    self.init(
      numLayers: numLayers,
      TransformerOptions(
        numHeads: numHeads, feedForwardDim: feedForwardDim, dropout: dropout,
        activation: activation, normFirst: normFirst, epsilon: epsilon, useBias: useBias),
      useCausalMask: useCausalMask, finalNorm: finalNorm, name: name)
  }

  /// An output of the shape of `x`.
  public func call(_ input: TransformerDecoderInputs) -> Tensor {
    run(input.x) { layer, x in
      var step = input
      step.x = x
      return layer(step)
    }
  }
}
