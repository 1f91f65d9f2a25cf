import Engine

/// A network drawn at random from a seed: layers, sums and products, parameters as addends and inside factors, views, slices,
/// gradients that several parameters share, parameters that nothing uses, two floating-point types, branches that join
/// late. Every row is computed by itself.
public final class RandomNetwork: Module {
  private let number: UInt64
  private let steps: Int

  /// The network that `seed` draws, of `steps` operations.
  public init(seed: UInt64, steps: Int = 8) {
    number = seed
    self.steps = steps
    super.init()
  }

  /// `[rows, width]` to the same shape; `width` is even.
  public func call(_ x: Tensor) -> Tensor {
    var draw = SeededGenerator(seed: number)
    var pool = [x]
    for step in 0..<steps {
      let h = pool[Int.random(in: 0..<pool.count, using: &draw)]
      let other = pool[Int.random(in: 0..<pool.count, using: &draw)]
      let kind = Kind.allCases[Int.random(in: 0..<Kind.allCases.count, using: &draw)]
      pool.append(apply(kind, h, other, name: "\(kind)\(step)"))
    }
    // All branches that nobody has read yet join here, oldest last.
    return pool.reversed().reduce(Tensor.zeros(x.shape, dtype: x.dtype)) { $0 + 0.5 * $1 }
  }

  private enum Kind: CaseIterable {
    case dense, twins, sum, product, shift, sharedShift, lowRank, turned, sliced, scaled, single
    case unused, square
  }

  private func apply(_ kind: Kind, _ h: Tensor, _ other: Tensor, name: String) -> Tensor {
    let width = h.shape[1]
    func matrix(_ part: String, _ rows: Int, _ columns: Int) -> Tensor {
      parameter("\(name)_\(part)", shape: [rows, columns], dtype: h.dtype)
    }
    func row(_ part: String, dtype: DType? = nil) -> Tensor {
      parameter(
        "\(name)_\(part)", shape: [width], initializer: Normal(standardDeviation: 0.3),
        dtype: dtype ?? h.dtype
      )
    }
    switch kind {
    case .dense: return tanh(matmul(h, matrix("w", width, width)) + row("b"))
    case .twins:
      // Both biases have one gradient.
      return tanh(
        (matmul(h, matrix("u", width, width)) + row("a"))
          + (matmul(other, matrix("v", width, width)) + row("b")))
    case .sum: return h + other
    case .product: return tanh(h * other)
    case .shift: return h + row("b")
    case .sharedShift:
      let shift = row("b")
      return tanh(h + shift) * (other + shift)
    case .lowRank:
      // The gradient of w is read by those of a and b.
      return tanh(
        matmul(
          h, matrix("w", width, width) + matmul(matrix("a", width, 3), matrix("b", 3, width))))
    case .turned:
      let split = reshape(h, [h.shape[0], 2, width / 2])
      return reshape(transpose(split, [0, 2, 1]) * 0.9, h.shape)
    case .sliced:
      let parts = Engine.split(h, into: 2, axis: 1)
      return concatenate([parts[1], tanh(parts[0])], axis: 1)
    case .scaled:
      return h * parameter("\(name)_s", shape: [], initializer: Ones(), dtype: h.dtype) + other
    case .single:
      // Another scalar type, which has buckets of its own.
      return tanh(h.cast(to: .float32) + row("b", dtype: .float32)).cast(to: h.dtype)
    case .unused:
      _ = row("b")
      return h
    case .square: return h * h - other
    }
  }
}
