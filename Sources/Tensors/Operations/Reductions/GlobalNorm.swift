import CKernels

/// The length of one vector of all elements of `tensors`, as a float64 scalar.
package func globalNorm(_ tensors: [Tensor]) -> Tensor { apply(GlobalNorm(), tensors)[0] }

/// ``globalNorm(_:)``
struct GlobalNorm: Primitive {
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    for input in inputs { try expectFloating(input) }
    return [TensorSpec([], .float64)]
  }

  /// Parts of the sum are cut by shapes alone, so that it is the same whatever the number of threads.
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    var pieces: [(pointer: UnsafeMutableRawPointer, dtype: DType, count: Int)] = []
    for input in inputs {
      let length = 4 * Workspace.elementGrain
      for first in stride(from: 0, to: input.elementCount, by: length) {
        let count = Swift.min(length, input.elementCount - first)
        pieces.append((input.pointer + first * input.dtype.size, input.dtype, count))
      }
    }
    let result = outputs[0].pointer(as: Double.self)
    workspace.require(bytes: Swift.max(pieces.count, 1) * 2 * MemoryLayout<Double>.stride)
    func parts() -> UnsafeMutablePointer<Double> {
      workspace.base.assumingMemoryBound(to: Double.self)
    }
    let squares = workspace.parallel(pieces.count) { items, _ in
      for index in items {
        let piece = pieces[index]
        apus_norm_part(piece.dtype.code, piece.pointer, piece.count, parts() + 2 * index)
      }
    }
    return {
      try squares()
      result.pointee = Self.norm(of: parts(), pieces.count)
    }
  }

  /// `√Σ scale² · sum` of pairs (scale, sum), relative to the largest scale.
  private static func norm(of parts: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    var largest = 0.0
    for index in 0..<count where parts[2 * index + 1] != 0 {
      let scale = parts[2 * index]
      largest = largest >= scale || largest.isNaN ? largest : scale
    }
    guard largest > 0, largest.isFinite else { return largest }
    var total = 0.0
    for index in 0..<count {
      let ratio = parts[2 * index] / largest
      total += ratio * ratio * parts[2 * index + 1]
    }
    return largest * total.squareRoot()
  }

  /// `g · x / norm`, and 0 where all elements are 0.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let isZero = c.y .== 0
    let norm = select(isZero, 1, c.y)
    return c.inputs.map { x in
      let direction = x.cast(to: .float64) / norm.broadcast(to: x.shape)
      return (c.g * select(isZero, 0, direction)).cast(to: x.dtype)
    }
  }
}
