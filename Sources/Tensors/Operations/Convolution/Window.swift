import CKernels

/// A window that slides over images `[batch, spatial axes..., channels]`: sequences with one spatial axis, pictures
/// with two, volumes with three.
public struct Window: Hashable, Sendable {
  /// Cells of the window along each axis.
  public let size: [Int]
  /// Elements from one position to the next.
  public let strides: [Int]
  /// Elements from one cell of the window to the next.
  public let dilations: [Int]
  /// Elements of padding before the first one.
  public let before: [Int]
  /// Elements of padding behind the last one.
  public let after: [Int]

  /// A window whose padding is found for images of one size.
  ///
  /// - Parameters:
  ///   - size: cells along each axis.
  ///   - strides: elements from one position to the next.
  ///   - dilations: elements from one cell to the next.
  ///   - padding: what the window does at the edges.
  ///   - image: the lengths of the spatial axes.
  ///   - operation: what the window is for, for messages.
  /// - Throws: ``EngineError/invalidArgument(message:)`` for sizes, strides or dilations below 1 or of another number
  ///   than the axes, or negative padding.
  package init(
    size: [Int], strides: SpatialSize = 1, dilations: SpatialSize = 1, padding: Padding,
    image: [Int], operation: String
  ) throws(EngineError) {
    let rank = size.count
    self.size = size
    self.strides = try strides.along(rank, "strides", operation)
    self.dilations = try dilations.along(rank, "dilations", operation)
    guard (size + self.strides + self.dilations).allSatisfy({ $0 >= 1 }) else {
      throw .argument(
        "size, strides and dilations", of: operation, must: "be at least 1",
        found: "\(size), \(self.strides) and \(self.dilations)")
    }
    guard (size + self.strides + self.dilations).allSatisfy({ $0 <= Int(Int32.max) }) else {
      throw .argument(
        "size, strides and dilations", of: operation, must: "be at most \(Int32.max)",
        found: "\(size), \(self.strides) and \(self.dilations)")
    }
    (before, after) = try padding.widths(
      spans: Self.spans(size, self.dilations), strides: self.strides, lengths: image, operation)
  }

  /// The number of spatial axes.
  var rank: Int { size.count }

  /// Elements from the first cell to the last, both included, along each axis.
  var spans: [Int] { Self.spans(size, dilations) }

  static func spans(_ size: [Int], _ dilations: [Int]) -> [Int] {
    zip(size, dilations).map { ($0 - 1) * $1 + 1 }
  }

  /// The lengths of the output's spatial axes for an image with spatial axes of these lengths.
  ///
  /// - Throws: ``EngineError/shape(operation:message:)`` when the window does not fit into the
  ///   padded image.
  package func outputSize(_ image: [Int], _ operation: String) throws(EngineError) -> [Int] {
    var result: [Int] = []
    for (axis, span) in spans.enumerated() {
      let padded = image[axis] + before[axis] + after[axis]
      guard padded >= span else {
        throw .shape(
          operation: operation,
          message: """
            a window of \(size) with dilations \(dilations) spans \(span) elements of axis \
            \(axis + 1), more than the \(padded) of an image \(image) with padding \(before) \
            before and \(after) after
            """)
      }
      result.append((padded - span) / strides[axis] + 1)
    }
    return result
  }

  /// The output's shape for `images` when each position gives `channels` numbers.
  func output(
    of images: Shape, channels: Int, _ operation: String
  ) throws(EngineError) -> Shape {
    try expectImages(images, operation)
    let size = try outputSize(images.spatial, operation)
    return Shape([images[0]] + size + [channels])
  }

  /// Checks that images have as many axes as the window moves along, a batch and channels.
  func expectImages(_ shape: Shape, _ operation: String) throws(EngineError) {
    guard shape.rank == rank + 2 else {
      throw .shape(
        operation: operation,
        message: "\(Self.expectation(rank: rank)) were expected, got \(shape)")
    }
  }

  /// What images with `rank` spatial axes are called, and their axes.
  package static func expectation(rank: Int) -> ErrorText {
    switch rank {
    case 1: "sequences [batch, steps, channels]"
    case 2: "images [batch, height, width, channels]"
    default: "volumes [batch, depth, height, width, channels]"
    }
  }

  /// The form that the kernels in C take.
  ///
  /// - Parameters:
  ///   - image: `[n, spatial axes..., c]`.
  ///   - output: `[n, spatial axes..., f]`.
  ///   - channels: how many channels a window reads; all of the image's by default.
  /// - Returns: the lengths of three spatial axes, those that there are not with length 1.
  func geometry(image: Shape, output: Shape, channels: Int? = nil) -> apus_conv {
    /// Three axes: images with fewer have one slice, or one row in one slice.
    func lifted(_ values: [Int], _ missing: Int32) -> [Int32] {
      Array(repeating: missing, count: 3 - rank) + values.map { Int32($0) }
    }
    let (lengths, places) = (lifted(image.spatial, 1), lifted(output.spatial, 1))
    let (cells, steps, gaps) = (lifted(size, 1), lifted(strides, 1), lifted(dilations, 1))
    let zeros = lifted(before, 0)
    return apus_conv(
      d: lengths[0], h: lengths[1], w: lengths[2], c: Int32(channels ?? image[-1]),
      cs: Int32(image[-1]), kd: cells[0], kh: cells[1], kw: cells[2], sd: steps[0], sh: steps[1],
      sw: steps[2], dd: gaps[0], dh: gaps[1], dw: gaps[2], pf: zeros[0], pt: zeros[1],
      pl: zeros[2], od: places[0], oh: places[1], ow: places[2])
  }

  /// Whether the window is one cell that visits every element once.
  var isPointwise: Bool {
    (size + strides).allSatisfy { $0 == 1 } && (before + after).allSatisfy { $0 == 0 }
  }
}

extension Shape {
  /// The lengths between batch and channels.
  package var spatial: [Int] { Array(dimensions.dropFirst().dropLast()) }

  /// The number of axes between batch and channels.
  ///
  /// - Throws: ``EngineError/shape(operation:message:)`` unless there are one to three.
  func spatialRank(_ operation: String) throws(EngineError) -> Int {
    guard (3...5).contains(rank) else {
      throw EngineError(
        .shape, operation: operation,
        .requirement(
          of: "images",
          must: "have shape [batch, spatial axes..., channels] with one to three spatial axes",
          found: "\(self)"))
    }
    return rank - 2
  }
}
