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

  /// All of them, for help.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// Samples of a step on one rank.
  var batch: Int {
    switch self {
    case .mlp: 128
    case .mlpSmall: 32
    case .cnn: 64
    case .transformer: 16
    }
  }

  /// Steps in a timed block, a multiple of 16.
  var steps: Int {
    switch self {
    case .mlp: 48
    case .mlpSmall: 608
    case .cnn, .transformer: 16
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
