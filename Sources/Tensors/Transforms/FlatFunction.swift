import OrderedCollections

/// A function of any structures, together with its arguments, seen as a function from tensors to tensors.
///
/// All transforms work on tensors in a row; this takes structures apart and puts them together again.
final class FlatFunction<Result: Codable> {
  /// The arguments: a list with one entry an argument.
  let arguments: Structure
  /// The result of the last call, for its form.
  private(set) var form = Structure.none
  private let body: (Structure) throws -> Result

  init<each Argument: Codable>(
    _ function: @escaping (repeat each Argument) throws -> Result,
    _ arguments: repeat each Argument
  ) throws {
    self.arguments = try Structure(arguments: repeat each arguments)
    body = { structure in
      let reader = ArgumentReader(structure)
      return try function(repeat try reader.next((each Argument).self))
    }
  }

  /// The tensors of the arguments, in order.
  var tensors: [Tensor] { arguments.tensors }

  /// Calls the function with other tensors in the places of the arguments' tensors.
  func callAsFunction(_ tensors: [Tensor]) throws -> [Tensor] {
    form = try StructureEncoder().encode(body(arguments.replacingTensors(with: tensors)))
    return form.tensors
  }

  /// A result of the form of the last one, with other tensors.
  func result(of tensors: [Tensor]) throws -> Result {
    try StructureDecoder().decode(Result.self, from: form.replacingTensors(with: tensors))
  }
}

extension Structure {
  /// Arguments as one structure: a list with one entry an argument.
  init<each Argument: Codable>(arguments: repeat each Argument) throws {
    let encoder = StructureEncoder()
    var parts: [Structure] = []
    for argument in repeat each arguments { parts.append(try encoder.encode(argument)) }
    self = .list(parts)
  }

  /// A structure with a structure in place of each tensor.
  func expanded(_ transform: (Tensor) -> Structure) -> Structure {
    switch self {
    case .tensor(let tensor): transform(tensor)
    case .list(let values): .list(values.map { $0.expanded(transform) })
    case .dictionary(let values): .dictionary(values.mapValues { $0.expanded(transform) })
    case .constant, .none: self
    }
  }
}

/// Takes typed arguments out of a list of structures, one after the other.
final class ArgumentReader {
  private let arguments: Structure
  private var index = 0

  init(_ arguments: Structure) { self.arguments = arguments }

  /// The argument that has not been asked for yet, decoded as `type`.
  func next<Argument: Codable>(_ type: Argument.Type) throws -> Argument {
    defer { index += 1 }
    return try StructureDecoder().decode(type, from: arguments.at([.index(index)]))
  }
}
