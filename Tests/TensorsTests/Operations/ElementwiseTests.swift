import Tensors
import TensorsTestSupport
import Testing

@Suite("Elementwise operations")
struct ElementwiseTests {
  @Test("Functions of one argument give the values of the closed form")
  func unaryValues() {
    let x = Tensor([-1.5, 0, 0.5, 2])
    expectClose(-x, [1.5, 0, -0.5, -2])
    expectClose(abs(x), [1.5, 0, 0.5, 2])
    expectClose(sign(x), [-1, 0, 1, 1])
    expectClose(exp(x), [0.22313016, 1, 1.6487213, 7.389056])
    expectClose(expm1(x), [-0.77686984, 0, 0.6487213, 6.389056])
    expectClose(square(x), [2.25, 0, 0.25, 4])
    expectClose(reciprocal(x), [-2 / 3, .infinity, 2, 0.5])
    expectClose(tanh(x), [-0.90514825, 0, 0.46211717, 0.9640276])
    expectClose(sigmoid(x), [0.18242552, 0.5, 0.62245935, 0.8807971])
    expectClose(relu(x), [0, 0, 0.5, 2])
    expectClose(erf(x), [-0.96610516, 0, 0.5204999, 0.9953223])
    expectClose(sin(x), [-0.997495, 0, 0.47942555, 0.9092974])
    expectClose(cos(x), [0.0707372, 1, 0.87758255, -0.41614684])
    expectClose(floor(x), [-2, 0, 0, 2])
    expectClose(ceil(x), [-1, 0, 1, 2])
    expectClose(softplus(x), [0.20141327, 0.6931472, 0.974077, 2.126928])
    expectClose(gelu(x), [-0.10021080, 0, 0.34573123, 1.9544997])
    expectClose(gelu(x, approximate: true), [-0.10042842, 0, 0.34571401, 1.9545977])
  }

  @Test("Logarithms and roots give the values of the closed form")
  func positiveValues() {
    let x = Tensor([0, 0.25, 1, 4])
    expectClose(log(x), [-.infinity, -1.3862944, 0, 1.3862944])
    expectClose(log1p(x), [0, 0.22314355, 0.6931472, 1.609438])
    expectClose(sqrt(x), [0, 0.5, 1, 2])
    expectClose(rsqrt(x), [.infinity, 2, 1, 0.5])
    expectClose(sqrt(Tensor([-1.0])), [.nan])
  }

  @Test("Rounding takes halves to the even number")
  func roundHalves() {
    expectClose(round(Tensor([-1.5, -0.5, 0.5, 1.5, 2.5, 2.6])), [-2, 0, 0, 2, 2, 3])
  }

  @Test("Predicates see NaN and infinity")
  func predicates() {
    let x = Tensor([0, Double.nan, .infinity, 1])
    #expect(isNaN(x).scalars(as: Bool.self) == [false, true, false, false])
    #expect(isFinite(x).scalars(as: Bool.self) == [true, false, false, true])
    #expect(isFinite(Tensor([1, 2])).dtype == .bool)
    #expect(logicalNot(Tensor([0, 3])).scalars(as: Bool.self) == [true, false])
  }

  @Test("Shapes broadcast as in NumPy")
  func broadcasting() {
    let column = Tensor([[1.0], [2]])
    let row = Tensor([10.0, 20, 30])
    let sum = column + row
    #expect(sum.shape == [2, 3])
    expectClose(sum, [11, 21, 31, 12, 22, 32])
    #expect((Tensor.zeros([0, 3]) + row).shape == [0, 3])
    #expect((Tensor.zeros([4, 1, 3]) * Tensor.ones([2, 1])).shape == [4, 2, 3])
  }

  @Test("Operands that are not in row-major order give the same values")
  func stridedOperands() {
    let x = Tensor([[1.0, 2, 3], [4, 5, 6]])
    expectClose(
      x.transpose() + Tensor([[10.0, 20], [30, 40], [50, 60]]), [11, 24, 32, 45, 53, 66])
    expectClose(exp(log(x.transpose())), [1, 4, 2, 5, 3, 6])
    expectClose(x[.stride(by: -1), 1...] * 2, [10, 12, 4, 6])
    expectClose(select(x.transpose() .> 3, x.transpose(), 0), [0, 4, 0, 5, 0, 6])
  }

  @Test(
    "The type of a sum is the larger of the two types",
    arguments: [
      (DType.bool, DType.bool, DType.int32), (.bool, .uint8, .uint8), (.uint8, .int32, .int32),
      (.int32, .int64, .int64), (.int64, .float32, .float32), (.float32, .float64, .float64),
      (.float32, .int32, .float32),
    ])
  func promotion(_ a: DType, _ b: DType, _ result: DType) {
    #expect((Tensor(1, dtype: a) + Tensor(1, dtype: b)).dtype == result)
    #expect((Tensor(1, dtype: b) + Tensor(1, dtype: a)).item() == 2)
  }

