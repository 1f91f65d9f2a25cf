import Engine
import Foundation
import TestSupport
import Testing

@Suite("Integers are exact")
struct IntegerTests {
  private static let beyondInt32 = 3_000_000_000
  private static let beyondFloat = 16_777_217  // 2^24 + 1, which float32 rounds
  private static let beyondDouble = 9_007_199_254_740_993  // 2^53 + 1, which a Double rounds

  private func error(_ body: () -> Tensor) -> EngineError? {
    do {
      _ = try withErrors(body)
      return nil
    } catch { return (error as? EngineError)?.root }
  }

  // MARK: Making tensors

  @Test("Int becomes int32, or int64 where a value does not fit")
  func literals() {
    #expect(Tensor([1, 2]).dtype == .int32)
    #expect(Tensor([Int(Int32.max), Int(Int32.min)]).dtype == .int32)
    #expect(Tensor([Int]()).dtype == .int32)
    let large = Tensor([Self.beyondInt32, 1])
    #expect(large.spec == TensorSpec([2], .int64))
    #expect(large.scalars(as: Int.self) == [Self.beyondInt32, 1])
    #expect(Tensor(Int.min).item(as: Int.self) == Int.min)
    #expect(Tensor([[Int(Int32.max) + 1]]).dtype == .int64)
    #expect(Tensor([Int32.max]).dtype == .int32 && Tensor([Int64(1)]).dtype == .int64)
  }

  @Test("What a type does not hold is an error that names it, not another number")
  func narrowing() {
    let cases: [(() -> Tensor, String)] = [
      (
        { Tensor([1, Self.beyondInt32], dtype: .int32) },
        "Tensor: 3000000000 at position 1 does not fit int32; int64 holds larger numbers"
      ),
      (
        { Tensor([255, 256], dtype: .uint8) },
        "Tensor: 256 at position 1 does not fit uint8; int64 holds larger numbers"
      ),
      ({ Tensor([-1], dtype: .uint8) }, "Tensor: -1 at position 0 does not fit uint8"),
      ({ Tensor([0, Double.nan], dtype: .int32) }, "Tensor: nan at position 1 does not fit int32"),
      ({ Tensor(Float.infinity, dtype: .int64) }, "Tensor: inf at position 0 does not fit int64"),
      ({ Tensor(0x1p63, dtype: .int64) }, "at position 0 does not fit int64"),
      ({ Tensor.full([2], 300, dtype: .uint8) }, "Tensor: 300 at position 0 does not fit uint8"),
      ({ Tensor.full([2], -3e9, dtype: .int32) }, "Tensor: -3000000000 at position 0"),
      ({ Tensor.arange(300, dtype: .uint8) }, "Tensor: 256 at position 256 does not fit uint8"),
    ]
    for (body, text) in cases {
      let message = error(body).map { "\($0)" } ?? "no error"
      #expect(message.contains(text), "\(message)")
    }
    // At the very ends, and where only a fraction lies outside.
    #expect(Tensor([-0x1p63], dtype: .int64).item(as: Int.self) == Int.min)
    let ends = Tensor([-2_147_483_648.9, 2_147_483_647.9], dtype: .int32)
    #expect(ends.scalars(as: Int32.self) == [.min, .max])
    #expect(Tensor([-0.5, 255.5], dtype: .uint8).scalars(as: UInt8.self) == [0, 255])
  }

  @Test("Elements are read without rounding or wrapping")
  func reading() throws {
    let large = Tensor([Self.beyondDouble, Int.max])
    #expect(large.scalars(as: Int.self) == [Self.beyondDouble, Int.max])
    #expect(large[0].item(as: Int64.self) == 9_007_199_254_740_993)
    #expect(large[1].item() == 0x1p63)
    #expect(throws: EngineError.self) { try withErrors { large.scalars(as: Int32.self) } }
    #expect(throws: EngineError.self) { try withErrors { Tensor(Double.nan).item(as: Int.self) } }
    #expect(try withErrors { Tensor([-1.5, 2.5]).scalars(as: Int.self) } == [-1, 2])
  }

