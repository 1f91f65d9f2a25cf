import Engine
import TestSupport
import Testing

/// The initializers under the shared contract: a new one is a new row.
enum InitializerTable {
  typealias Make = @Sendable (FixtureCase) throws -> any Initializer

  static let rows: [String: Make] = [
    "Zeros": { _ in Zeros() },
    "Ones": { _ in Ones() },
    "Constant": { Constant(try $0.number("value") ?? 0) },
    "Identity": { IdentityMatrix(gain: try $0.number("gain") ?? 1) },
    "RandomUniform": {
      Uniform(low: try $0.required("minval"), high: try $0.required("maxval"))
    },
    "RandomNormal": {
      Normal(mean: try $0.required("mean"), standardDeviation: try $0.required("stddev"))
    },
    "TruncatedNormal": {
      TruncatedNormal(
        mean: try $0.required("mean"), standardDeviation: try $0.required("stddev"))
    },
    "GlorotUniform": { _ in GlorotUniform() },
    "GlorotNormal": { _ in GlorotNormal() },
    "HeUniform": { _ in HeUniform() },
    "HeNormal": { _ in HeNormal() },
    "LecunUniform": { _ in LecunUniform() },
    "LecunNormal": { _ in LecunNormal() },
    "VarianceScaling": { example in
      let modes: [String: VarianceScaling.Mode] = [
        "fan_in": .fanIn, "fan_out": .fanOut, "fan_avg": .fanAverage,
      ]
      let distributions: [String: VarianceScaling.Distribution] = [
        "uniform": .uniform, "truncated_normal": .truncatedNormal, "untruncated_normal": .normal,
      ]
      return VarianceScaling(
        scale: try example.required("scale"),
        mode: modes[try example["arguments"]["mode"].string()] ?? .fanIn,
        distribution: distributions[try example["arguments"]["distribution"].string()] ?? .normal)
    },
    "Orthogonal": { Orthogonal(gain: try $0.number("gain") ?? 1) },
  ]

  static func cases(with key: String) throws -> [FixtureCase] {
    try Fixture.load("initializers", from: .module).cases.filter { $0.optional(key) != nil }
  }

  static func make(_ example: FixtureCase) throws -> any Initializer {
    guard let make = rows[example.className ?? ""] else {
      throw EngineError.data(message: "no row for \(example.name)")
    }
    return try make(example)
  }
}

@Suite("Initializers draw what Keras defines")
struct InitializerTests {
  @Test(
    "Bounds, mean and deviation of the draws",
    arguments: try InitializerTable.cases(with: "definitions"))
  func moments(_ example: FixtureCase) throws {
    let initializer = try InitializerTable.make(example)
    for definition in try example["definitions"].elements() {
      let shape = Shape(try definition["shape"].elements().map { try $0.int() })
      var values: [Double] = []
      for stream in 0..<40 {
        let key = RandomKey(seed: 3, stream: UInt64(stream))
        values += initializer(shape, dtype: .float32, key: key).scalars(as: Double.self)
      }
      if let low = try definition.optional("low")?.double(),
        let high = try definition.optional("high")?.double()
      {
        #expect(values.allSatisfy { $0 >= low - 1e-6 && $0 <= high + 1e-6 })
      }
      let (mean, deviation) = (
        try definition["mean"].double(), try definition["standard_deviation"].double()
      )
      let count = Double(values.count)
      let average = values.reduce(0, +) / count
      let spread = (values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count).squareRoot()
      // Six standard errors: the seed is fixed, so that this never fails by chance later.
      #expect(abs(average - mean) < 6 * deviation / count.squareRoot(), "\(shape)")
      #expect(abs(spread - deviation) < 6 * deviation / count.squareRoot(), "\(shape)")
      if let fanIn = try definition.optional("fan_in")?.int() {
        let fans = VarianceScaling.fans(of: shape)
        #expect(fans.in == fanIn)
        let fanOut = try definition["fan_out"].int()
        #expect(fans.out == fanOut)
      }
    }
  }

