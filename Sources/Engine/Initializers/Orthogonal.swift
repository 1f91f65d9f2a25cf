import Tensors

/// An orthogonal matrix: rows or columns, whichever are fewer, have length `gain` and right angles between them.
///
/// A kernel `[..., out]` is taken as a matrix of `out` columns. Drawn as normal numbers and made orthogonal by
/// the method of Gram and Schmidt, which gives the factor `Q` of a QR decomposition with a positive diagonal of
/// `R`: evenly distributed over all such matrices.
///
/// - SeeAlso: Saxe, McClelland, Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear
///   neural networks* (2014), §3.
public struct Orthogonal: Initializer {
  /// The length of each vector.
  public let gain: Double

  /// An initializer of vectors of length `gain`; 1 by default as in Keras.
  public init(gain: Double = 1) { self.gain = gain }

  /// A kernel of rank 2 at least, drawn from `key`; a lower rank fails with
  /// ``EngineError/shape(operation:message:)``.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    guard shape.rank >= 2 else {
      return fail(
        EngineError.shape(
          operation: "Orthogonal", message: "needs a shape of rank 2 at least, asked for \(shape)"))
    }
    let columns = shape[-1]
    let rows = shape.dimensions.dropLast().reduce(1, *)
    let (count, length) = (Swift.min(rows, columns), Swift.max(rows, columns))
    let vectors = Self.orthonormal(Draw.normals(count * length, key), count: count, length: length)
    var values = [Double](repeating: 0, count: rows * columns)
    for vector in 0..<count {
      for element in 0..<length {
        let (row, column) = rows >= columns ? (element, vector) : (vector, element)
        values[row * columns + column] = gain * vectors[vector * length + element]
      }
    }
    return Tensor(values, shape: shape, dtype: dtype)
  }

  /// `count` vectors one after the other, each freed from its parts along those before it.
  private static func orthonormal(_ drawn: [Double], count: Int, length: Int) -> [Double] {
    var vectors = drawn
    vectors.withUnsafeMutableBufferPointer { v in
      for current in 0..<count {
        let x = current * length
        // Twice: once leaves parts of the size of rounding errors when vectors are nearly parallel.
        for _ in 0..<2 {
          for other in 0..<current {
            let y = other * length
            var dot = 0.0
            for i in 0..<length { dot += v[x + i] * v[y + i] }
            for i in 0..<length { v[x + i] -= dot * v[y + i] }
          }
        }
        var squares = 0.0
        for i in 0..<length { squares += v[x + i] * v[x + i] }
        let scale = squares > 0 ? 1 / squares.squareRoot() : 0
        for i in 0..<length { v[x + i] *= scale }
      }
    }
    return vectors
  }
}
