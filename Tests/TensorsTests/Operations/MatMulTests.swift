import Tensors
import TensorsTestSupport
import Testing

@Suite("Matrix products")
struct MatMulTests {
  @Test("A product of matrices has the values of the definition")
  func values() {
    let (a, b) = (Tensor([[1.0, 2], [3, 4], [5, 6]]), Tensor([[1.0, 0, 2], [0, 1, 3]]))
    expectClose(matmul(a, b), Tensor([[1.0, 2, 8], [3, 4, 18], [5, 6, 28]]))
  }

  @Test(
    "Shapes follow NumPy",
    arguments: [
      ([2, 3], [3, 4], [2, 4]), ([3], [3], []), ([2, 3], [3], [2]), ([3], [3, 4], [4]),
      ([5, 2, 3], [3, 4], [5, 2, 4]), ([5, 2, 3], [5, 3, 4], [5, 2, 4]),
      ([6, 1, 2, 3], [5, 3, 4], [6, 5, 2, 4]), ([2, 3], [5, 3, 4], [5, 2, 4]),
      ([5, 2, 3], [3], [5, 2]), ([3], [5, 3, 4], [5, 4]), ([0, 3], [3, 4], [0, 4]),
      ([2, 0], [0, 4], [2, 4]), ([0, 2, 3], [3, 4], [0, 2, 4]),
    ] as [(Shape, Shape, Shape)])
  func shapes(_ a: Shape, _ b: Shape, _ result: Shape) {
    #expect(matmul(Tensor.ones(a), Tensor.ones(b)).shape == result)
  }

  @Test("A product over nothing is zero")
  func zeros() {
    expectClose(matmul(Tensor.zeros([2, 0]), Tensor.zeros([0, 2])), [0, 0, 0, 0])
    expectClose(matmul(Tensor.zeros([0]), Tensor.zeros([0])), [0])
  }

  @Test(
    "Any strides, types and batches agree with three loops",
    arguments: [DType.float32, .float64, .int32, .int64, .uint8])
  func layouts(_ dtype: DType) {
    var generator = SeededGenerator(seed: 3)
    let a = generator.integers([4, 6, 8], in: 0..<4, dtype: dtype)
    let b = generator.integers([4, 8, 6], in: 0..<4, dtype: dtype)
    let pairs: [(Tensor, Tensor)] = [
      (a[0], b[0]), (a[0], a[1].transposed), (b[0].transposed, b[1]),
      (b[0].transposed, a[0].transposed), (a[0, 1..<3, 2..<5], b[0, 1..<4, 0..<2]),
      (a[0, .stride(by: -1)], b[0, .all, .stride(by: -2)]), (a[.all, 2], b[0]),
    ]
    for (index, (left, right)) in pairs.enumerated() {
      let product = matmul(left, right)
      #expect(product.dtype == dtype)
      expectClose(product, reference(left, right, wrapping: dtype == .uint8), "pair \(index)")
    }
    let batch = matmul(a.transpose([1, 0, 2])[0..<4, .all, .all], b)
    for index in 0..<4 {
      expectClose(
        batch[index], reference(a[.all, index], b[index], wrapping: dtype == .uint8),
        "matrix \(index)")
    }
    let repeated = a[0, 0..<1].broadcast(to: [3, 8])
    expectClose(
      matmul(repeated, b[0]), reference(repeated, b[0], wrapping: dtype == .uint8), "repeated row")
  }

