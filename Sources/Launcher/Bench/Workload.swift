import ArgumentParser
import Engine

/// The models that are measured; other frameworks' are the same (`Benchmarks/peers`).
enum Workload: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// 784-512-512-10, batch 128, Adam.
  case mlp
  /// 784-32-10, batch 32, SGD: mostly overhead.
  case mlpSmall = "mlp_small"
  /// Two 3x3 convolutions, max pooling, two dense layers; batch 64, Adam.
  case cnn
  /// Two causal pre-LN blocks of width 128 on 64 tokens; batch 16, AdamW.
  case transformer
  /// A layer of 128 LSTM units over 100 steps of 64 features, a dense layer on the last state; batch 64, Adam.
  case lstm
  /// The same of gated recurrent units.
  case gru
  /// ResNet-20 on images of 32 x 32; batch 32, SGD with momentum.
  case resnet
  /// The mean of 200 rows of a table of 20,000 by 128, and a dense layer; batch 64, Adam.
  case embedding
  /// 784-512-256-64-256-512-784 on the input itself; batch 128, Adam.
  case autoencoder

  /// All of them, for help.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// Samples of a step on one rank.
  var batch: Int {
    switch self {
    case .mlp, .autoencoder: 128
    case .mlpSmall, .resnet: 32
    case .cnn, .lstm, .gru, .embedding: 64
    case .transformer: 16
    }
  }

  /// Steps in a timed block, a multiple of 16.
  var steps: Int {
    switch self {
    case .mlp, .autoencoder: 48
    case .mlpSmall: 608
    case .cnn, .transformer, .lstm, .gru, .resnet, .embedding: 16
    }
  }

  /// Multiply-adds times two of forward, weight gradients and input gradients (none for the first layer). Attention counts
  /// as if nothing were masked.
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
    case .lstm, .gru:
      let gates = self == .lstm ? 4 : 3
      return dense([100 * 64 * gates * 128, 100 * 128 * gates * 128, 1280])
    case .resnet:
      // Of each stage: six layers, the first of which reads what the stage before gives, and how that is shortened.
      let stages = [
        5 * 32 * 32 * 9 * 16 * 16 + 32 * 32 * 9 * 16 * 16,
        5 * 16 * 16 * 9 * 32 * 32 + 16 * 16 * 10 * 16 * 32,
        5 * 8 * 8 * 9 * 64 * 64 + 8 * 8 * 10 * 32 * 64,
      ]
      return dense([32 * 32 * 9 * 3 * 16] + stages + [640])
    case .embedding: return dense([0, 1280])
    case .autoencoder:
      return dense([784 * 512, 512 * 256, 256 * 64, 64 * 256, 256 * 512, 512 * 784])
    }
  }

  /// `rows` samples: standard normal numbers with random labels or themselves as targets, or random tokens.
  func makeData(rows: Int, seed: UInt64) -> (x: Tensor, y: Tensor) {
    func integers(_ shape: Shape, below bound: Int, _ stream: UInt64) -> Tensor {
      floor(randomUniform(shape, key: RandomKey(seed: seed, stream: stream).tensor) * Double(bound))
        .cast(to: .int32)
    }
    func normal(_ shape: Shape) -> (x: Tensor, y: Tensor) {
      let x = randomNormal(shape, key: RandomKey(seed: seed, stream: 1).tensor)
      return (x, self == .autoencoder ? x : integers([rows], below: 10, 2))
    }
    switch self {
    case .mlp, .mlpSmall, .autoencoder: return normal([rows, 784])
    case .cnn: return normal([rows, 28, 28, 1])
    case .lstm, .gru: return normal([rows, 100, 64])
    case .resnet: return normal([rows, 32, 32, 3])
    case .embedding:
      return (integers([rows, 200], below: 20_000, 1), integers([rows], below: 10, 2))
    case .transformer:
      let tokens = integers([rows, 65], below: 256, 1)
      return (tokens[.all, 0..<64].contiguousCopy, tokens[.all, 1..<65].contiguousCopy)
    }
  }
}

extension Tensor {
  fileprivate var contiguousCopy: Tensor { self + Tensor.zeros([], dtype: dtype) }
}
