import Engine

extension Workload {
  /// The model with its loss and optimizer.
  func makeModel(precision: PrecisionPolicy = .float32) -> Model {
    let loss = SparseCategoricalCrossentropy(fromLogits: true)
    switch self {
    case .mlp:
      return Model(
        module: Sequential(
          Linear(512, activation: .relu), Linear(512, activation: .relu), Linear(10)),
        loss: loss, optimizer: Adam(learningRate: 1e-3), precision: precision)
    case .mlpSmall:
      return Model(
        module: Sequential(Linear(32, activation: .relu), Linear(10)), loss: loss,
        optimizer: SGD(learningRate: 0.01), precision: precision)
    case .cnn:
      return Model(
        module: Sequential(
          Conv2D(32, kernelSize: 3, activation: .relu),
          Conv2D(64, kernelSize: 3, activation: .relu), MaxPooling2D(2), Flatten(),
          Linear(128, activation: .relu), Linear(10)),
        loss: loss, optimizer: Adam(learningRate: 1e-3), precision: precision)
    case .transformer:
      return Model(
        module: LanguageModel(), loss: loss, optimizer: AdamW(learningRate: 1e-3),
        precision: precision)
    }
  }
}

/// Causal self-attention with four heads, and a two-layer network, each on the normalised input.
private final class Block: Module {
  func call(_ x: Tensor) -> Tensor {
    let (batch, time, width, heads) = (x.shape[0], x.shape[1], x.shape[2], 4)
    let joined = Linear(3 * width)(LayerNormalization(epsilon: 1e-5)(x))
    // Queries, keys and values are views of one product.
    let parts = reshape(joined, [batch, time, 3, heads, width / heads])
    let attention = scaledDotProductAttention(
      parts[.all, .all, 0], parts[.all, .all, 1], parts[.all, .all, 2], isCausal: true)
    let mixed = reshape(attention, [batch, time, width])
    let y = x + Linear(width)(mixed)
    let hidden = gelu(Linear(4 * width)(LayerNormalization(epsilon: 1e-5)(y)), approximate: true)
    return y + Linear(width)(hidden)
  }
}

private final class LanguageModel: Module {
  func call(_ tokens: Tensor) -> Tensor {
    let positions = Tensor.arange(tokens.shape[1])
    var x = Embedding(inputs: 256, outputs: 128)(tokens)
    x = x + Embedding(inputs: 64, outputs: 128)(positions)
    for _ in 0..<2 { x = Block()(x) }
    return Linear(256, useBias: false)(LayerNormalization(epsilon: 1e-5)(x))
  }
}
