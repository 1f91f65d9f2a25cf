import Tensors
import TensorsTestSupport
import Testing

@Suite("Casts of every number are those of the documentation, wherever they are computed")
struct CastTests {
  /// Numbers at and beyond the ends of integer types, of both signs, with and without fractions.
  private static let floats: [Double] = [
    .nan, -.nan, .infinity, -.infinity, 0, -0.0, 0.5, -0.5, 0.99999, -0.99999, 1, -1, 255, 255.5,
    256, -255, 1e-40, -1e-40, 0x1p31, 0x1p31 - 128, 0x1p31 - 0.5, -0x1p31, -0x1p31 - 256,
    -0x1p31 - 0.5, 0x1p32, 0x1p32 + 512, 0x1p53 + 2, 0x1p63, -0x1p63, 0x1p63 - 1024, -0x1p63 - 2048,
    0x1p64, 1e30, -1e30, 1e300, -1e300,
  ]

  private static let integers: [Int64] = [
    0, 1, -1, 255, 256, -255, 16_777_216, 16_777_217, 16_777_219, -16_777_217, 2_147_483_647,
    2_147_483_648, -2_147_483_648, -2_147_483_649, 4_294_967_295, 4_294_967_299,
    9_007_199_254_740_993, 36_028_797_018_963_969, 36_028_798_092_705_793, .max, .min, .max - 512,
  ]

  /// What an integer type makes of a floating number.
  private static func saturated<T: FixedWidthInteger>(_ x: Double, _ type: T.Type) -> T {
    if x.isNaN { return 0 }
    return T(exactly: x.rounded(.towardZero)) ?? (x < 0 ? .min : .max)
  }

  /// Compares every layout and length, at once, compiled, and as a part of a fused operation.
  private func expectCasts<S: TensorScalar, T: TensorScalar>(
    _ values: [S], _ convert: (S) -> T, same: (T, T) -> Bool
  ) throws {
    let (from, to) = (S.dtype, T.dtype)
    func expect(_ result: Tensor, _ expected: [T], _ how: String) {
      let found = result.scalars(as: T.self)
      for (index, (a, b)) in zip(found, expected).enumerated() where !same(a, b) {
        Issue.record(
          "\(from) to \(to), \(how), \(expected.count) elements: \(index) is \(a), not \(b)")
        return
      }
      #expect(found.count == expected.count && result.dtype == to)
    }
    for count in Array(1...67) + [1024, 1031] {
      let part = (0..<count).map { values[($0 + count) % values.count] }
      let expected = part.map(convert)
      let x = Tensor(part, dtype: from)
      expect(x.cast(to: to), expected, "in a row")
      let gaps = Tensor(part.flatMap { [$0, values[0], values[1]] }, dtype: from)
      expect(gaps[.stride(by: 3)].cast(to: to), expected, "with gaps")
      expect(x[.stride(by: -1)].cast(to: to), expected.reversed(), "backwards")
      if count < 40 {
        expect(
          x[0].broadcast(to: [count]).cast(to: to), expected.map { _ in expected[0] }, "repeated")
      }
      if [1, 5, 16, 17, 33, 67, 1031].contains(count) {
        expect(try jit { $0.cast(to: to) }(x), expected, "compiled")
        expect(
          try jit { maximum($0, $0).cast(to: to) }(x), expected, "compiled in one operation")
      }
    }
  }

  @Test("From floating")
  func floating() throws {
    let singles = Self.floats.map { Float($0) }
    try expectCasts(Self.floats, { Self.saturated($0, Int32.self) }, same: ==)
    try expectCasts(Self.floats, { Self.saturated($0, Int64.self) }, same: ==)
    try expectCasts(Self.floats, { Self.saturated($0, UInt8.self) }, same: ==)
    try expectCasts(Self.floats, { $0 != 0 }, same: ==)
    try expectCasts(Self.floats, { Float($0) }) { $0 == $1 || ($0.isNaN && $1.isNaN) }
    try expectCasts(singles, { Self.saturated(Double($0), Int32.self) }, same: ==)
    try expectCasts(singles, { Self.saturated(Double($0), Int64.self) }, same: ==)
    try expectCasts(singles, { Self.saturated(Double($0), UInt8.self) }, same: ==)
    try expectCasts(singles, { $0 != 0 }, same: ==)
  }

  @Test("From integers")
  func integers() throws {
    try expectCasts(Self.integers, { Int32(truncatingIfNeeded: $0) }, same: ==)
    try expectCasts(Self.integers, { UInt8(truncatingIfNeeded: $0) }, same: ==)
    try expectCasts(Self.integers, { Float($0) }, same: ==)
    try expectCasts(Self.integers, { Double($0) }, same: ==)
    let narrow = Self.integers.map { Int32(truncatingIfNeeded: $0) }
    try expectCasts(narrow, { UInt8(truncatingIfNeeded: $0) }, same: ==)
    try expectCasts(narrow, { Int64($0) }, same: ==)
    try expectCasts(narrow, { Float($0) }, same: ==)
    try expectCasts(narrow, { $0 != 0 }, same: ==)
  }
}
