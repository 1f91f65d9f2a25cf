import Tensors

/// What a layer of a transformer's encoder and one of its decoder share: attention and two linear layers, each on a
/// residual branch with a layer normalisation.
public class BaseTransformerLayer: AnyModule {
  /// Whether step `i` sees the steps `0...i` only.
  public final let useCausalMask: Bool
  private let options: TransformerOptions

  required init(_ options: TransformerOptions, useCausalMask: Bool, name: String?) {
    self.useCausalMask = useCausalMask
    self.options = options
    super.init(name: name)
    options.check(for: self)
  }

  override var configuration: String {
    options.description + ", useCausalMask: \(useCausalMask))"
  }

  /// What a decoder attends to: the encoder's output `[batch, steps, features]` with its masks.
  struct Memory {
    let value: Tensor
    let mask: Tensor?
    let attentionMask: Tensor?
  }

  /// `x` `[batch, time, features]` after attention to itself, to the memory if there is one, and two linear layers.
  func run(
    _ x: Tensor, mask: Tensor?, attentionMask: Tensor?, memory: Memory? = nil
  ) -> Tensor {
    let x = floating(x)
    guard options.fits(x, of: self) else { return .invalid }
    let features = x.shape[2]
    let own = options.attention("self_attention", features: features, isCausal: useCausalMask)
    var branches = [
      options.residual(number: 1) { own($0, attentionMask: attentionMask, valueMask: mask) }
    ]
    if let memory {
      let cross = options.attention("cross_attention", features: features, isCausal: false)
      branches.append(
        options.residual(number: 2) {
          cross(
            $0, value: memory.value, attentionMask: memory.attentionMask, valueMask: memory.mask)
        })
    }
    let feedForward = options.feedForward(features: features)
    branches.append(options.residual(number: branches.count + 1, feedForward))
    let y = branches.reduce(x) { x, branch in branch(x) }
    setMask(mask)
    return y
  }
}

/// What a transformer's encoder and decoder share: layers alike, and perhaps a normalisation at the end.
public class BaseTransformerStack<Layer: BaseTransformerLayer>: AnyModule {
  /// The layers in order.
  public final let layers: [Layer]
  /// What is applied to the last one's output.
  public final let norm: LayerNormalization?

  init(
    numLayers: Int, _ options: TransformerOptions, useCausalMask: Bool, finalNorm: Bool?,
    name: String?
  ) {
    layers = (0..<Swift.max(numLayers, 0)).map { _ in
      Layer(options, useCausalMask: useCausalMask, name: nil)
    }
    norm =
      finalNorm ?? options.normFirst
      ? LayerNormalization(epsilon: options.epsilon, center: options.useBias) : nil
    super.init(name: name)
    if numLayers < 1 { wrongArgument("numLayers", must: "be positive", got: "\(numLayers)") }
  }

  /// `x` after `step` of each layer, and the normalisation.
  final func run(_ x: Tensor, _ step: (Layer, Tensor) -> Tensor) -> Tensor {
    let y = layers.reduce(x) { x, layer in step(layer, x) }
    return norm.map { $0(y) } ?? y
  }
}

/// What the layers of transformers have in common.
struct TransformerOptions {
  let numHeads: Int
  let feedForwardDim: Int
  let dropout: Double
  let activation: ActivationFunction
  let normFirst: Bool
  let epsilon: Double
  let useBias: Bool

  var description: String {
    "(numHeads: \(numHeads), feedForwardDim: \(feedForwardDim), dropout: \(dropout), "
      + "activation: \(activation), normFirst: \(normFirst), epsilon: \(epsilon), "
      + "useBias: \(useBias)"
  }

  /// Checks the options when `module` is made.
  func check(for module: AnyModule) {
    if numHeads < 1 || feedForwardDim < 1 {
      module.wrongArguments(
        "needs a head and a hidden unit at least, got \(numHeads) and \(feedForwardDim)")
    }
    module.check(rate: dropout, "dropout")
  }

  /// Whether `x` is `[batch, time, features]` with features that the heads can share; an error if not.
  func fits(_ x: Tensor, of module: AnyModule) -> Bool {
    if x.rank == 3, !x.isInvalid, x.shape[2] % numHeads == 0 { return true }
    _ = module.wrongInput(
      x, expected: "[batch, time, features] with features that \(numHeads) heads can share")
    return false
  }

  func attention(_ name: String, features: Int, isCausal: Bool) -> MultiHeadAttention {
    MultiHeadAttention(
      numHeads: numHeads, keyDim: features / numHeads, dropout: dropout, useBias: useBias,
      useCausalMask: isCausal, name: name)
  }

  func norm(_ name: String) -> LayerNormalization {
    LayerNormalization(epsilon: epsilon, center: useBias, name: name)
  }

  /// Two linear layers with an activation, and dropout, between them.
  func feedForward(features: Int) -> (Tensor) -> Tensor {
    let first = Linear(feedForwardDim, activation: activation, useBias: useBias, name: "linear1")
    let drop = Dropout(dropout, name: "dropout")
    let second = Linear(features, useBias: useBias, name: "linear2")
    return { second(drop(first($0))) }
  }

  /// What a residual branch makes of `x`: normalised before the branch, or after the sum.
  func residual(number: Int, _ branch: @escaping (Tensor) -> Tensor) -> (Tensor) -> Tensor {
    let norm = norm("norm\(number)")
    let drop = Dropout(dropout, name: "dropout\(number)")
    return { [normFirst] x in
      normFirst ? x + drop(branch(norm(x))) : norm(x + drop(branch(x)))
    }
  }
}
