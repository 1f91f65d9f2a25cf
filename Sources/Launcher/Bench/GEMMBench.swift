import Engine
import Foundation

/// The speed of the matrix products that the workloads are made of, through the engine's own product.
enum GEMMBench {
  /// `count` products of `[rows, depth]` and `[depth, columns]`.
  private struct Product {
    var name: String
    var rows: Int
    var depth: Int
    var columns: Int
    /// Which of the two lies transposed in memory, as in gradients: `aᵀ · g` and `g · bᵀ`.
    var transposed = Transposed.none
    var count = 1

  }

  /// One of the factors of a product, or none.
  enum Transposed: String, Encodable { case none, first, second }

  private static let products: [Product] = [
    Product(name: "1024 cubed", rows: 1024, depth: 1024, columns: 1024),
    Product(name: "mlp 1 forward", rows: 128, depth: 784, columns: 512),
    Product(name: "mlp 1 weights", rows: 784, depth: 128, columns: 512, transposed: .first),
    Product(name: "mlp 2 forward", rows: 128, depth: 512, columns: 512),
    Product(name: "mlp 2 weights", rows: 512, depth: 128, columns: 512, transposed: .first),
    Product(name: "mlp 2 inputs", rows: 128, depth: 512, columns: 512, transposed: .second),
    Product(name: "mlp 3 forward", rows: 128, depth: 512, columns: 10),
    Product(name: "mlp_small 1 forward", rows: 32, depth: 784, columns: 32),
    Product(name: "mlp_small 1 weights", rows: 784, depth: 32, columns: 32, transposed: .first),
    Product(name: "cnn 2 forward, an image", rows: 576, depth: 288, columns: 64),
    Product(
      name: "cnn 2 weights, an image", rows: 288, depth: 576, columns: 64, transposed: .first),
    Product(
      name: "cnn 2 inputs, an image", rows: 576, depth: 64, columns: 288, transposed: .second),
    Product(name: "cnn 3 forward", rows: 64, depth: 9216, columns: 128),
    Product(name: "cnn 3 weights", rows: 9216, depth: 64, columns: 128, transposed: .first),
    Product(name: "cnn 3 inputs", rows: 64, depth: 128, columns: 9216, transposed: .second),
    Product(name: "transformer qkv", rows: 1024, depth: 128, columns: 384),
    Product(
      name: "transformer scores", rows: 64, depth: 32, columns: 64, transposed: .second, count: 64),
    Product(name: "transformer mixing", rows: 64, depth: 64, columns: 32, count: 64),
    Product(name: "transformer up", rows: 1024, depth: 128, columns: 512),
    Product(
      name: "transformer up weights", rows: 128, depth: 1024, columns: 512, transposed: .first),
    Product(name: "transformer down", rows: 1024, depth: 512, columns: 128),
    Product(name: "transformer head", rows: 1024, depth: 128, columns: 256),
  ]

  /// What was measured.
  struct Report: Encodable, Sendable {
    struct Row: Encodable, Sendable {
      var name: String
      var count: Int
      var m: Int
      var k: Int
      var n: Int
      /// Which factor lies transposed in memory.
      var transposed: Transposed
      var threads: Int
      var microseconds: Double
      var gflops: Double
    }

    /// `KernelSet.description`.
    var kernels: String
    /// Fused multiply-adds of one core from registers.
    var fmaGflops: Double
    var products: [Row]

    /// Of the products' speeds.
    var geometricMean: Double {
      exp(products.map { log($0.gflops) }.reduce(0, +) / Double(products.count))
    }
  }

  /// Times every product on 1, 2, 4 ... and `threads` threads.
  static func measure(threads most: Int) throws -> Report {
    var numbers = [1]
    while let last = numbers.last, last < most { numbers.append(min(last * 2, most)) }
    let before = CoreLimits.fmaGFLOPS()
    let rows = try products.flatMap { product in
      try numbers.map { try measure(product, threads: $0) }
    }
    return Report(
      kernels: KernelSet.description,
      fmaGflops: max(before, CoreLimits.fmaGFLOPS()).rounded(places: 1), products: rows)
  }

  private static func measure(_ product: Product, threads: Int) throws -> Report.Row {
    ComputeThreads.set(threads)
    func shape(_ rows: Int, _ columns: Int, isTransposed: Bool) -> Shape {
      let matrix = isTransposed ? [columns, rows] : [rows, columns]
      return Shape((product.count > 1 ? [product.count] : []) + matrix)
    }
    let swap = product.count > 1 ? [0, 2, 1] : [1, 0]
    let inputs = [
      shape(product.rows, product.depth, isTransposed: product.transposed == .first),
      shape(product.depth, product.columns, isTransposed: product.transposed == .second),
    ].map { randomUniform($0, key: RandomKey(seed: 1).tensor) }
    let plan = try Plan(
      try Trace.record(inputs.map(\.spec)) { operands in
        let a = product.transposed == .first ? transpose(operands[0], swap) : operands[0]
        let b = product.transposed == .second ? transpose(operands[1], swap) : operands[1]
        return [matmul(a, b)]
      })
    for (index, input) in inputs.enumerated() { plan.copyInput(index, input) }
    // What is slower was disturbed.
    let seconds = try Times.measure { try plan.run() }.fastest
    let operations =
      2.0 * Double(product.count * product.rows) * Double(product.depth * product.columns)
    return Report.Row(
      name: product.name, count: product.count, m: product.rows, k: product.depth,
      n: product.columns, transposed: product.transposed, threads: threads,
      microseconds: (seconds * 1e6).rounded(places: 2),
      gflops: (operations / seconds / 1e9).rounded(places: 1))
  }
}

extension GEMMBench.Report {
  /// A table for a person.
  var table: String {
    var table = TextTable(["product", "m x k x n", "threads", "us", "GFLOP/s"])
    for row in products {
      let size = (row.count > 1 ? "\(row.count) of " : "") + "\(row.m) x \(row.k) x \(row.n)"
      table.add([
        row.name, size, "\(row.threads)", row.microseconds.text(1), row.gflops.text(1),
      ])
    }
    return """
      Kernels \(kernels); a core's multiply-adds reach \(fmaGflops.text(1)) GFLOP/s, \
      the products \(geometricMean.text(1)) on the geometric mean
      \(table.text)
      """
  }
}