  @Test(
    "A number takes the type of a floating tensor; one with a fraction makes float32 of integers")
  func numbers() {
    #expect((Tensor([1.0], dtype: .float64) + 1).dtype == .float64)
    #expect((Tensor([1.0]) * 0.5).dtype == .float32)
    #expect((Tensor([1]) + 1).dtype == .int32)
    #expect((Tensor([1]) + 1.0).dtype == .float32)
    expectClose(3 - Tensor([1.0, 2]), [2, 1])
    expectClose(6 / Tensor([1.0, 2]), [6, 3])
    expectClose(Tensor([1.0, 2]) / 4, [0.25, 0.5])
  }

  @Test("Integers divide to float32; their remainder has the sign of the divisor")
  func integerDivision() {
    let quotient = Tensor([7, -7]) / Tensor([2, 2])
    #expect(quotient.dtype == .float32)
    expectClose(quotient, [3.5, -3.5])
    let remainder = Tensor([7, -7, 7, -7]) % Tensor([3, 3, -3, -3])
    #expect(remainder.dtype == .int32)
    expectClose(remainder, [1, 2, -2, -1])
    expectClose(Tensor([5.5, -5.5]) % Tensor([2.0, 2]), [1.5, 0.5])
  }

  @Test("Powers give the values of the closed form")
  func powers() {
    expectClose(pow(Tensor([2.0, 3]), Tensor([3.0, -1])), [8, 1 / 3])
    expectClose(pow(Tensor([2.0, 3]), 2), [4, 9])
    expectClose(pow(Tensor([4.0, 9]), 0.5), [2, 3])
    expectClose(pow(Tensor([2, 3]), 3), [8, 27])
    #expect(pow(Tensor([2, 3]), 3).dtype == .float32)
  }

  @Test("Maximum and minimum give NaN if one of the two is NaN")
  func maximumOfNaN() {
    let x = Tensor([1, Double.nan, 3])
    expectClose(maximum(x, Tensor([2.0, 2, .nan])), [2, .nan, .nan])
    expectClose(minimum(x, Tensor([2.0, 2, 2])), [1, .nan, 2])
    expectClose(maximum(Tensor([1.0, 3]), 2), [2, 3])
  }

  @Test("Comparisons give bool, and false for NaN except where it differs")
  func comparisons() {
    let (a, b) = (Tensor([1.0, 2, 3, .nan]), Tensor([2.0, 2, 2, .nan]))
    #expect((a .< b).dtype == .bool)
    #expect((a .< b).scalars(as: Bool.self) == [true, false, false, false])
    #expect((a .<= b).scalars(as: Bool.self) == [true, true, false, false])
    #expect((a .> b).scalars(as: Bool.self) == [false, false, true, false])
    #expect((a .>= b).scalars(as: Bool.self) == [false, true, true, false])
    #expect((a .== b).scalars(as: Bool.self) == [false, true, false, false])
    #expect((a .!= b).scalars(as: Bool.self) == [true, false, true, true])
    #expect((2 .< a).scalars(as: Bool.self) == [false, false, true, false])
  }

  @Test("Integers are compared with a number exactly")
  func exactComparison() {
    let large = Tensor([Int64(16_777_217), 16_777_216])
    #expect((large .== 16_777_216).scalars(as: Bool.self) == [false, true])
    #expect((Tensor([2, 3]) .> 2.5).scalars(as: Bool.self) == [false, true])
    #expect((Tensor([UInt8(1), 2]) .< 300).scalars(as: Bool.self) == [true, true])
  }

  @Test("Logical operations take bool, and anything else as whether it differs from 0")
  func logic() {
    let (a, b) = (Tensor([true, true, false]), Tensor([1, 0, 0]))
    #expect(logicalAnd(a, b).scalars(as: Bool.self) == [true, false, false])
    #expect(logicalOr(a, b).scalars(as: Bool.self) == [true, true, false])
  }

  @Test("select takes from the first where the condition holds, and broadcasts")
  func selection() {
    let condition = Tensor([[true], [false]])
    expectClose(select(condition, Tensor([1.0, 2]), Tensor([5.0, 6])), [1, 2, 5, 6])
    expectClose(select(condition, 0, Tensor([5.0, 6])), [0, 0, 5, 6])
    expectClose(select(Tensor([1, 0]), Tensor([1.0, 2]), -1), [1, -1])
    #expect(select(condition, Tensor(1), Tensor(2.5)).dtype == .float32)
  }

  @Test("Casts truncate, saturate, and make bool of what differs from 0")
  func casts() {
    let x = Tensor([-1.7, 0, 0.4, 300])
    #expect(x.cast(to: .int32).scalars(as: Int32.self) == [-1, 0, 0, 300])
    #expect(x.cast(to: .uint8).scalars(as: UInt8.self) == [0, 0, 0, 255])
    #expect(x.cast(to: .bool).scalars(as: Bool.self) == [true, false, true, true])
    #expect(Tensor([true, false]).cast(to: .float64).scalars(as: Double.self) == [1, 0])
  }

  @Test("Functions of nothing give nothing")
  func empty() {
    let nothing = Tensor.zeros([0, 2])
    #expect(exp(nothing).shape == [0, 2])
    #expect((nothing + nothing).shape == [0, 2])
    #expect(select(nothing .> 0, nothing, 1).shape == [0, 2])
    #expect(nothing.cast(to: .int32).dtype == .int32)
  }
}
