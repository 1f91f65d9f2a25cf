import CKernels

/// What a window does at the edges of an image.
public enum Padding: Hashable, Sendable, Codable {
  /// The window stays inside the image.
  case valid
  /// Zeros around the image such that the output has `ceil(length / stride)` positions; the odd one
  /// goes to the bottom and right, as in TensorFlow and Keras.
  case same
  /// So many rows and columns of zeros.
  case explicit(top: Int, bottom: Int, left: Int, right: Int)
}

/// A window that slides over images of shape `[batch, height, width, channels]`.
public struct Window2D: Hashable, Sendable {
  /// Rows and columns of the window.
  public let size: [Int]
  /// Rows and columns from one position to the next.
  public let strides: [Int]
  /// Rows and columns from one cell of the window to the next.
  public let dilations: [Int]
  /// Rows and columns of padding: top, bottom, left, right.
  public let padding: [Int]

  /// A window whose padding is found for images of one size.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` for sizes, strides or dilations below 1 or
  ///   negative padding.
  package init(
    size: [Int], strides: (Int, Int), dilations: (Int, Int) = (1, 1), padding: Padding,
    image: [Int], operation: String
  ) throws(EngineError) {
    self.size = size
    self.strides = [strides.0, strides.1]
    self.dilations = [dilations.0, dilations.1]
    guard (size + self.strides + self.dilations).allSatisfy({ $0 >= 1 }) else {
      throw .invalidArgument(
        message: """
          \(operation): size, strides and dilations must be at least 1, got \(size), \
          \(self.strides) and \(self.dilations)
          """)
    }
    switch padding {
    case .valid: self.padding = [0, 0, 0, 0]
    case .explicit(let top, let bottom, let left, let right):
      self.padding = [top, bottom, left, right]
    case .same:
      var widths: [Int] = []
      for axis in 0..<2 {
        let span = (size[axis] - 1) * self.dilations[axis] + 1
        let count = (image[axis] + self.strides[axis] - 1) / self.strides[axis]
        let total = Swift.max((count - 1) * self.strides[axis] + span - image[axis], 0)
        widths += [total / 2, total - total / 2]
      }
      self.padding = widths
    }
    guard self.padding.allSatisfy({ $0 >= 0 }) else {
      throw .invalidArgument(
        message: "\(operation): padding must not be negative, got \(self.padding)")
    }
  }

  /// Rows and columns of the output for an image of `height` and `width`.
  ///
  /// - Throws: ``EngineError/shape(operation:message:)`` when the window does not fit into the
  ///   padded image.
  package func outputSize(
    _ height: Int, _ width: Int, _ operation: String
  ) throws(EngineError) -> [Int] {
    var result: [Int] = []
    for (axis, length) in [height, width].enumerated() {
      let padded = length + padding[2 * axis] + padding[2 * axis + 1]
      let span = (size[axis] - 1) * dilations[axis] + 1
      guard padded >= span else {
        throw .shape(
          operation: operation,
          message: """
            a window of \(size) with dilations \(dilations) spans \(span) \
            \(axis == 0 ? "rows" : "columns"), more than the \(padded) of an image \
            [\(height), \(width)] with padding \(padding)
            """)
      }
      result.append((padded - span) / strides[axis] + 1)
    }
    return result
  }

  /// The form that the kernels in C take, for images `[_, h, w, c]` and output `[_, oh, ow, _]`.
  func geometry(image: Shape, output: Shape) -> apus_conv {
    apus_conv(
      h: Int32(image[1]), w: Int32(image[2]), c: Int32(image[3]), kh: Int32(size[0]),
      kw: Int32(size[1]), sh: Int32(strides[0]), sw: Int32(strides[1]), dh: Int32(dilations[0]),
      dw: Int32(dilations[1]), pt: Int32(padding[0]), pl: Int32(padding[2]),
      oh: Int32(output[1]), ow: Int32(output[2]))
  }

  /// Whether the window is one cell that visits every pixel once.
  var isPointwise: Bool {
    size == [1, 1] && strides == [1, 1] && padding == [0, 0, 0, 0]
  }
}

/// Checks that images have four axes.
func expectImages(_ shape: Shape, _ operation: String) throws(EngineError) {
  guard shape.rank == 4 else {
    throw .shape(
      operation: operation,
      message: "images must have shape [batch, height, width, channels], got \(shape)")
  }
}
