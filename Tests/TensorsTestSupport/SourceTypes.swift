import Foundation

/// The types that the sources of a folder declare, and what they inherit from.
package struct SourceTypes {
  private struct Declaration: Hashable {
    let name: String
    let isPublic: Bool
    let isProtocol: Bool
    /// Its superclass and protocols, without their generic arguments.
    let parents: [String]
  }

  private let declarations: [Declaration]

  /// The types in a folder below `Sources`. Throws what reading the files throws.
  package init(in folder: String) throws {
    declarations = try SourceFiles.files(under: SourceFiles.root + "/Sources/" + folder).flatMap {
      file in
      file.text.matches(of: Self.declaration).map { match in
        Declaration(
          name: String(match.3), isPublic: ["public", "open"].contains(match.1),
          isProtocol: match.2 == "protocol",
          parents: (match.4 ?? "").split(separator: ",").compactMap { parent in
            parent.firstMatch(of: /\w+/).map { String($0.0) }
          })
      }
    }
  }

  /// Access, kind, name and parents.
  private static var declaration: Regex<(Substring, Substring?, Substring, Substring, Substring?)> {
    /(?m)^ *(?:(public|open|package|private|fileprivate|internal) )?(?:final )?(class|struct|enum|protocol) ([A-Z]\w*)(?:<[^>{]*>)?(?:: ([^{]*?))?\s*\{/
  }

  /// The names of the classes and structures that inherit from one of `roots`, directly or not; with `isPublic` those of
  /// public ones.
  package func heirs(of roots: String..., isPublic: Bool = true) -> Set<String> {
    var family = Set(roots)
    var count = 0
    while count < family.count {
      count = family.count
      for declaration in declarations where !family.isDisjoint(with: declaration.parents) {
        family.insert(declaration.name)
      }
    }
    return Set(
      declarations.filter {
        ($0.isPublic || !isPublic) && !$0.isProtocol && !family.isDisjoint(with: $0.parents)
      }.map(\.name))
  }
}
