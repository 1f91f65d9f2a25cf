import Testing

/// Expects that each of `types`, all that a family offers, has one of `rows` in the table of its contract, by name, or is one
/// of `others`, which are tested elsewhere.
package func expectRows(
  _ rows: some Sequence<String>, _ others: Set<String>, for types: Set<String>,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(!types.isEmpty, sourceLocation: sourceLocation)
  let rows = Set(rows)
  let missing = types.subtracting(rows).subtracting(others).sorted()
  #expect(
    missing.isEmpty, "without a row in the table of their contract",
    sourceLocation: sourceLocation)
  let superfluous = others.subtracting(types).union(others.intersection(rows)).sorted()
  #expect(
    superfluous.isEmpty, "excepted here, but they have a row or do not exist",
    sourceLocation: sourceLocation)
}

/// The name of a value's type, without what it is generic over.
package func contractTypeName(_ value: Any) -> String {
  String("\(type(of: value))".prefix { $0 != "<" })
}
