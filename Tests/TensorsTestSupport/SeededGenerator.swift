import Tensors

/// A generator of random numbers for tests: the same numbers on every run and machine.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: SplitMix64

  /// A generator whose numbers are a function of `seed`.
  public init(seed: UInt64) { state = SplitMix64(state: seed) }

  /// The next 64 bits.
  public mutating func next() -> UInt64 { state.next() }

  /// A tensor of numbers evenly distributed over `low ..< high`.
  public mutating func uniform(
    _ shape: Shape, from low: Double = -1, to high: Double = 1, dtype: DType = .float64
  ) -> Tensor {
    let values = (0..<shape.elementCount).map { _ in Double.random(in: low..<high, using: &self) }
    return Tensor(values, shape: shape, dtype: dtype)
  }

  /// A tensor of numbers whose distance from 0 lies in `low ..< high`, of either sign.
  public mutating func awayFromZero(
    _ shape: Shape, from low: Double = 0.2, to high: Double = 1.5
  ) -> Tensor {
    let values = (0..<shape.elementCount).map { _ in
      Double.random(in: low..<high, using: &self) * (Bool.random(using: &self) ? 1 : -1)
    }
    return Tensor(values, shape: shape, dtype: .float64)
  }

  /// A tensor of integers in `range`.
  public mutating func integers(
    _ shape: Shape, in range: Range<Int>, dtype: DType = .int32
  ) -> Tensor {
    let values = (0..<shape.elementCount).map { _ in Int.random(in: range, using: &self) }
    return Tensor(values, shape: shape, dtype: dtype)
  }
}
