/// The lengths of a tensor's axes, outermost first; `[]` is a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral {
  /// The length of each axis.
  public let dimensions: [Int]

  /// A shape with these lengths.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// A shape with these lengths.
  public init(arrayLiteral elements: Int...) { dimensions = elements }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements: the product of the lengths, 1 for a scalar; `Int.max` when it is larger.
  public var elementCount: Int {
    var count = 1
    for length in dimensions {
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: length)
      if isTooLarge { return dimensions.contains(0) ? 0 : .max }
      count = product
    }
    return count
  }

  /// With more elements than this the bytes cannot be counted.
  static let mostElements = Int.max / 16

  /// Strides in elements of the row-major layout.
  package var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      strides[axis] = step
      // Wraps around for a shape with more elements than can be counted, which no tensor in memory has.
      step &*= Swift.max(dimensions[axis], 1)
    }
    return strides
  }

  /// `axis` counted from the front, for -rank ... rank - 1.
  ///
  /// - Throws: ``EngineError/shape(operation:message:)`` when out of range.
  package func axis(_ axis: Int, _ operation: String) throws(EngineError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw EngineError(.shape, operation: operation, .axis(axis, shape: dimensions))
    }
    return axis < 0 ? axis + rank : axis
  }

  /// The elements in front of an axis (counted from the front), along it, and behind it: `[outer, length, inner]`.
  func parts(around axis: Int) -> (outer: Int, length: Int, inner: Int) {
    (
      dimensions[..<axis].reduce(1, *), dimensions[axis], dimensions[(axis + 1)...].reduce(1, *)
    )
  }
}

extension Shape: RandomAccessCollection {
  /// 0, the first axis.
  public var startIndex: Int { 0 }
  /// The rank: one behind the last axis.
  public var endIndex: Int { dimensions.count }

  /// The length of one axis; negative axes count from the end.
  ///
  /// An axis that does not exist fails as ``withErrors(_:)`` describes.
  public subscript(axis: Int) -> Int {
    let index = axis < 0 ? axis + rank : axis
    if index >= 0 && index < rank { return dimensions[index] }
    // After a failed operation shapes are unknown; the first error is the one that is kept.
    fail(EngineError(.index, operation: "shape", .axis(axis, shape: dimensions)))
    return 1
  }

  /// The lengths of some axes.
  ///
  /// Axes that do not exist fail as ``withErrors(_:)`` describes.
  public subscript(axes: Range<Int>) -> Swift.Slice<Shape> {
    part(from: axes.lowerBound, to: axes.upperBound)
  }

  /// As for a range that leaves out its end.
  public subscript(axes: ClosedRange<Int>) -> Swift.Slice<Shape> {
    part(from: axes.lowerBound, to: axes.upperBound + 1)
  }

  /// As for a range that has an end: the last axis.
  public subscript(axes: PartialRangeFrom<Int>) -> Swift.Slice<Shape> {
    part(from: axes.lowerBound, to: rank)
  }

  /// As for a range that has a beginning: axis 0.
  public subscript(axes: PartialRangeUpTo<Int>) -> Swift.Slice<Shape> {
    part(from: 0, to: axes.upperBound)
  }

  /// As for a range that has a beginning, axis 0, and leaves out its end.
  public subscript(axes: PartialRangeThrough<Int>) -> Swift.Slice<Shape> {
    part(from: 0, to: axes.upperBound + 1)
  }

  private func part(from start: Int, to end: Int) -> Swift.Slice<Shape> {
    if start >= 0, start <= end, end <= rank {
      return Swift.Slice(base: self, bounds: start..<end)
    }
    fail(
      EngineError.index(
        operation: "shape",
        message: "axes \(start)..<\(end) do not exist in shape \(self): they must lie in "
          + "0..<\(rank)"))
    return Swift.Slice(base: self, bounds: 0..<0)
  }
}

extension Shape: ErrorTextConvertible {
  package var errorText: ErrorText { "\(shape: dimensions)" }
}

extension Shape: Codable {
  /// Reads an array of lengths. Throws what `decoder` throws for anything else.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([Int].self))
  }

  /// Writes an array of lengths. Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}

extension Shape: CustomStringConvertible {
  /// The lengths in brackets: `[2, 3]`.
  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}

/// What is known of a tensor before it has values.
public struct TensorSpec: Hashable, Sendable, CustomStringConvertible {
  /// The lengths of the axes.
  public var shape: Shape
  /// The type of the elements.
  public var dtype: DType

  /// A shape with a scalar type.
  public init(_ shape: Shape, _ dtype: DType) {
    self.shape = shape
    self.dtype = dtype
  }

  /// Type and shape: `float32 [2, 3]`.
  public var description: String { "\(dtype) \(shape)" }

  /// Bytes of a row-major tensor like this.
  package var byteCount: Int { Swift.min(shape.elementCount, Shape.mostElements) * dtype.size }
}

extension TensorSpec: ErrorTextConvertible {
  package var errorText: ErrorText { "\(dtype) \(shape)" }
}

/// Where the elements of a tensor lie in its storage.
public struct Layout: Hashable, Sendable {
  /// The lengths of the axes.
  public var shape: Shape
  /// Distance between neighbours along each axis, in elements; 0 repeats one element.
  public var strides: [Int]
  /// Position of the first element, in elements.
  public var offset: Int

  /// A layout from its parts.
  public init(shape: Shape, strides: [Int], offset: Int = 0) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// The layout in row-major order without gaps, from the first element of the memory.
  public init(rowMajor shape: Shape) {
    self.init(shape: shape, strides: shape.rowMajorStrides)
  }

  /// Whether the elements lie in row-major order without gaps (axes of length 1 do not matter).
  public var isContiguous: Bool {
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      let length = shape.dimensions[axis]
      if length == 0 { return true }
      if length != 1 && strides[axis] != step { return false }
      step *= length
    }
    return true
  }
}
