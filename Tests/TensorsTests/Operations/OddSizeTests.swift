import Tensors
import TensorsTestSupport
import Testing

/// Every kernel at sizes around those of vectors and tiles, from memory that no vector is aligned to. What float32 gives is
/// compared with float64; under the address sanitizer a byte too many is an error.
@Suite("Kernels at odd sizes") struct OddSizeTests {
  private static let sizes = Array(1...67)

  /// A view that begins one element into its memory.
  private func unaligned(_ shape: Shape, _ draw: inout SeededGenerator) -> Tensor {
    reshape(draw.uniform([shape.elementCount + 1], from: 0.1, to: 1.4)[1...], shape)
  }

  private func expectSame(
    _ inputs: [Tensor], _ name: String, _ body: ([Tensor]) throws -> Tensor
  ) rethrows {
    // The cast keeps the elements; the slice makes the memory unaligned again.
    let single = inputs.map { x in
      reshape(
        concatenate([Tensor([0.0], dtype: .float32), reshape(x.cast(to: .float32), [-1])])[1...],
        x.shape)
    }
    expectClose(try body(single), try body(inputs), atol: 2e-5, rtol: 2e-5, name)
  }

  @Test(arguments: sizes) func elementwise(_ size: Int) {
    var draw = SeededGenerator(seed: UInt64(size))
    let (x, y) = (unaligned([3, size], &draw), unaligned([3, size], &draw))
    let row = unaligned([size], &draw)
    let unary: [(String, (Tensor) -> Tensor)] = [
      ("exp", { exp($0) }), ("log", { log($0) }), ("tanh", { tanh($0) }), ("sqrt", { sqrt($0) }),
      ("sigmoid", { sigmoid($0) }), ("relu", { relu($0 - 0.7) }), ("gelu", { gelu($0) }),
      ("erf", { erf($0) }), ("sin", { sin($0) }), ("cos", { cos($0) }),
      ("negated view", { -transpose($0) }),
    ]
    for (name, function) in unary { expectSame([x], "\(name) \(size)") { function($0[0]) } }
    expectSame([x, y], "binary \(size)") { ($0[0] + $0[1]) * $0[0] / $0[1] - $0[1] }
    expectSame([x, row], "broadcast \(size)") { maximum($0[0] * $0[1], $0[1]) }
  }

  @Test(arguments: sizes) func rows(_ size: Int) {
    var draw = SeededGenerator(seed: UInt64(size))
    let x = unaligned([5, size], &draw)
    let reductions: [(String, (Tensor) -> Tensor)] = [
      ("sum 0", { sum($0, axis: 0) }), ("sum 1", { sum($0, axis: 1) }), ("sum", { sum($0) }),
      ("mean", { mean($0, axis: 1) }), ("max", { max($0, axis: 1) }), ("min", { min($0, axis: 0) }),
      ("softmax", { softmax($0, axis: -1) }), ("logSoftmax", { logSoftmax($0, axis: -1) }),
      ("norm", { norm($0, axis: 1) }), ("argmax", { argmax($0, axis: 1) }),
      ("concatenate", { concatenate([$0, transpose(transpose($0))], axis: 1) }),
    ]
    for (name, function) in reductions { expectSame([x], "\(name) \(size)") { function($0[0]) } }
  }

  @Test(arguments: sizes) func products(_ size: Int) {
    var draw = SeededGenerator(seed: UInt64(size))
    // Each of the three lengths in turn, beside others that are odd too.
    for (rows, depth, columns) in [(size, 7, 33), (9, size, 5), (13, 11, size), (size, size, size)]
    {
      let (a, b) = (unaligned([rows, depth], &draw), unaligned([depth, columns], &draw))
      let name = "\(rows) x \(depth) x \(columns)"
      let scale = 1.0 / Double(depth)
      expectSame([a, b], name) { matmul($0[0], $0[1]) * scale }
      expectSame([a, transpose(b)], name + " transposed") {
        matmul($0[0], transpose($0[1])) * scale
      }
      expectSame([transpose(a), b], name + " transposed left") {
        matmul(transpose($0[0]), $0[1]) * scale
      }
    }
  }

