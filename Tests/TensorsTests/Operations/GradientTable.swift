import Tensors
import TensorsTestSupport
import Testing

/// One row: an operation at arguments where it is smooth.
struct GradientCase: Sendable, CustomTestStringConvertible {
  let name: String
  let arguments: @Sendable (inout SeededGenerator) -> [Tensor]
  let function: @Sendable ([Tensor]) throws -> Tensor

  var testDescription: String { name }
}

/// Every primitive in several shapes: ordinary, scalar, empty, broadcast, strided.
enum GradientTable {
  static let cases: [GradientCase] =
    unary + binary + choices + reductions + views + joins + products + indexing + rows
    + scaledRows + attention + recurrences + loops + images + random

  // MARK: Elementwise

  private static func unary(
    _ name: String, from low: Double = 0.2, to high: Double = 1.5, positive: Bool = false,
    _ function: @escaping @Sendable (Tensor) -> Tensor
  ) -> [GradientCase] {
    ([[2, 3], [], [0, 3]] as [Shape]).map { shape in
      GradientCase(
        name: "\(name) \(shape)",
        arguments: {
          [
            positive
              ? $0.uniform(shape, from: low, to: high)
              : $0.awayFromZero(shape, from: low, to: high)
          ]
        }, function: { function($0[0]) })
    } + [
      // Not in row-major order.
      GradientCase(
        name: "\(name) transposed",
        arguments: {
          [
            positive
              ? $0.uniform([2, 3], from: low, to: high)
              : $0.awayFromZero([2, 3], from: low, to: high)
          ]
        }, function: { function($0[0].transpose()) })
    ]
  }

  private static let unary: [GradientCase] = [
    unary("negate") { -$0 },
    unary("abs") { abs($0) },
    unary("sign") { sign($0) },
    unary("exp") { exp($0) },
    unary("expm1") { expm1($0) },
    unary("log", positive: true) { log($0) },
    unary("log1p", positive: true) { log1p($0) },
    unary("sqrt", positive: true) { sqrt($0) },
    unary("rsqrt", positive: true) { rsqrt($0) },
    unary("square") { square($0) },
    unary("reciprocal", from: 0.5) { reciprocal($0) },
    unary("tanh") { tanh($0) },
    unary("sigmoid") { sigmoid($0) },
    unary("relu") { relu($0) },
    unary("erf") { erf($0) },
    unary("sin") { sin($0) },
    unary("cos") { cos($0) },
    unary("floor", from: 0.1, to: 0.9) { floor($0) * $0 },
    unary("ceil", from: 0.1, to: 0.9) { ceil($0) * $0 },
    unary("round", from: 0.6, to: 0.9) { round($0) * $0 },
    unary("softplus") { softplus($0) },
    unary("gelu") { gelu($0) },
    unary("gelu approximate") { gelu($0, approximate: true) },
    unary("isNaN") { isNaN($0).cast(to: .float64) + $0 },
    unary("isFinite") { isFinite($0).cast(to: .float64) * $0 },
    unary("logicalNot") { logicalNot($0).cast(to: .float64) + $0 },
    unary("pow 3") { pow($0, 3) },
    unary("pow 2") { pow($0, 2) },
    unary("pow 0.5", positive: true) { pow($0, 0.5) },
    unary("scalar operators") { (2 - $0 * 3 + 1) / 4 },
    unary("scalar division", from: 0.5) { 1 / $0 - 0.5 },
    unary("softmax of a scalar function") { exp(-square($0)) * sigmoid($0) },
  ].flatMap { $0 }

