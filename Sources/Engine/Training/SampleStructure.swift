import OrderedCollections
import Tensors

/// Inputs and labels as `fit`, `evaluate` and `predict` take them.
enum SampleStructure {
  /// The tensors of `value`, in which arrays of numbers, and arrays of such arrays of one length, count as tensors when
  /// there are no others: `fit(x: [[0, 1], [1, 0]], y: [1.0, 0])`. Beside tensors numbers are settings, and stay as they are.
  ///
  /// - Parameters:
  ///   - value: inputs or labels.
  ///   - what: such as `y of fit`, for messages.
  /// - Returns: the tensors by place.
  /// - Throws: ``EngineError/data(message:)`` for something that holds no numbers at all.
  static func encode(_ value: some Encodable, _ what: String) throws -> Structure {
    let structure = try StructureEncoder().encode(value)
    if structure.tensorCount > 0 { return structure }
    if case .none = structure { return structure }
    let converted = numbersAsTensors(structure)
    guard converted.tensorCount > 0 else {
      throw EngineError.data(
        message:
          "\(what) is \(structure.summary), without any tensor: give a Tensor, or an array of "
          + "numbers, or of arrays of numbers of one length, with one row a sample")
    }
    return converted
  }

  private static func numbersAsTensors(_ structure: Structure) -> Structure {
    switch structure {
    case .list: return Numbers(structure).map { .tensor($0.tensor) } ?? structure
    case .dictionary(let values): return .dictionary(values.mapValues(numbersAsTensors))
    case .tensor, .constant, .none: return structure
    }
  }

  /// The numbers of nested arrays, row-major.
  private struct Numbers {
    var shape: [Int] = []
    var whole: [Int64]? = []
    var values: [Double] = []
    var areBooleans = true

    /// Nil when `structure` is no array of numbers, or its rows have different lengths.
    init?(_ structure: Structure) {
      var part = structure
      while case .list(let values) = part, let first = values.first {
        shape.append(values.count)
        part = first
      }
      guard !shape.isEmpty, append(structure, axis: 0) else { return nil }
    }

    private mutating func append(_ structure: Structure, axis: Int) -> Bool {
      switch structure {
      case .list(let values):
        guard axis < shape.count, values.count == shape[axis] else { return false }
        return values.allSatisfy { append($0, axis: axis + 1) }
      case .constant(let constant):
        return axis == shape.count && append(constant)
      case .tensor, .dictionary, .none: return false
      }
    }

    private mutating func append(_ constant: Structure.Constant) -> Bool {
      switch constant {
      case .bool(let value):
        values.append(value ? 1 : 0)
        whole?.append(value ? 1 : 0)
        return true
      case .int(let number):
        areBooleans = false
        values.append(Double(number))
        whole?.append(Int64(number))
      case .double(let number):
        areBooleans = false
        values.append(number)
        whole = nil
      case .string: return false
      }
      return true
    }

    /// bool for booleans, int32 (int64 where needed) for whole numbers, else float32, as `Tensor(_:)` makes them.
    var tensor: Tensor {
      let shape = Shape(shape)
      guard let whole else { return Tensor(values, shape: shape) }
      if areBooleans { return Tensor(whole, shape: shape, dtype: .bool) }
      let isNarrow = whole.allSatisfy { Int32(exactly: $0) != nil }
      return Tensor(whole, shape: shape, dtype: isNarrow ? .int32 : .int64)
    }
  }
}