  @Test(arguments: sizes) func layers(_ size: Int) throws {
    var draw = SeededGenerator(seed: UInt64(size))
    let x = unaligned([2, size, 6], &draw)
    try expectSame([x], "attention \(size)") { x in
      let heads = reshape(x[0], [2, size, 2, 3])
      return try grad { (h: Tensor) in sum(square(scaledDotProductAttention(h, h, h))) }(heads)
    }
    let ids = draw.integers([size], in: 0..<size)
    let table = unaligned([size, 5], &draw)
    try expectSame([table], "take \(size)") { t in
      try grad { (t: Tensor) in sum(square(take(t, ids, axis: 0))) }(t[0])
    }
  }

  /// Outputs and all gradients of a window's operation.
  private func gradients(
    _ inputs: [Tensor], _ operation: @escaping ([Tensor]) -> Tensor
  ) throws -> Tensor {
    let (y, back) = try vjp { (inputs: [Tensor]) in operation(inputs) }(inputs)
    let changes = try back(square(y))
    return concatenate(([y] + changes).map { reshape($0, [-1]) })
  }

  // Channels, filters and places in turn, so that direct, Winograd, depthwise, pointwise and unrolled convolutions all
  // have rests of every length.
  @Test(arguments: sizes) func convolutions(_ size: Int) throws {
    var draw = SeededGenerator(seed: UInt64(size))
    typealias Case = (
      name: String, x: Shape, kernel: Shape, strides: SpatialSize, padding: Padding, groups: Int
    )
    let cases: [Case] = [
      ("few channels", [2, 6, size, 3], [3, 3, 3, 9], 1, .same, 1),
      ("channels", [1, 5, 6, size], [3, 3, size, 7], 1, .same, 1),
      ("filters", [1, 6, 5, 5], [3, 3, 5, size], 1, .valid, 1),
      ("wide", [1, 4, size + 2, 17], [3, 3, 17, 19], 1, .valid, 1),
      ("pointwise", [3, 2, 3, size], [1, 1, size, 11], 1, .valid, 1),
      ("strides", [1, size + 4, 7, 5], [5, 3, 5, 6], 2, .same, 1),
      ("depthwise", [2, 5, 4, size], [3, 3, 1, size], 1, .same, size),
      ("groups", [1, 4, size + 1, 6], [2, 2, 3, 8], 1, .same, 2),
      ("sequence", [2, size + 3, 5], [4, 5, 6], 1, .valid, 1),
      ("volume", [1, 3, 4, size, 3], [2, 2, 2, 3, 4], 1, .same, 1),
    ]
    for test in cases {
      let inputs = [unaligned(test.x, &draw), unaligned(test.kernel, &draw)]
      let scale = 1.0 / Double(test.kernel.elementCount / test.kernel[-1])
      try expectSame(inputs, "\(test.name) \(size)") { inputs in
        try gradients(inputs) {
          scale
            * conv(
              $0[0], $0[1], strides: test.strides, padding: test.padding, groups: test.groups)
        }
      }
    }
    let inputs = [unaligned([1, 3, size, 4], &draw), unaligned([3, 2, 5, 4], &draw)]
    try expectSame(inputs, "transposed \(size)") { inputs in
      try gradients(inputs) { 0.1 * convTranspose($0[0], $0[1], strides: 2, padding: .same) }
    }
  }

  @Test(arguments: sizes) func pools(_ size: Int) throws {
    var draw = SeededGenerator(seed: UInt64(size))
    for shape: Shape in [[2, 5, size, 3], [1, 4, 5, size], [2, size, 4]] {
      let x = unaligned(shape, &draw)
      for padding in [Padding.same, .valid] where size > 2 || padding == .same {
        try expectSame([x], "max \(shape)") { x in
          try gradients(x) { maxPool($0[0], size: 3, strides: 2, padding: padding) }
        }
        try expectSame([x], "average \(shape)") { x in
          try gradients(x) { averagePool($0[0], size: 2, padding: padding) }
        }
      }
    }
  }
}
