import OrderedCollections

/// A tree of tensors as data: what a batch, the outputs of a module or the state of an optimizer
/// look like once their Swift types are taken away.
///
/// ``StructureEncoder`` makes one of any `Encodable` value and ``StructureDecoder`` makes a value
/// of any `Decodable` type of it. Dictionaries made by the encoder have sorted keys, so that the
/// tensors come in the same order on every rank.
public indirect enum Structure: Sendable {
  /// One tensor, of any shape.
  case tensor(Tensor)
  /// Values by position: an array, or what other languages call a tuple.
  case list([Structure])
  /// Values by name: a dictionary, or the fields of a struct.
  case dictionary(OrderedDictionary<String, Structure>)
  /// A number, a boolean or a string that is not a tensor.
  case constant(Constant)
  /// No value: an optional that is nil.
  case none

  /// A value that takes part in no computation, such as whether a model is training.
  public enum Constant: Hashable, Sendable {
    /// True or false.
    case bool(Bool)
    /// A number without a fraction.
    case int(Int)
    /// A number with a fraction, NaN or infinity.
    case double(Double)
    /// A string, such as the raw value of an enum.
    case string(String)
  }
}

extension Structure: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// A list, of the elements in order.
  public init(arrayLiteral elements: Structure...) { self = .list(elements) }

  /// A dictionary with its keys in the order written; of equal keys the last one counts.
  public init(dictionaryLiteral elements: (String, Structure)...) {
    self = .dictionary(OrderedDictionary(elements, uniquingKeysWith: { _, last in last }))
  }
}

extension Structure {
  /// The tensors in order, each with its path.
  public var leaves: [(path: [PathElement], tensor: Tensor)] {
    var leaves: [(path: [PathElement], tensor: Tensor)] = []
    visit { leaves.append((path: $0, tensor: $1)) }
    return leaves
  }

  /// The tensors in order.
  public var tensors: [Tensor] {
    var tensors: [Tensor] = []
    visit { tensors.append($1) }
    return tensors
  }

  /// The constants in order, each with its path.
  var constants: [(path: [PathElement], value: Constant)] { constants(at: []) }

  private func constants(at path: [PathElement]) -> [(path: [PathElement], value: Constant)] {
    switch self {
    case .tensor, .none: []
    case .constant(let value): [(path, value)]
    case .list(let values):
      values.enumerated().flatMap { $1.constants(at: path + [.index($0)]) }
    case .dictionary(let values): values.flatMap { $1.constants(at: path + [.key($0)]) }
    }
  }

  /// How many tensors there are.
  public var tensorCount: Int {
    switch self {
    case .tensor: 1
    case .list(let values): values.reduce(0) { $0 + $1.tensorCount }
    case .dictionary(let values): values.values.reduce(0) { $0 + $1.tensorCount }
    case .constant, .none: 0
    }
  }

  /// The part at `path`.
  ///
  /// - Throws: `EngineError.structure` that says how far the path goes and what is there.
  public func at(_ path: [PathElement]) throws(EngineError) -> Structure {
    var current = self
    for (depth, element) in path.enumerated() {
      guard let next = current.child(element) else {
        throw .structure(message: current.missing(element, of: path, depth: depth))
      }
      current = next
    }
    return current
  }

  private func visit(_ path: [PathElement] = [], _ body: ([PathElement], Tensor) -> Void) {
    switch self {
    case .tensor(let tensor): body(path, tensor)
    case .list(let values):
      for (index, value) in values.enumerated() { value.visit(path + [.index(index)], body) }
    case .dictionary(let values):
      for (key, value) in values { value.visit(path + [.key(key)], body) }
    case .constant, .none: break
    }
  }

  private func child(_ element: PathElement) -> Structure? {
    switch (self, element) {
    case (.dictionary(let values), .key(let key)): return values[key]
    case (.list(let values), .index(let index)):
      let position = index < 0 ? index + values.count : index
      return values.indices.contains(position) ? values[position] : nil
    default: return nil
    }
  }

  private func missing(_ element: PathElement, of path: [PathElement], depth: Int) -> ErrorText {
    let place = depth == 0 ? "the structure" : path.prefix(depth).pathDescription
    var text: ErrorText =
      "\(path.pathDescription): there is no \(element) in \(place), which is \(summary)"
    if case .dictionary(let values) = self, case .key(let key) = element {
      text += "\(suggestion(for: key, among: Array(values.keys)))"
    }
    return text
  }
}
