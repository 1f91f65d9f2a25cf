import Engine
import TestSupport
import Testing

/// What a rank without rows computes: operations on tensors of no elements, at once, compiled, and their gradients.
@Suite("Tensors without elements") struct EmptyTensorTests {
  static let shapes: [Shape] = [[0, 2, 2], [2, 0, 2], [2, 2, 0], [0, 0, 3], [0, 1, 2]]
  static let subsets: [[Int]] = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]

  /// Expects `value` everywhere, at once and compiled, and a gradient of the shape of `x`.
  private func check(
    _ x: Tensor, _ value: Double, _ shape: Shape, _ what: String,
    _ function: @escaping (Tensor) throws -> Tensor
  ) throws {
    let slope = { (x: Tensor) in try grad { (x: Tensor) in sum(try function(x)) }(x) }
    for output in [try withErrors { try function(x) }, try jit { try function($0) }(x)] {
      #expect(output.shape == shape, "\(what) of \(x.shape)")
      expectClose(
        output, [Double](repeating: value, count: shape.elementCount), "\(what) of \(x.shape)")
    }
    guard x.dtype.isFloating else { return }
    for gradient in [try slope(x), try jit { try slope($0) }(x)] {
      #expect(gradient.shape == x.shape, "\(what) of \(x.shape)")
    }
  }

  private func reduced(_ shape: Shape, _ axes: [Int], _ keepDims: Bool) -> Shape {
    Shape(
      shape.enumerated().compactMap { axis, length in
        axes.contains(axis) ? (keepDims ? 1 : nil) : length
      })
  }

  @Test("Sums are 0, products 1, means NaN, as NumPy has it", arguments: shapes, subsets)
  func reductions(_ shape: Shape, _ axes: [Int]) throws {
    for keepDims in [false, true] {
      let result = reduced(shape, axes, keepDims)
      for dtype in [DType.float32, .float64, .int32, .int64, .uint8, .bool] {
        let x = Tensor.zeros(shape, dtype: dtype)
        try check(x, 0, result, "sum") { sum($0, axes: axes, keepDims: keepDims) }
        try check(x, 1, result, "prod") { prod($0, axes: axes, keepDims: keepDims) }
        try check(x, .nan, result, "mean") { mean($0, axes: axes, keepDims: keepDims) }
      }
      let x = Tensor.zeros(shape)
      let functions: [(String, Double, (Tensor) -> Tensor)] = [
        ("variance", .nan, { variance($0, axes: axes, keepDims: keepDims) }),
        ("standardDeviation", .nan, { standardDeviation($0, axes: axes, keepDims: keepDims) }),
        ("logSumExp", -.infinity, { logSumExp($0, axes: axes, keepDims: keepDims) }),
        ("norm", 0, { norm($0, axes: axes, keepDims: keepDims) }),
        ("norm 1", 0, { norm($0, order: 1, axes: axes, keepDims: keepDims) }),
        ("norm 0", 0, { norm($0, order: 0, axes: axes, keepDims: keepDims) }),
        ("norm 3", 0, { norm($0, order: 3, axes: axes, keepDims: keepDims) }),
        ("norm 0.5", 0, { norm($0, order: 0.5, axes: axes, keepDims: keepDims) }),
        ("any", 0, { any($0, axes: axes, keepDims: keepDims).cast(to: .float32) }),
        ("all", 1, { all($0, axes: axes, keepDims: keepDims).cast(to: .float32) }),
      ]
      for (name, value, function) in functions {
        try check(x, value, result, "\(name) over \(axes)", function)
      }
    }
  }

  @Test(
    "Extremes of nothing are an error; of no results there are none", arguments: shapes, subsets)
  func extremes(_ shape: Shape, _ axes: [Int]) throws {
    let x = Tensor.zeros(shape)
    let result = reduced(shape, axes, false)
    let functions: [(String, (Tensor) -> Tensor)] = [
      ("max", { max($0, axes: axes) }), ("min", { min($0, axes: axes) }),
      ("norm ∞", { norm($0, order: .infinity, axes: axes) }),
      ("argmax", { argmax($0, axis: axes[0]).cast(to: .float32) }),
      ("argmin", { argmin($0, axis: axes[0]).cast(to: .float32) }),
    ]
    for (name, function) in functions {
      if name.hasPrefix("arg"), axes.count > 1 { continue }
      if result.elementCount == 0 {
        try check(x, 0, result, name, function)
      } else {
        #expect(throws: EngineError.self, "\(name) over \(axes) of \(shape)") {
          try withErrors { function(x) }
        }
        let compiled = jit { (x: Tensor) in function(x) }
        #expect(throws: EngineError.self) { try compiled(x) }
      }
    }
  }

  @Test("Operations along an axis keep the shape", arguments: shapes, [0, 1, 2])
  func alongAxis(_ shape: Shape, _ axis: Int) throws {
    let functions: [(String, (Tensor) -> Tensor)] = [
      ("softmax", { softmax($0, axis: axis) }), ("logSoftmax", { logSoftmax($0, axis: axis) }),
      ("cumulativeSum", { cumulativeSum($0, axis: axis) }),
      ("cumulativeProduct", { cumulativeProduct($0, axis: axis) }),
      ("cumulativeMax", { cumulativeMax($0, axis: axis) }),
      ("cumulativeLogSumExp", { cumulativeLogSumExp($0, axis: axis) }),
      ("sort", { sort($0, axis: axis) }), ("flip", { flip($0, axes: [axis]) }),
      ("normalize", { normalize($0, axes: [axis]) }),
      ("layerNormalization", { LayerNormalization(axes: [axis])($0) }),
    ]
    for (name, function) in functions {
      try check(.zeros(shape), 0, shape, "\(name) along \(axis)", function)
    }
  }

  @Test("Losses and layers of no rows give no rows")
  func rows() throws {
    let x = Tensor.zeros([0, 4])
    try check(x, 0, [0], "crossentropy") {
      sparseCategoricalCrossentropy(Tensor.zeros([0], dtype: .int32), $0, fromLogits: true)
    }
    try check(x, 0, [0], "mse") { meanSquaredError(Tensor.zeros([0, 4]), $0) }
    let layers: [(Shape, AnyModule)] = [
      ([0, 4], Linear(3)), ([0, 4], BatchNormalization()), ([0, 4], LayerNormalization()),
      ([0, 5, 4], Conv1D(2, kernelSize: 2)), ([0, 6, 6, 3], Conv2D(2, kernelSize: 3)),
      ([0, 6, 6, 3], MaxPooling2D(2)), ([0, 6, 6, 3], AveragePooling2D(2)),
      ([0, 6, 6, 3], GlobalAveragePooling2D()), ([0, 6, 6, 3], GlobalMaxPooling2D()),
      ([0, 5, 4], GRU(3)), ([0, 5, 4], LSTM(3, returnSequences: true)),
      ([0, 6, 6, 4], GroupNormalization(groups: 2)), ([0, 4], Dropout(0.5)),
      ([0, 5, 4], TransformerEncoderLayer(numHeads: 2, feedForwardDim: 8)),
    ]
    for (shape, layer) in layers {
      let x = Tensor.zeros(shape)
      let run = { (x: Tensor) in
        guard case .tensor(let y) = try layer.call(structure: .tensor(x)) else { return x }
        return y
      }
      let output = try withErrors { try run(x) }
      #expect(output.shape[0] == 0, "\(layer)")
      try check(x, 0, output.shape, "\(layer)", run)
    }
  }
}
