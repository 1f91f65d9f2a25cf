import Engine

extension Workload {
  /// The model with its loss and optimizer.
  func makeModel(precision: PrecisionPolicy = .float32) -> Model {
    let loss: any Loss =
      self == .autoencoder
      ? MeanSquaredError() : SparseCategoricalCrossentropy(fromLogits: true)
    return Model(module: module, loss: loss, optimizer: optimizer, precision: precision)
  }

  private var optimizer: Optimizer {
    switch self {
    case .mlpSmall: SGD(learningRate: 0.01)
    case .resnet: SGD(learningRate: 0.01, momentum: 0.9)
    case .transformer: AdamW(learningRate: 1e-3)
    default: Adam(learningRate: 1e-3)
    }
  }

  private var module: AnyModule {
    switch self {
    case .mlp:
      Sequential(Linear(512, activation: .relu), Linear(512, activation: .relu), Linear(10))
    case .mlpSmall: Sequential(Linear(32, activation: .relu), Linear(10))
    case .cnn:
      Sequential(
        Conv2D(32, kernelSize: 3, activation: .relu),
        Conv2D(64, kernelSize: 3, activation: .relu), MaxPooling2D(2), Flatten(),
        Linear(128, activation: .relu), Linear(10))
    case .transformer: LanguageModel()
    case .lstm: Sequential(LSTM(128), Linear(10))
    case .gru: Sequential(GRU(128), Linear(10))
    case .resnet: ResidualNetwork()
    case .embedding:
      Sequential(
        Embedding(inputs: 20_000, outputs: 128), GlobalAveragePooling1D(), Linear(10))
    case .autoencoder:
      Sequential(
        Linear(512, activation: .relu), Linear(256, activation: .relu),
        Linear(64, activation: .relu), Linear(256, activation: .relu),
        Linear(512, activation: .relu), Linear(784))
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

/// Token and position embeddings of a width, causal blocks, and logits of 256 tokens.
final class LanguageModel: Module {
  let width: Int
  let blocks: Int

  init(width: Int = 128, blocks: Int = 2) {
    (self.width, self.blocks) = (width, blocks)
    super.init()
  }

  func call(_ tokens: Tensor) -> Tensor {
    let positions = Tensor.arange(tokens.shape[1])
    var x = Embedding(inputs: 256, outputs: width)(tokens)
    x = x + Embedding(inputs: 64, outputs: width)(positions)
    for _ in 0..<blocks { x = Block()(x) }
    return Linear(256, useBias: false)(LayerNormalization(epsilon: 1e-5)(x))
  }
}

/// ResNet-20 of He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition* (2015), §4.2, with a 1 x 1 convolution on the
/// shortcuts where the size changes.
private final class ResidualNetwork: Module {
  func call(_ x: Tensor) -> Tensor {
    func normalized(_ x: Tensor, _ filters: Int, size: Int = 3, strides: Int = 1) -> Tensor {
      BatchNormalization(momentum: 0.9, epsilon: 1e-5)(
        Conv2D(
          filters, kernelSize: SpatialSize(size), strides: SpatialSize(strides), padding: .same,
          useBias: false,
          kernelInitializer: HeNormal())(x))
    }
    var x = relu(normalized(x, 16))
    for (stage, filters) in [16, 32, 64].enumerated() {
      for block in 0..<3 {
        let strides = stage > 0 && block == 0 ? 2 : 1
        let y = normalized(relu(normalized(x, filters, strides: strides)), filters)
        let shortcut = strides == 1 ? x : normalized(x, filters, size: 1, strides: 2)
        x = relu(y + shortcut)
      }
    }
    return Linear(10)(GlobalAveragePooling2D()(x))
  }
}
