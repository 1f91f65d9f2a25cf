import Tensors
import Testing

/// A structure as text with the values of its tensors, to compare whole trees.
package func treeText(_ structure: Structure) -> String {
  switch structure {
  case .tensor(let tensor): "\(tensor.scalars(as: Double.self))"
  case .list(let values): "(" + values.map(treeText).joined(separator: ", ") + ")"
  case .dictionary(let values):
    "{" + values.map { "\($0.key): \(treeText($0.value))" }.joined(separator: ", ") + "}"
  case .constant(let constant): constant.description
  case .none: "none"
  }
}

/// A tensor of these values.
package func vector(_ values: Double...) -> Tensor { Tensor(values) }

/// The text of the error that `body` throws.
package func errorMessage(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
) -> String {
  do {
    _ = try body()
    Issue.record("no error was thrown", sourceLocation: sourceLocation)
    return ""
  } catch { return "\(error)" }
}

/// Encodes, decodes and encodes again; returns the text of the structure.
package func roundTrip<T: Codable>(
  _ value: T, sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
  let structure = try StructureEncoder().encode(value)
  let again = try StructureEncoder().encode(StructureDecoder().decode(T.self, from: structure))
  #expect(treeText(again) == treeText(structure), sourceLocation: sourceLocation)
  return treeText(structure)
}
