import OrderedCollections
import Tensors

/// Symbolic tensors in the form in which a layer takes or gives them: one, a list, or values by name, nested at will.
public indirect enum KerasStructure {
  /// One symbolic tensor, without a name.
  case tensor(KerasTensor)
  /// Values by position, for an array.
  case list([KerasStructure])
  /// Values by name, for a dictionary or the fields of a struct.
  case dictionary(OrderedDictionary<String, KerasStructure>)
  /// A value that is no tensor.
  case constant(Structure.Constant)
  /// No value: an optional that is nil.
  case none
}

/// What layers can be called on: a ``KerasTensor``, or an array or dictionary of these, nested at will.
public protocol KerasStructureConvertible {
  /// The tensors as a tree; the values of a dictionary in the order of their names.
  var kerasStructure: KerasStructure { get }
}

extension KerasStructure: KerasStructureConvertible {
  /// The structure itself.
  public var kerasStructure: KerasStructure { self }
}

extension KerasTensor: KerasStructureConvertible {
  /// A structure of this tensor alone.
  public var kerasStructure: KerasStructure { .tensor(self) }
}

extension Array: KerasStructureConvertible where Element: KerasStructureConvertible {
  /// A list of the elements' structures.
  public var kerasStructure: KerasStructure { .list(map(\.kerasStructure)) }
}

extension Dictionary: KerasStructureConvertible
where Key == String, Value: KerasStructureConvertible {
  /// Values by name, sorted.
  public var kerasStructure: KerasStructure {
    let pairs = sorted { $0.key < $1.key }.map { ($0.key, $0.value.kerasStructure) }
    return .dictionary(OrderedDictionary(uniqueKeysWithValues: pairs))
  }
}

extension KerasStructure {
  /// The tensors in order.
  public var tensors: [KerasTensor] {
    switch self {
    case .tensor(let tensor): [tensor]
    case .list(let values): values.flatMap(\.tensors)
    case .dictionary(let values): values.values.flatMap(\.tensors)
    case .constant, .none: []
    }
  }

  /// The tensor, when this is one or a list of one.
  public var tensor: KerasTensor? {
    switch self {
    case .tensor(let tensor): tensor
    case .list(let values) where values.count == 1: values[0].tensor
    default: nil
    }
  }

  /// The value at this position of a list, which must have it.
  public subscript(index: Int) -> KerasStructure {
    guard case .list(let values) = self, values.indices.contains(index) else {
      return missing("position \(index)")
    }
    return values[index]
  }

  /// The value with this name, which there must be.
  public subscript(name: String) -> KerasStructure {
    guard case .dictionary(let values) = self, let value = values[name] else {
      return missing("name \"\(name)\"")
    }
    return value
  }

  private func missing(_ what: String) -> KerasStructure {
    fail(EngineError.structure(message: "there is no \(what) in \(summary)"))
    return .tensor(.invalid)
  }

  /// The structure that `form` is, with other tensors.
  init(_ form: Structure, _ replacement: (Tensor) -> KerasTensor) {
    switch form {
    case .tensor(let tensor): self = .tensor(replacement(tensor))
    case .list(let values): self = .list(values.map { KerasStructure($0, replacement) })
    case .dictionary(let values):
      self = .dictionary(values.mapValues { KerasStructure($0, replacement) })
    case .constant(let constant): self = .constant(constant)
    case .none: self = .none
    }
  }

  /// The same form with values.
  func map(_ value: (KerasTensor) -> Tensor) -> Structure {
    switch self {
    case .tensor(let tensor): .tensor(value(tensor))
    case .list(let values): .list(values.map { $0.map(value) })
    case .dictionary(let values): .dictionary(values.mapValues { $0.map(value) })
    case .constant(let constant): .constant(constant)
    case .none: .none
    }
  }

  /// As Keras has it, a list of one tensor is the tensor.
  var unwrapped: KerasStructure { tensor.map(KerasStructure.tensor) ?? self }

  /// What this is, in a few words for a message.
  var summary: String {
    switch self {
    case .tensor(let tensor): "a tensor \(shapeText(tensor.shape))"
    case .list(let values): "a list of \(values.count)"
    case .dictionary(let values): "a dictionary with keys \(values.keys.joined(separator: ", "))"
    case .constant(let constant): "the constant \(constant)"
    case .none: "absent"
    }
  }
}
