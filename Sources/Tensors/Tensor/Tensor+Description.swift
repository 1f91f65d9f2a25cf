import Foundation

extension Tensor: CustomStringConvertible {
  /// The values as NumPy prints them; long axes are shortened to their ends.
  public var description: String {
    guard !isTraced else { return "Tensor(traced \(spec))" }
    guard elementCount > 0 else { return "[] (shape \(shape))" }
    let format = TensorFormat(self)
    return format.string(axis: 0, offset: 0, indent: 1)
  }
}

/// Prints a tensor: one width for all elements, axes above `limit` shortened when there are many elements.
private struct TensorFormat {
  private static let summaryAbove = 1000
  private static let edge = 3

  private let shape: [Int]
  private let strides: [Int]
  private let cells: [Int: String]
  private let width: Int

  init(_ tensor: Tensor) {
    shape = tensor.shape.dimensions
    strides = tensor.shape.rowMajorStrides
    var shown: [Int] = []
    Self.collect(shape, strides, axis: 0, offset: 0, total: tensor.elementCount, into: &shown)
    var cells: [Int: String] = [:]
    if tensor.dtype.isFloating {
      let values = tensor.scalars(as: Double.self)
      let digits = Self.fractionDigits(shown.map { values[$0] })
      for index in shown { cells[index] = Self.cell(values[index], digits) }
    } else {
      let values = tensor.scalars(as: Int64.self)
      for index in shown {
        cells[index] = tensor.dtype == .bool ? "\(values[index] != 0)" : String(values[index])
      }
    }
    width = shown.reduce(0) { max($0, cells[$1]?.count ?? 0) }
    self.cells = cells
  }

  func string(axis: Int, offset: Int, indent: Int) -> String {
    if axis == shape.count {
      let cell = cells[offset] ?? ""
      return String(repeating: " ", count: shape.isEmpty ? 0 : width - cell.count) + cell
    }
    let total = shape.reduce(1, *)
    let parts = Self.positions(shape[axis], total: total).map { position in
      position.map {
        string(axis: axis + 1, offset: offset + $0 * strides[axis], indent: indent + 1)
      } ?? "..."
    }
    let inner = axis == shape.count - 1
    let gap = inner ? " " : "\n" + String(repeating: "\n", count: shape.count - axis - 2)
    let separator = inner ? gap : gap + String(repeating: " ", count: indent)
    return "[" + parts.joined(separator: separator) + "]"
  }

  private static func positions(_ length: Int, total: Int) -> [Int?] {
    guard total > summaryAbove, length > 2 * edge else { return (0..<length).map { $0 } }
    return (0..<edge).map { $0 } + [nil] + (length - edge..<length).map { $0 }
  }

  private static func collect(
    _ shape: [Int], _ strides: [Int], axis: Int, offset: Int, total: Int, into shown: inout [Int]
  ) {
    if axis == shape.count {
      shown.append(offset)
      return
    }
    for case let position? in positions(shape[axis], total: total) {
      collect(
        shape, strides, axis: axis + 1, offset: offset + position * strides[axis], total: total,
        into: &shown)
    }
  }

  /// The digits after the point that show 8 significant digits of the largest value at most; nil means exponents.
  private static func fractionDigits(_ values: [Double]) -> Int? {
    let finite = values.filter(\.isFinite).map(abs)
    guard let largest = finite.max() else { return 0 }
    let smallest = finite.filter { $0 > 0 }.min() ?? 1
    if largest >= 1e8 || (largest > 0 && smallest < 1e-4 && largest / smallest > 1000)
      || smallest < 1e-7
    {
      return nil
    }
    for digits in 0..<8
    where finite.allSatisfy({ abs($0 - (Double(String(format: "%.\(digits)f", $0)) ?? 0)) < 5e-9 })
    {
      return digits
    }
    return 8
  }

  private static func cell(_ value: Double, _ digits: Int?) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    guard let digits else { return String(format: "%.8e", value) }
    let text = String(format: "%.\(digits)f", value)
    return digits == 0 ? text + "." : text
  }
}