  @Test("Sizes, ranges and nested arrays that are wrong are errors")
  func sizes() {
    let wrong: [(String, () -> Tensor)] = [
      ("zeros", { .zeros([2, -1]) }), ("ones", { .ones([-1, -1]) }), ("full", { .full([-3], 1.5) }),
      ("scalars", { Tensor([1, 2, 3, 4], shape: [-2, -2]) }),
      ("memory", { Tensor(shape: [-1], dtype: .float32) { _ in } }),
      ("too many", { .zeros([1 << 40, 1 << 40]) }), ("eye", { .eye(-1) }),
      ("arange", { .arange(-1) }), ("by 0", { .arange(from: 0, to: 3, by: 0) }),
      ("by 0.0", { .arange(from: 0.0, to: 3.0, by: 0.0) }),
      ("from NaN", { .arange(from: .nan, to: 3.0) }),
      ("to infinity", { .arange(from: 0, to: .infinity) }),
      ("too long", { .arange(from: 0, to: 1e300) }),
      ("one-hot", { oneHot(Tensor([1]), depth: -1) }),
      ("pad", { pad(Tensor([1]), [(-1, 0)]) }),
      ("pad with NaN", { pad(Tensor([1]), [(1, 0)], value: .nan) }),
      ("pad with a fraction", { pad(Tensor([1]), [(1, 0)], value: 0.5) }),
      ("pad bytes", { pad(Tensor([UInt8(1)]), [(1, 0)], value: 256) }),
      ("tile", { tile(Tensor([1]), [-1]) }),
      ("repeat", { repeatElements(Tensor([1]), -1, axis: 0) }),
      ("window", { maxPool(.ones([1, 4, 4, 1]), size: 2, strides: 5_000_000_000) }),
      ("initializer", { Uniform()([-1, 2], dtype: .float32, key: RandomKey(seed: 1)) }),
      ("layer", { Linear(-1)(.ones([1, 2])) }),
      ("layer without a kernel", { Linear(-1, kernelInitializer: Zeros())(.ones([1, 2])) }),
      ("random", { randomUniform([-1], key: RandomKey(seed: 1)) }),
      ("random, too many", { randomNormal([1 << 40, 1 << 40], key: RandomKey(seed: 1)) }),
      ("rank 2", { Tensor([[1, 2], [3], [4, 5, 6]]) }),
      ("rank 2, to the end", { Tensor([[1.0, 2], [3, 4], [5]]) }),
      ("rank 3", { Tensor([[[1], [2]], [[3, 4], []]]) }),
      ("rank 3, rows", { Tensor([[[1, 2]], [[3], [4]]]) }),
      ("rank 3, nothing in between", { Tensor([[[1, 2], [3, 4]], []]) }),
      ("rank 4", { Tensor([[[[1, 2]]], [[[3], [4]]]]) }),
      ("rank 4, planes", { Tensor([[[[1]], [[2]]], [[[3]]]]) }),
    ]
    for (name, body) in wrong { #expect(error(body) != nil, "\(name)") }
    #expect(
      "\(error { Tensor([[1, 2], [3], [4, 5, 6]]) }.map { "\($0)" } ?? "")"
        == "Tensor: nested arrays must have one length at each depth: at depth 1 there are 2 and 1 "
        + "elements")
    #expect(Tensor([[Int]]()).shape == [0, 0])
    #expect(Tensor([[[Int]]](repeating: [], count: 2)).shape == [2, 0, 0])
    #expect(Tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]).shape == [2, 2, 2])
    #expect(Tensor([[[[1], [2]]]]).shape == [1, 1, 2, 1])
    #expect(Tensor.arange(from: 3, to: 0).elementCount == 0)
    #expect(Tensor.arange(from: 5, to: 0, by: -2).scalars(as: Int.self) == [5, 3, 1])
    let large = Tensor.arange(from: Self.beyondDouble, to: Self.beyondDouble + 2, dtype: .int64)
    #expect(large.scalars(as: Int.self) == [Self.beyondDouble, Self.beyondDouble + 1])
  }

  // MARK: Arithmetic

