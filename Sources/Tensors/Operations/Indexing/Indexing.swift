/// Something that selects along one axis in `x[...]`: an integer, a range, ``all``, a strided
/// range, ``ellipsis``, ``newAxis`` or a tensor of integers.
public protocol TensorIndex {
  /// The part of the axis, or the change of axes, that this entry stands for.
  var selection: TensorSelection { get }
}

/// What one entry between the brackets selects.
public enum TensorSelection {
  /// One position, negative from the end; the axis goes away.
  case position(Int)
  /// Positions from a start up to an end, negative from the end, some steps apart.
  case range(from: Int?, to: Int?, by: Int)
  /// As many whole axes as are needed.
  case ellipsis
  /// A new axis of length 1.
  case newAxis
  /// Positions by number; the axis is replaced by the tensor's axes.
  case indices(Tensor)
}

extension Int: TensorIndex {
  /// One position, negative from the end.
  public var selection: TensorSelection { .position(self) }
}

/// Where a range ends that has `last` as its last position: behind -1 comes the end itself, not position 0.
private func behind(_ last: Int) -> Int? { last == -1 || last == .max ? nil : last + 1 }

extension Range<Int>: TensorIndex {
  /// Positions up to but not including the end; `-3 ..< -1` counts from the end.
  public var selection: TensorSelection { .range(from: lowerBound, to: upperBound, by: 1) }
}

extension ClosedRange<Int>: TensorIndex {
  /// Positions up to and including the end.
  public var selection: TensorSelection {
    .range(from: lowerBound, to: behind(upperBound), by: 1)
  }
}

extension PartialRangeFrom<Int>: TensorIndex {
  /// Positions up to the last.
  public var selection: TensorSelection { .range(from: lowerBound, to: nil, by: 1) }
}

extension PartialRangeUpTo<Int>: TensorIndex {
  /// Positions from the first.
  public var selection: TensorSelection { .range(from: nil, to: upperBound, by: 1) }
}

extension PartialRangeThrough<Int>: TensorIndex {
  /// Positions from the first.
  public var selection: TensorSelection {
    .range(from: nil, to: behind(upperBound), by: 1)
  }
}

extension Tensor: TensorIndex {
  /// The entries at these positions; see ``take(_:_:axis:)``.
  public var selection: TensorSelection { .indices(self) }
}

/// A selection that has a name; see ``TensorIndex``.
public struct NamedIndex: TensorIndex {
  /// What the name stands for.
  public let selection: TensorSelection
}

extension TensorIndex where Self == NamedIndex {
  /// The whole axis.
  public static var all: NamedIndex { NamedIndex(selection: .range(from: nil, to: nil, by: 1)) }

  /// As many whole axes as are needed; once at most.
  public static var ellipsis: NamedIndex { NamedIndex(selection: .ellipsis) }

  /// A new axis of length 1.
  public static var newAxis: NamedIndex { NamedIndex(selection: .newAxis) }

  /// Every `step`-th position, as `start:end:step` in Python: a negative step runs backwards,
  /// bounds may be negative.
  public static func stride(from start: Int? = nil, to end: Int? = nil, by step: Int = 1)
    -> NamedIndex
  {
    NamedIndex(selection: .range(from: start, to: end, by: step))
  }
}

extension Tensor {
  /// A part of this tensor by the rules of NumPy; shares memory unless a tensor of indices is among
  /// the entries.
  ///
  /// `x[0]`, `x[1..<3, .all]`, `x[.ellipsis, -1]`, `x[.newAxis]`, `x[.stride(by: -1)]`,
  /// `x[indices]`. Axes without an entry are whole. One entry may be a tensor of indices, see
  /// ``take(_:_:axis:)``.
  ///
  /// A position that does not exist, or more entries than axes, is
  /// ``EngineError/index(operation:message:)``; bounds of a range that lie outside are cut off.
  public subscript(_ entries: any TensorIndex...) -> Tensor { part(entries.map(\.selection)) }

  /// What the subscript with these entries gives.
  package func part(_ selections: [TensorSelection]) -> Tensor {
    attempt {
      let plan = try IndexPlan(selections, shape)
      return plan.apply(to: self)
    }
  }
}

/// A subscript as one slice, one change of shape and perhaps one gather.
private struct IndexPlan {
  var starts: [Int] = []
  var lengths: [Int] = []
  var steps: [Int] = []
  /// The lengths after removing and adding axes.
  var result: [Int] = []
  /// A tensor of indices and its axis in `result`.
  var gather: (indices: Tensor, axis: Int)?

  init(_ selections: [TensorSelection], _ shape: Shape) throws(EngineError) {
    var used = 0
    var ellipses = 0
    for selection in selections {
      switch selection {
      case .ellipsis: ellipses += 1
      case .newAxis: break
      default: used += 1
      }
    }
    guard ellipses <= 1 else {
      throw .index(operation: "subscript", message: "only one entry may be .ellipsis")
    }
    guard used <= shape.rank else {
      throw .index(
        operation: "subscript",
        message: "\(used) entries are too many for shape \(shape) of \(shape.rank) axes")
    }
    let open: [TensorSelection] = [.ellipsis]
    for selection in ellipses == 0 ? selections + open : selections {
      try add(selection, shape, free: shape.rank - used)
    }
  }

  private mutating func add(
    _ selection: TensorSelection, _ shape: Shape, free: Int
  ) throws(EngineError) {
    let axis = starts.count
    switch selection {
    case .newAxis: result.append(1)
    case .ellipsis:
      for length in shape.dimensions[axis..<(axis + free)] { keep(0, length, 1) }
    case .range(let start, let end, let step):
      let bounds = try SliceBounds(start: start, end: end, step: step, length: shape[axis])
      keep(bounds.start, bounds.count, bounds.step)
    case .position(let position):
      let length = shape[axis]
      guard position >= -length, position < length else {
        throw .index(
          operation: "subscript",
          message: """
            position \(position) does not exist in axis \(axis) of shape \(shape): it must be in \
            \(-length)..<\(length)
            """)
      }
      starts.append(position < 0 ? position + length : position)
      lengths.append(1)
      steps.append(1)
    case .indices(let indices):
      guard gather == nil else {
        throw .index(
          operation: "subscript", message: "only one entry may be a tensor; use take for each axis")
      }
      guard indices.dtype != .bool else {
        throw .index(
          operation: "subscript",
          message: """
            a bool tensor cannot select: the shape would depend on values; use select or multiply
            """)
      }
      gather = (indices, result.count)
      keep(0, shape[axis], 1)
    }
  }

  private mutating func keep(_ start: Int, _ length: Int, _ step: Int) {
    starts.append(start)
    lengths.append(length)
    steps.append(step)
    result.append(length)
  }

  func apply(to x: Tensor) -> Tensor {
    let isWhole = lengths == x.shape.dimensions && steps.allSatisfy { $0 == 1 }
    var y = isWhole ? x : apply1(Slice(starts: starts, lengths: lengths, steps: steps), x)
    y = y.reshape(Shape(result))
    if let gather { y = y.take(gather.indices, axis: gather.axis) }
    return y
  }
}