  @Test(
    "UniformScaling fills ±scale · √(3 / inputs)", arguments: [[6, 8], [3, 2, 8], [8]] as [Shape])
  func uniformScaling(_ shape: Shape) {
    let values = (0..<200).flatMap { stream in
      let key = RandomKey(seed: 3, stream: UInt64(stream))
      return UniformScaling(scale: 2)(shape, dtype: .float32, key: key).scalars(as: Double.self)
    }
    let inputs = shape.dimensions.dropLast().reduce(1, *)
    let limit = 2 * (3 / Double(inputs)).squareRoot()
    #expect(values.allSatisfy { abs($0) <= limit * (1 + 1e-6) })
    #expect(values.contains { $0 > 0.99 * limit } && values.contains { $0 < -0.99 * limit })
    let squares = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    // Six standard errors of the mean of squares of even numbers.
    let error = limit * limit * (4.0 / 45).squareRoot() / Double(values.count).squareRoot()
    #expect(abs(squares - limit * limit / 3) < 6 * error)
  }

  @Test("Constant values", arguments: try InitializerTable.cases(with: "value"))
  func constants(_ example: FixtureCase) throws {
    let expected = try example["value"].tensor()
    let initializer = try InitializerTable.make(example)
    let value = initializer(expected.shape, dtype: .float32, key: RandomKey(seed: 1))
    expectClose(value, expected, atol: 0, rtol: 0)
  }

  @Test("Orthogonal rows or columns", arguments: try InitializerTable.cases(with: "orthogonal"))
  func orthogonal(_ example: FixtureCase) throws {
    let shape = Shape(try example["shape"].elements().map { try $0.int() })
    let initializer = try InitializerTable.make(example)
    let value = initializer(shape, dtype: .float64, key: RandomKey(seed: 1))
    let matrix = value.reshape([-1, shape[-1]])
    let columns = try example["orthogonal"].string() == "columns"
    let product = columns ? matmul(matrix.transpose(), matrix) : matmul(matrix, matrix.transpose())
    let norm = try example["squared_norm"].double()
    expectClose(product, Tensor.eye(product.shape[0], dtype: .float64) * norm, atol: 1e-12)
  }

  static let random: [any Initializer] = [
    Uniform(), Normal(), TruncatedNormal(), GlorotUniform(), HeNormal(), Orthogonal(),
    UniformScaling(),
  ]

  @Test("One key gives the same values, another key others", arguments: random)
  func keys(_ initializer: any Initializer) {
    func draw(_ seed: UInt64, _ stream: UInt64) -> [Float] {
      let key = RandomKey(seed: seed, stream: stream)
      return initializer([4, 8], dtype: .float32, key: key).scalars(as: Float.self)
    }
    #expect(draw(1, 2) == draw(1, 2))
    #expect(draw(1, 2) != draw(1, 3))
    #expect(draw(1, 2) != draw(2, 2))
  }

  @Test("Values have the type asked for, and float32 is float64 rounded", arguments: random)
  func types(_ initializer: any Initializer) {
    let key = RandomKey(seed: 5)
    let double = initializer([3, 5], dtype: .float64, key: key)
    let single = initializer([3, 5], dtype: .float32, key: key)
    #expect(double.dtype == .float64)
    #expect(single.dtype == .float32)
    #expect(single.scalars(as: Float.self) == double.cast(to: .float32).scalars(as: Float.self))
  }

  @Test("Shapes without elements are drawn too", arguments: random)
  func empty(_ initializer: any Initializer) {
    #expect(initializer([0, 3], dtype: .float32, key: RandomKey(seed: 1)).shape == [0, 3])
  }

  @Test("Inside a compiled function values are drawn when it is traced, and stay")
  func insideTrace() throws {
    let function = jit { (x: [Tensor]) in
      [x[0] + Uniform()([2], dtype: .float32, key: RandomKey(seed: 1))]
    }
    let expected = Uniform()([2], dtype: .float32, key: RandomKey(seed: 1))
    for _ in 0..<2 { expectClose(try function([Tensor([0.0, 0])])[0], expected, atol: 0, rtol: 0) }
  }

  @Test("Ranks that make no sense are errors")
  func wrongRank() {
    expectError("needs a shape of rank 2 at least, asked for [3]") {
      _ = Orthogonal()([3], dtype: .float32, key: RandomKey(seed: 1))
    }
    expectError("gives matrices [rows, columns], asked for [3]") {
      _ = IdentityMatrix()([3], dtype: .float32, key: RandomKey(seed: 1))
    }
  }
}
