import Tensors

/// What a transformer's encoder takes: a sequence, alone or with masks.
public struct TransformerInputs: Codable {
  /// The sequences, `[batch, time, features]`.
  public var x: Tensor
  /// `[batch, time]`: false for steps that are padding, at which nobody looks.
  public var mask: Tensor?
  /// True where a step sees another: of a shape that broadcasts to `[batch, time, time]`, or `[batch, heads, time, time]`.
  public var attentionMask: Tensor?

  /// Inputs in which every step counts, unless a mask says otherwise.
  public init(x: Tensor, mask: Tensor? = nil, attentionMask: Tensor? = nil) {
    self.x = x
    self.mask = mask
    self.attentionMask = attentionMask
  }
}

extension Callable where Self: AnyModule, Input == TransformerInputs, Output == Tensor {
  /// An output of the shape of `x`; the parameters are the fields of ``TransformerInputs``.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, attentionMask: Tensor? = nil
  ) -> Tensor {
    self(TransformerInputs(x: x, mask: mask, attentionMask: attentionMask))
  }
}

/// A layer of a transformer's encoder: attention to itself and two linear layers, each with a residual connection and a
/// layer normalisation.
///
/// Input `[batch, time, features]`, alone or as ``TransformerInputs``; output of the same shape. Masks are true for what
/// counts (PyTorch's are the other way round). Children: `self_attention` (see ``MultiHeadAttention``), `norm1`,
/// `linear1`, `linear2`, `norm2`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; for `normFirst` Xiong et al., *On Layer
///   Normalization in the Transformer Architecture* (2020); PyTorch, `nn.TransformerEncoderLayer`.
public final class TransformerEncoderLayer: BaseTransformerLayer, Callable, TakesMask {
  /// A layer of `numHeads` heads, among which the features are shared; PyTorch's defaults.
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
    useBias: Bool = true, useCausalMask: Bool = false, name: String? = nil
  ) {
    self.init(
      TransformerOptions(
        numHeads: numHeads, feedForwardDim: feedForwardDim, dropout: dropout,
        activation: activation, normFirst: normFirst, epsilon: epsilon, useBias: useBias),
      useCausalMask: useCausalMask, name: name)
  }

  /// An output of the shape of `x`.
  public func call(_ input: TransformerInputs) -> Tensor {
    run(input.x, mask: input.mask, attentionMask: input.attentionMask)
  }
}

/// Encoder layers one after the other, and perhaps a normalisation at the end.
///
/// Input and output as those of ``TransformerEncoderLayer``. Children: `layers/0`, `layers/1`, ..., `norm`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.1; PyTorch, `nn.TransformerEncoder`.
public final class TransformerEncoder: BaseTransformerStack<TransformerEncoderLayer>, Callable,
  TakesMask
{
  /// An encoder of `numLayers` layers alike.
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
    epsilon: Double = 1e-5, useBias: Bool = true, useCausalMask: Bool = false,
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
  public func call(_ input: TransformerInputs) -> Tensor {
    run(input.x) { layer, x in
      layer(x, mask: input.mask, attentionMask: input.attentionMask)
    }
  }
}