  private func reference(_ a: Tensor, _ b: Tensor, wrapping: Bool) -> Tensor {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let (x, y) = (a.scalars(as: Int.self), b.scalars(as: Int.self))
    var result = [Int](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for l in 0..<k { result[i * n + j] += x[i * k + l] * y[l * n + j] }
        if wrapping { result[i * n + j] %= 256 }
      }
    }
    return Tensor(result, shape: [m, n])
  }

  @Test("Types promote; a product of bool counts")
  func types() {
    #expect(matmul(Tensor([[1, 2]]), Tensor([[0.5], [1]])).item() == 2.5)
    let counts = matmul(Tensor([true, true, false]), Tensor([true, true, true]))
    #expect(counts.dtype == .int32)
    #expect(counts.item() == 2)
  }

  @Test("Shapes that do not fit are named, with what would be right")
  func errors() {
    #expect(
      throws: EngineError.shape(
        operation: "matmul",
        message: """
          cannot multiply [32, 784] by [512, 10]: columns of the first (784) must equal rows of \
          the second (512)
          """)
    ) { try withErrors { matmul(Tensor.zeros([32, 784]), Tensor.zeros([512, 10])) } }
    #expect(
      throws: EngineError.shape(
        operation: "matmul",
        message: """
          cannot combine [2] and [3]: axis -1 has lengths 2 and 3, which must be equal or one of \
          them 1
          """)
    ) { try withErrors { matmul(Tensor.zeros([2, 4, 5]), Tensor.zeros([3, 5, 4])) } }
    #expect(throws: EngineError.self) { try withErrors { matmul(Tensor(1.0), Tensor([1.0])) } }
  }

  /// Rows, columns, depth: whole register tiles and not, one block of the caches and several, rows a page apart.
  static let sizes = [
    [8, 16, 4], [7, 16, 9], [8, 15, 9], [9, 17, 1], [40, 48, 400], [130, 51, 33], [51, 130, 800],
    [33, 300, 12], [300, 256, 20], [270, 530, 9], [24, 30, 65], [16, 17, 5], [600, 130, 390],
    [1, 1, 1], [1, 700, 300], [300, 1, 700], [1, 1, 900], [128, 10, 512], [9, 257, 513],
    [75, 97, 257], [700, 24, 270], [65, 1040, 20],
  ]

  @Test("Float32 products are those of float64, whichever factor is transposed", arguments: sizes)
  func float32Products(_ size: [Int]) throws {
    let (m, n, k) = (size[0], size[1], size[2])
    var generator = SeededGenerator(seed: 17)
    let a = generator.uniform([m, k], dtype: .float32)
    let b = generator.uniform([k, n], dtype: .float32)
    let c = generator.uniform([m, n], dtype: .float32)
    let exact = matmul(a.cast(to: .float64), b.cast(to: .float64))
    // Each addition of k numbers of at most 1 rounds a sum of at most k.
    let tolerance = 1e-7 * Double(k) * Double(k).squareRoot() + 1e-6
    for (left, right) in [
      (a, b), (transposedInMemory(a), b), (a, transposedInMemory(b)),
      (transposedInMemory(a), transposedInMemory(b)),
    ] {
      expectClose(matmul(left, right).cast(to: .float64), exact, atol: tolerance, rtol: 0)
      // Added to what is there already.
      let sum = try jit { (x: [Tensor]) in
        [matmul(x[0].transposed, x[1].transposed) + x[2]]
      }([left.transposed.contiguous(), right.transposed.contiguous(), c])
      expectClose(
        sum[0].cast(to: .float64), exact + c.cast(to: .float64), atol: tolerance, rtol: 0)
      let natural = try jit { (x: [Tensor]) in [matmul(x[0], x[1]) + x[2]] }([left, right, c])
      expectClose(
        natural[0].cast(to: .float64), exact + c.cast(to: .float64), atol: tolerance, rtol: 0)
    }
  }

  #if arch(x86_64)
    /// So that bits do not depend on how many threads a product is cut for.
    @Test("A block of a float32 product has the bits of the whole", arguments: sizes)
    func blocks(_ size: [Int]) {
      let (m, n, k) = (size[0], size[1], size[2])
      var generator = SeededGenerator(seed: 5)
      let a = generator.uniform([m, k], dtype: .float32)
      let b = generator.uniform([k, n], dtype: .float32)
      for (left, right) in [
        (a, b), (transposedInMemory(a), b), (a, transposedInMemory(b)),
        (transposedInMemory(a), transposedInMemory(b)),
      ] {
        let whole = matmul(left, right)
        for (row, column) in [(m / 3, n / 2), (m / 2 / 8 * 8, n / 16 * 16), (m - 1, n - 1)] {
          let block = matmul(left[row...], right[.all, column...])
          #expect(
            block.scalars(as: Float.self) == whole[row..., column...].scalars(as: Float.self),
            "from \(row), \(column)")
        }
      }
    }
  #endif

  /// The same values, stored column by column.
  private func transposedInMemory(_ x: Tensor) -> Tensor { x.transposed.contiguous().transposed }
}
