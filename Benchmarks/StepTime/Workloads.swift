import Engine

/// The models that the peers' scripts train as well.
enum Workload: String, CaseIterable {
  /// 784-512-512-10, batch 128, Adam.
  case mlp
  /// 784-32-10, batch 32, SGD: mostly overhead.
  case mlpSmall = "mlp_small"
  /// Two 3x3 convolutions, max pooling, two dense layers; batch 64, Adam.
  case cnn
  /// Two causal pre-LN blocks of width 128 on 64 tokens; batch 16, AdamW.
  case transformer

  var batch: Int {
    switch self {
    case .mlp: 128
    case .mlpSmall: 32
    case .cnn: 64
    case .transformer: 16
    }
  }

  /// Steps in a timed block.
  var steps: Int {
    switch self {
    case .mlp: 48
    case .mlpSmall: 608
    case .cnn, .transformer: 16
    }
  }

  /// Multiply-adds times two of forward, weight gradients and input gradients (none for the first layer).
  func flops(batch: Int) -> Double {
    func dense(_ macs: [Int]) -> Double { 2.0 * Double(batch * (3 * macs.reduce(0, +) - macs[0])) }
    switch self {
    case .mlp: return dense([784 * 512, 512 * 512, 512 * 10])
    case .mlpSmall: return dense([784 * 32, 32 * 10])
    case .cnn: return dense([26 * 26 * 32 * 9, 24 * 24 * 64 * 288, 9216 * 128, 1280])
    case .transformer:
      let block = 12 * 128 * 128 + 2 * 64 * 128
      let token = 2 * block + 128 * 256
      return 6.0 * Double(batch * 64 * token)
    }
  }

  func makeModel() -> Model {
    let loss = SparseCategoricalCrossentropy(fromLogits: true)
    switch self {
    case .mlp:
      return Model(
        module: Sequential(
          Linear(512, activation: .relu), Linear(512, activation: .relu), Linear(10)),
        loss: loss, optimizer: Adam(learningRate: 1e-3))
    case .mlpSmall:
      return Model(
        module: Sequential(Linear(32, activation: .relu), Linear(10)), loss: loss,
        optimizer: SGD(learningRate: 0.01))
    case .cnn:
      return Model(
        module: Sequential(
          Conv2D(32, kernelSize: 3, activation: .relu),
          Conv2D(64, kernelSize: 3, activation: .relu), MaxPooling2D(2), Flatten(),
          Linear(128, activation: .relu), Linear(10)),
        loss: loss, optimizer: Adam(learningRate: 1e-3))
    case .transformer:
      return Model(module: LanguageModel(), loss: loss, optimizer: AdamW(learningRate: 1e-3))
    }
  }

  /// `rows` samples: standard normal images with random labels, or random tokens.
  func makeData(rows: Int, seed: UInt64) -> (x: Tensor, y: Tensor) {
    func integers(_ shape: Shape, below bound: Int, _ stream: UInt64) -> Tensor {
      floor(randomUniform(shape, key: RandomKey(seed: seed, stream: stream).tensor) * Double(bound))
        .cast(to: .int32)
    }
    if self == .transformer {
      let tokens = integers([rows, 65], below: 256, 1)
      return (tokens[.all, 0..<64].contiguousCopy, tokens[.all, 1..<65].contiguousCopy)
    }
    let shape: Shape = self == .cnn ? [rows, 28, 28, 1] : [rows, 784]
    return (
      randomNormal(shape, key: RandomKey(seed: seed, stream: 1).tensor),
      integers([rows], below: 10, 2)
    )
  }
}

extension Tensor {
  fileprivate var contiguousCopy: Tensor { self + Tensor.zeros([], dtype: dtype) }
}

/// Causal self-attention with four heads, and a two-layer network, each on the normalised input.
private final class Block: Module {
  func call(_ x: Tensor) -> Tensor {
    let (batch, time, width, heads) = (x.shape[0], x.shape[1], x.shape[2], 4)
    let parts = split(Linear(3 * width)(LayerNormalization(epsilon: 1e-5)(x)), into: 3, axis: -1)
      .map { transpose(reshape($0, [batch, time, heads, width / heads]), [0, 2, 1, 3]) }
    let scores =
      matmul(parts[0], transpose(parts[1], [0, 1, 3, 2]))
      * (1 / Double(width / heads).squareRoot())
    let steps = Tensor.arange(time)
    let visible = expandDims(steps, axis: 1) .>= expandDims(steps, axis: 0)
    let attention = softmax(select(visible, scores, -1e9), axis: -1)
    let mixed = reshape(
      transpose(matmul(attention, parts[2]), [0, 2, 1, 3]), [batch, time, width])
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