  @Test("An integer with a whole number stays an integer")
  func arithmetic() {
    let x = Tensor([Self.beyondFloat, -7])
    let n = 10
    let results: [(Tensor, [Int])] = [
      (x + 1, [16_777_218, -6]), (1 + x, [16_777_218, -6]), (x - 1, [16_777_216, -8]),
      (1 - x, [-16_777_216, 8]), (x * n, [167_772_170, -70]), (n * x, [167_772_170, -70]),
      (x % 10, [7, 3]), (n % Tensor([3, 4]), [1, 2]), (x + Int32(2), [16_777_219, -5]),
      (maximum(x, 0), [16_777_217, 0]), (minimum(x, n), [10, -7]),
      (clip(x, min: 0), [16_777_217, 0]),
      (clip(x, min: -3, max: 16_777_217), [16_777_217, -3]), (clip(x, max: 0), [0, -7]),
      (select(Tensor([true, false]), x, 0), [16_777_217, 0]),
      (select(Tensor([true, false]), 0, x), [0, -7]),
    ]
    for (result, expected) in results {
      #expect(result.dtype == .int32)
      #expect(result.scalars(as: Int.self) == expected)
    }
    let large = Tensor([Self.beyondDouble])
    for (result, expected) in [
      (large + 2, Self.beyondDouble + 2), (large * -1, -Self.beyondDouble), (large % 10, 3),
      (maximum(large, 0), Self.beyondDouble),
      (clip(large, min: 0, max: Int.max), Self.beyondDouble),
      (select(Tensor([true]), large, 0), Self.beyondDouble),
    ] {
      #expect(result.dtype == .int64)
      #expect(result.item(as: Int.self) == expected)
    }
  }

  @Test("A whole number that the type does not hold makes it wider; bytes are counted as int32")
  func wider() {
    let sum = Tensor([1]) + Self.beyondInt32
    #expect(sum.dtype == .int64 && sum.item(as: Int.self) == Self.beyondInt32 + 1)
    #expect(maximum(Tensor([1]), Self.beyondInt32).item(as: Int.self) == Self.beyondInt32)
    let bytes = Tensor([UInt8(200)])
    #expect((bytes * 2).dtype == .int32 && (bytes * 2).item() == 400)
    #expect((bytes - 201).item() == -1)
    #expect((bytes + UInt8(1)).dtype == .uint8)
    #expect(clip(bytes, min: 0, max: 100).dtype == .uint8)
    #expect(maximum(bytes, 300).item() == 300)
    #expect((1 - Tensor([true, false])).scalars(as: Int.self) == [0, 1])
    #expect((Tensor([true]) + 1).dtype == .int32)
  }

  @Test(
    "A number with a fraction makes an integer float32, and variables of any number type compile")
  func variables() {
    let (n, f, d, l): (Int, Float, Double, Int64) = (3, 1.5, 0.5, 2)
    let (x, y) = (Tensor([2, 4]), Tensor([2.0, 4]))
    for z in [x * f, f * x, x * d, d * x, x + f, x - d, x / n, n / x, x % f, maximum(x, f)] {
      #expect(z.dtype == .float32)
    }
    expectClose(x * f, [3, 6])
    expectClose(n / x, [1.5, 0.75])
    for z in [y * n, n * y, y * f, y * d, y + l, y - n, y / n, l / y, y % n, minimum(y, n)] {
      #expect(z.dtype == .float32)
    }
    expectClose(y * n + f - d, [7, 13])
    expectClose(y * Double.pi, [2 * .pi, 4 * .pi])
    expectClose(pow(y, n), [8, 64])
    expectClose(clip(y, min: 3, max: f + 2), [3, 3.5])
    expectClose(clip(y, min: f, max: n), [2, 3])
    let wide = y.cast(to: .float64)
    #expect((wide * n).dtype == .float64 && (f * wide).dtype == .float64)
    expectClose(Tensor.full([1], f), [1.5])
  }