  private static func binary(
    _ name: String, from low: Double = 0.5, to high: Double = 1.5,
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> [GradientCase] {
    let shapes: [(Shape, Shape)] = [
      ([2, 3], [2, 3]), ([2, 3], [3]), ([2, 1], [1, 3]), ([], [2]), ([], []), ([0, 3], [3]),
      ([1, 3], [0, 1]),
    ]
    return shapes.map { a, b in
      GradientCase(
        name: "\(name) \(a) \(b)",
        arguments: { [$0.uniform(a, from: low, to: high), $0.uniform(b, from: low, to: high)] },
        function: { function($0[0], $0[1]) })
    }
  }

  private static let binary: [GradientCase] = [
    binary("add") { $0 + $1 },
    binary("subtract") { $0 - $1 },
    binary("multiply") { $0 * $1 },
    binary("divide") { $0 / $1 },
    binary("modulo") { $0 % $1 },
    binary("power") { pow($0, $1) },
    binary("maximum") { maximum($0, $1) * $0 },
    binary("minimum") { minimum($0, $1) * $1 },
    binary("equal") { ($0 .== $1).cast(to: .float64) + $0 },
    binary("notEqual") { ($0 .!= $1).cast(to: .float64) * $0 },
    binary("less") { ($0 .< $1).cast(to: .float64) * $0 },
    binary("lessEqual") { ($0 .<= $1).cast(to: .float64) * $0 },
    binary("greater") { ($0 .> $1).cast(to: .float64) * $0 },
    binary("greaterEqual") { ($0 .>= $1).cast(to: .float64) * $0 },
    binary("logicalAnd") { logicalAnd($0, $1).cast(to: .float64) * $1 },
    binary("logicalOr") { logicalOr($0, $1).cast(to: .float64) * $1 },
  ].flatMap { $0 }

  private static let choices: [GradientCase] =
    binary("select") { select($0 .> $1, $0, $1 * 2) }
    + binary("select of numbers") { select($0 .> $1, 1, select($1 .> 1, $0, 0.5)) }

  // MARK: Shapes

  static func one(
    _ name: String, _ shape: Shape, _ function: @escaping @Sendable (Tensor) throws -> Tensor
  ) -> GradientCase {
    GradientCase(
      name: "\(name) \(shape)", arguments: { [$0.awayFromZero(shape)] },
      function: { try function($0[0]) })
  }

  private static func reduction(
    _ name: String,
    _ function: @escaping @Sendable (Tensor, [Int]?, Bool) -> Tensor, hasIdentity: Bool = true
  ) -> [GradientCase] {
    var rows: [GradientCase] = []
    let lists: [[Int]?] = [nil, [0], [1], [2], [-1, 0], [0, 1], [1, 2], []]
    for axes in lists {
      let text = axes.map { "\($0)" } ?? "all"
      rows.append(one("\(name) along \(text)", [2, 3, 2]) { function($0, axes, false) })
    }
    rows.append(one("\(name) keeping axes", [2, 3, 2]) { function($0, [0, 2], true) * $0 })
    rows.append(one("\(name) of a scalar", []) { function($0, nil, false) })
    rows.append(one("\(name) along a unit axis", [3, 1]) { function($0, [1], false) })
    rows.append(one("\(name) of a transposed", [2, 3]) { function($0.transpose(), [0], false) })
    if hasIdentity { rows.append(one("\(name) of nothing", [0, 3]) { function($0, [0], false) }) }
    rows.append(one("\(name) to nothing", [0, 3]) { function($0, [1], false) })
    return rows
  }

  private static let reductions: [GradientCase] = [
    reduction("sum", { sum($0, axes: $1, keepDims: $2) }),
    reduction("prod", { prod($0, axes: $1, keepDims: $2) }),
    reduction("max", { max($0, axes: $1, keepDims: $2) }, hasIdentity: false),
    reduction("min", { min($0, axes: $1, keepDims: $2) }, hasIdentity: false),
    reduction("any", { any($0, axes: $1, keepDims: $2).cast(to: .float64) }),
    reduction("all", { all($0, axes: $1, keepDims: $2).cast(to: .float64) }),
    reduction("mean", { mean($0, axes: $1, keepDims: $2) }, hasIdentity: false),
    reduction("variance", { variance($0, axes: $1, keepDims: $2) }, hasIdentity: false),
    [
      one("prod of seven", [7]) { prod($0) },
      GradientCase(
        name: "prod with a zero",
        arguments: { _ in [Tensor([[2.0, 0, 3], [0.5, 4, -1]], dtype: .float64)] },
        function: { prod($0[0], axis: 1) }),
      GradientCase(
        name: "prod with two zeros",
        arguments: { _ in [Tensor([2.0, 0, 0, 3], dtype: .float64)] }, function: { prod($0[0]) }),
      one("argmax", [2, 3]) { argmax($0, axis: 1).cast(to: .float64) + sum($0, axis: 1) },
      one("argmin", [2, 3]) { argmin($0).cast(to: .float64) * sum($0) },
      one("cumulativeSum", [2, 3, 2]) { cumulativeSum($0, axis: 1) },
      one("cumulativeSum exclusive", [4]) { cumulativeSum($0, axis: 0, exclusive: true) },
      one("cumulativeSum reverse", [2, 3]) { cumulativeSum(square($0), axis: 1, reverse: true) },
      one("cumulativeSum exclusive reverse", [2, 3]) {
        cumulativeSum($0, axis: 0, exclusive: true, reverse: true)
      },
      one("cumulativeSum of nothing", [0, 3]) { cumulativeSum($0, axis: 0) },
      one("cumulativeProduct", [2, 5]) { cumulativeProduct($0, axis: 1) },
      one("cumulativeMax", [5, 2]) { cumulativeMax($0, axis: 0) * $0 },
      one("cumulativeMin", [5, 2]) { cumulativeMin($0, axis: 0) * $0 },
      one("cumulativeLogSumExp", [5]) { cumulativeLogSumExp($0, axis: -1) },
      one("cumulativeLogSumExp of nothing", [2, 0]) { cumulativeLogSumExp($0, axis: -1) },
      one("norm", [2, 3]) { norm($0, axis: 1) },
      one("norm of order 1", [2, 3]) { norm($0, order: 1, axis: 1) * norm($0) },
      one("norm of order 3", [2, 3]) { norm($0, order: 3, axis: 0, keepDims: true) },
      one("norm of order infinity", [2, 3]) { square(norm($0, order: .infinity, axis: 0)) },
      one("norm of order -infinity", [2, 3]) { square(norm($0, order: -.infinity, axis: 0)) },
      one("globalNorm", [2, 3]) { globalNorm([$0, square($0)]) },
      one("logSumExp", [2, 3]) { logSumExp($0, axis: 1) },
      one("logSumExp of all", [2, 3]) { logSumExp($0, keepDims: true) * $0 },
      one("standardDeviation", [2, 4]) { standardDeviation($0, axis: 1) },
      one("clip", [3, 4]) { square(clip($0, min: -0.7, max: 0.8)) },
      one("logAddExp", [3]) { logAddExp($0, square($0)) },
      one("sort", [3, 4]) { square(sort($0)) * $0 },
      one("sort in the middle", [2, 4, 2]) { square(sort($0, axis: 1, descending: true)) },
      one("sort of nothing", [2, 0]) { square(sort($0)) },
      one("argsort", [2, 3]) { argsort($0).cast(to: .float64) * $0 },
      one("topK", [2, 5]) { square(topK($0, 2).values) },
    ],
  ].flatMap { $0 }

  private static let views: [GradientCase] = [
    one("reshape", [2, 3]) { square($0.reshape([3, 2])) },
    one("reshape of a transposed", [2, 3]) { square($0.transpose().reshape([6])) },
    one("reshape to rank 0", [1, 1]) { square($0.reshape([])) },
    one("reshape of nothing", [0, 3]) { square($0.reshape([3, 0])) },
    one("transpose", [2, 3, 4]) { square($0.transpose([2, 0, 1])) },
    one("transposed", [2, 3, 4]) { square($0.transposed) },
    one("swapAxes", [2, 3, 4]) { square(swapAxes($0, 0, -1)) },
    one("broadcastTo", [3, 1]) { square($0.broadcast(to: [2, 3, 4])) },
    one("broadcastTo of a scalar", []) { square($0.broadcast(to: [2, 2])) },
    one("broadcastTo nothing", [1, 2]) { square($0.broadcast(to: [0, 2])) },
    one("slice", [5, 2]) { square(slice($0, axis: 0, from: 1, to: 4)) },
    one("slice with steps", [5, 2]) { square(slice($0, axis: 0, from: 0, to: 5, by: 2)) },
    one("slice backwards", [5]) { square(slice($0, axis: 0, by: -2)) },
    one("slice of nothing", [5]) { square(slice($0, axis: 0, from: 3, to: 3)) },
    one("scatterSlice", [2, 2]) {
      square(
        apply1(
          ScatterSlice(shape: [5, 3], starts: [4, 1], lengths: [2, 2], steps: [-2, 1]), $0))
    },
    one("flip", [2, 3]) { square(flip($0)) * $0 },
    one("expandDims", [2, 3]) { square(expandDims($0, axis: 1)) },
    one("squeeze", [2, 1, 3]) { square(squeeze($0)) },
    one("identity", [2, 3]) { square(apply1(IdentityOperation(), $0)) },
    one("contiguous", [2, 3]) { square(apply1(Contiguous(), $0.transpose())) },
    one("split", [6, 2]) { x in
      let parts = split(x, into: 3)
      return parts[0] * parts[1] - square(parts[2])
    },
    one("repeatElements", [2, 3]) { square(repeatElements($0, 2, axis: 1)) },
    one("tile", [2, 3]) { square(tile($0, [2, 1])) },
    one("subscripts", [3, 4, 2]) { $0[0] * $0[-1, .all, .all] + square($0[1, .stride(by: -1)]) },
    one("subscript with an ellipsis", [3, 4, 2]) { square($0[.ellipsis, 1]) * $0[.all, .all, 0] },
    one("subscript with a range", [4, 3]) { square($0[1..<3, .newAxis, 1...]) },
    one("subscript with indices", [4, 3]) { square($0[.all, Tensor([2, 0, 2, -1])]) },
  ]

  private static let joins: [GradientCase] = [
    one("pad", [2, 3]) { square(pad($0, [(1, 0), (2, 1)], value: 2)) },
    one("pad of a scalar", []) { square(pad($0, [])) },
    one("pad of nothing", [0, 2]) { square(pad($0, [(1, 1), (0, 0)])) },
    one("concatenate", [2, 3]) { square(concatenate([$0, $0 * 2, $0[.all, 0..<1]], axis: 1)) },
    one("concatenate transposed", [2, 3]) {
      square(concatenate([$0, $0.transpose()[0..<2, .all]], axis: -1))
    },
    one("concatenate with nothing", [2, 3]) { square(concatenate([$0, $0[0..<0]])) },
    one("stack", [2, 3]) { square(stack([$0, exp($0)], axis: -1)) },
  ]

  // MARK: Products

  private static func product(_ a: Shape, _ b: Shape) -> GradientCase {
    GradientCase(
      name: "matmul \(a) \(b)", arguments: { [$0.uniform(a), $0.uniform(b)] },
      function: { matmul($0[0], $0[1]) })
  }

  private static let products: [GradientCase] = [
    product([2, 3], [3, 4]), product([3], [3]), product([2, 3], [3]), product([3], [3, 2]),
    product([2, 2, 3], [3, 2]), product([2, 2, 3], [2, 3, 2]), product([2, 1, 2, 3], [3, 3, 2]),
    product([2, 3], [2, 3, 2]), product([2, 2, 3], [3]), product([3], [2, 3, 2]),
    product([2, 2, 3], [1, 3, 2]), product([2, 0], [0, 3]), product([0, 3], [3, 2]),
    product([1, 1], [1, 1]), product([0, 2, 3], [3, 2]),
    GradientCase(
      name: "matmul transposed", arguments: { [$0.uniform([3, 2]), $0.uniform([4, 3])] },
      function: { matmul($0[0].transposed, $0[1].transposed) }),
    GradientCase(
      name: "matmul strided", arguments: { [$0.uniform([4, 6]), $0.uniform([3, 4])] },
      function: {
        matmul($0[0][.stride(by: 2), .stride(by: 2)], $0[1][.all, .stride(by: -2)])
      }),
    GradientCase(
      name: "matmul of columns", arguments: { [$0.uniform([4, 6]), $0.uniform([6, 4])] },
      function: { matmul($0[0][1..<3, 2..<5], $0[1][.stride(from: 0, to: 6, by: 2), 1..<3]) }),
    GradientCase(
      name: "matmul broadcast", arguments: { [$0.uniform([1, 3]), $0.uniform([3, 1])] },
      function: {
        matmul($0[0].broadcast(to: [2, 3]), $0[1].broadcast(to: [3, 2]))
      }),
    GradientCase(
      name: "matmul batch of transposed",
      arguments: { [$0.uniform([2, 3, 2]), $0.uniform([3, 2, 2])] },
      function: { matmul($0[0].transpose([0, 2, 1]), $0[1].transpose([1, 0, 2])) }),
    GradientCase(
      name: "matmul with itself", arguments: { [$0.uniform([3, 3])] },
      function: { matmul($0[0], matmul($0[0].transposed, $0[0])) }),
  ]

  // MARK: Indices

  private static let indexing: [GradientCase] = [
    one("take", [4, 2]) { square(take($0, Tensor([1, 3, 1, -4]))) },
    one("take a scalar", [4, 2]) { square(take($0, Tensor(2))) },
    one("take along the last axis", [2, 4]) {
      square(take($0, Tensor([[0, 3], [3, 3]]), axis: -1))
    },
    one("take nothing", [4, 2]) { square(take($0, Tensor([Int]()), axis: 1)) },
    one("scatterAdd", [3, 2]) { square(scatterAdd($0, Tensor([1, 0, 1]), length: 4)) },
    one("scatterAdd in the middle", [2, 3, 2]) {
      square(scatterAdd($0, Tensor([1, 0, 1]), length: 2, axis: 1))
    },
    one("takeAlong", [2, 3]) { square(takeAlong($0, Tensor([2, 0]))) },
    one("takeAlong the first axis", [3, 2]) { square(takeAlong($0, Tensor([1, -1]), axis: 0)) },
    one("scatterAlong", [2]) {
      square(apply1(ScatterAlong(axis: 1, length: 3), $0, Tensor([2, 0])))
    },
    one("oneHot", [2, 3]) { $0 * oneHot(Tensor([0, 2]), depth: 3, dtype: .float64) },
  ]

  // MARK: Rows

  private static let rows: [GradientCase] = ([[2, 4], [3], [0, 3], [2, 2, 3]] as [Shape]).flatMap {
    shape in
    [
      one("softmax", shape) { softmax($0) },
      one("logSoftmax", shape) { logSoftmax($0) },
      one("softmax along the first axis", shape) { softmax($0, axis: 0) },
      one("logSoftmax along the first axis", shape) { logSoftmax($0, axis: 0) * $0 },
      one("layerNorm", shape) { layerNorm($0, epsilon: 0.1) },
    ]
  }

  private static let scaledRows: [GradientCase] =
    ([[2, 4], [3], [0, 3], [2, 2, 3]] as [Shape]).map { shape in
      GradientCase(
        name: "layerNorm with scale and offset \(shape)",
        arguments: {
          [$0.awayFromZero(shape), $0.uniform([shape[-1]]), $0.uniform([shape[-1]])]
        }, function: { layerNorm($0[0], gamma: $0[1], beta: $0[2], epsilon: 0.1) })
    } + [
      one("groupNorm", [2, 3, 4]) { groupNorm($0, groups: 2, epsilon: 0.1) },
      one("groupNorm of channels first", [2, 4, 2]) {
        groupNorm($0, groups: 2, axis: 1, epsilon: 0.1)
      },
      one("groupNorm of no rows", [0, 3, 4]) { groupNorm($0, groups: 2, epsilon: 0.1) },
      one("normalize", [2, 3]) { normalize($0) },
      one("normalize along two axes", [2, 3, 2]) { normalize($0, axes: [0, -1]) },
      one("cross-entropy of class numbers", [2, 2, 3]) {
        square(sparseCrossEntropy($0, labels: Tensor([[0, 2], [1, 1]])))
      },
      one("cross-entropy of no rows", [0, 3]) {
        sparseCrossEntropy($0, labels: Tensor([Int]()))
      },
      one("CTC", [3, 4, 3]) {
        ctcLoss(
          target: Tensor([[1, 1], [2, 1], [1, 0]]), output: $0, targetLength: Tensor([2, 2, 1]),
          outputLength: Tensor([4, 3, 2]))
      },
      one("CTC of one label", [1, 3, 3]) {
        ctcLoss(
          target: Tensor([[0]]), output: $0, targetLength: Tensor([1]), outputLength: Tensor([3]),
          maskIndex: 2)
      },
      one("CTC of no labels", [2, 3, 2]) {
        ctcLoss(
          target: Tensor.zeros([2, 0], dtype: .int32), output: $0, targetLength: Tensor([0, 0]),
          outputLength: Tensor([3, 1]))
      },
      one("CTC of no sequences", [0, 3, 2]) {
        ctcLoss(
          target: Tensor.zeros([0, 2], dtype: .int32), output: $0,
          targetLength: Tensor.zeros([0], dtype: .int32),
          outputLength: Tensor.zeros([0], dtype: .int32))
      },
    ]

  // MARK: Attention

  private static func attention(
    _ name: String, _ queries: Shape, keys: Int? = nil, isCausal: Bool = false,
    mask: Tensor? = nil, addedMask: Shape? = nil
  ) -> GradientCase {
    let sources: Shape = [queries[0], keys ?? queries[1], queries[2], queries[3]]
    return GradientCase(
      name: "attention \(name)",
      arguments: {
        [$0.uniform(queries), $0.uniform(sources), $0.uniform(sources)]
          + (addedMask == nil ? [] : [$0.uniform(addedMask ?? [])])
      },
      function: {
        scaledDotProductAttention(
          $0[0], $0[1], $0[2], mask: $0.count > 3 ? $0[3] : mask, isCausal: isCausal)
      })
  }

  private static let attention: [GradientCase] = [
    attention("plain", [2, 3, 2, 2]),
    attention("causal", [1, 4, 2, 3], isCausal: true),
    attention("of one query", [2, 1, 1, 3], isCausal: true),
    attention("cross", [1, 2, 2, 2], keys: 4),
    attention("causal with fewer keys", [1, 4, 1, 2], keys: 2, isCausal: true),
    attention(
      "with hidden keys", [1, 3, 2, 2], mask: Tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 0]]) .> 0),
    attention("with a mask that is added", [2, 2, 2, 2], keys: 3, addedMask: [2, 1, 3]),
    attention("of no queries", [1, 0, 2, 2], keys: 3),
    attention("of no keys", [1, 2, 2, 2], keys: 0),
    attention("of no batch", [0, 2, 2, 2]),
    GradientCase(
      name: "attention of parts of one tensor", arguments: { [$0.uniform([1, 3, 3, 2, 2])] },
      function: {
        scaledDotProductAttention(
          $0[0][.all, .all, 0], $0[0][.all, .all, 1], $0[0][.all, .all, 2], isCausal: true)
      }),
  ]

  // MARK: Random numbers

  private static let random: [GradientCase] = [
    one("dropout", [4, 3]) { square(dropout($0, rate: 0.4, key: key)) },
    one("dropout of rows", [4, 3]) {
      square(dropout($0, rate: 0.4, key: foldKey(key, 3), noiseShape: [4, 1]))
    },
    one("randomUniform", [3]) { $0 * randomUniform([3], key: key, dtype: .float64) },
    one("randomNormal", [3]) { square($0) * randomNormal([3], key: key, dtype: .float64) },
  ]

  private static let key = Tensor([Int64(5), 6])
}