  @Test("Comparisons with whole numbers are exact")
  func comparisons() {
    let x = Tensor([Self.beyondDouble - 1, Self.beyondDouble])
    let n = Self.beyondDouble
    #expect((x .== n).scalars(as: Bool.self) == [false, true])
    #expect((x .< n).scalars(as: Bool.self) == [true, false])
    #expect((n .> x).scalars(as: Bool.self) == [true, false])
    #expect((x .>= Int64(n)).scalars(as: Bool.self) == [false, true])
    #expect((Tensor([1, 2]) .<= Self.beyondInt32).scalars(as: Bool.self) == [true, true])
    #expect((Tensor([UInt8(1), 2]) .!= 257).scalars(as: Bool.self) == [true, true])
    #expect((Tensor([true, false]) .== 1).scalars(as: Bool.self) == [true, false])
    #expect((Tensor([1.0, 2]) .> Float(1.5)).scalars(as: Bool.self) == [false, true])
  }

  @Test("Compiled as eagerly")
  func compiled() throws {
    let x = Tensor([Self.beyondFloat, -7])
    let f: @Sendable (Tensor) -> Tensor = { select($0 .> 0, clip($0 * 2 + 1, min: -5), $0 % 10) }
    let result = try jit(f)(x)
    #expect(result.dtype == .int32)
    #expect(result.scalars(as: Int.self) == [33_554_435, 3])
    let symbolic = Input(shape: [1], dtype: .int32)
    let model = Functional(inputs: symbolic, outputs: 3 * symbolic + 1 - Int32(2))
    let output: Tensor = model(Tensor([[Self.beyondFloat]]))
    #expect(output.item(as: Int.self) == 50_331_650)
  }

  // MARK: Text and files

  @Test("Integers are printed as they are")
  func printed() {
    #expect("\(Tensor([Int64.max, Int64.min]))" == "[ 9223372036854775807 -9223372036854775808]")
    #expect("\(Tensor(Self.beyondDouble))" == "9007199254740993")
    #expect("\(Tensor([true, false]))" == "[ true false]")
  }

  @Test("Codable keeps every bit, and writes types by name")
  func coding() throws {
    let tensors = [
      Tensor([Int64.max, Int64.min, 9_007_199_254_740_993]), Tensor([Int32.max, Int32.min]),
      Tensor([UInt8(0), 255]), Tensor([true, false]), Tensor([1.5, -0.1], dtype: .float64),
      Tensor([0.1]),
    ]
    for tensor in tensors {
      let data = try JSONEncoder().encode(tensor)
      #expect(String(decoding: data, as: UTF8.self).contains("\"dtype\":\"\(tensor.dtype)\""))
      let back = try JSONDecoder().decode(Tensor.self, from: data)
      #expect(back.spec == tensor.spec)
      let (new, old) = back.withUnsafeBytes { n in tensor.withUnsafeBytes { (Array(n), Array($0)) }
      }
      #expect(new == old)
    }
    for dtype in DType.allCases {
      let data = try JSONEncoder().encode([dtype])
      #expect(String(decoding: data, as: UTF8.self) == "[\"\(dtype)\"]")
      #expect(try JSONDecoder().decode([DType].self, from: data) == [dtype])
      let structure = try StructureEncoder().encode(["type": dtype])
      #expect(
        try StructureDecoder().decode([String: DType].self, from: structure) == ["type": dtype])
    }
  }

  @Test(
    "A damaged encoding is a decoding error",
    arguments: [
      #"{"dtype":"uint8","shape":[1],"scalars":[256]}"#,
      #"{"dtype":"bool","shape":[1],"scalars":[2]}"#,
      #"{"dtype":"int32","shape":[1],"scalars":[3000000000]}"#,
      #"{"dtype":"int32","shape":[1],"scalars":[0.5]}"#,
      #"{"dtype":"int64","shape":[1],"scalars":[9223372036854775808]}"#,
      #"{"dtype":"float32","shape":[-1,-1],"scalars":[1]}"#,
      #"{"dtype":"float32","shape":[2],"scalars":[1]}"#,
      #"{"dtype":"int32","shape":[2],"scalars":[1]}"#,
      #"{"dtype":"float16","shape":[1],"scalars":[1]}"#,
      #"{"dtype":0,"shape":[1],"scalars":[1]}"#,
    ])
  func damaged(_ text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Tensor.self, from: Data(text.utf8))
    }
  }
}
