import Foundation
import TestSupport
import Testing

/// Uses of types run downwards: over the targets of the package, and over the folders of each, in the order that
/// `docs/design.md` gives.
@Suite("Floors of the source") struct FloorTests {
  @Test("No use of a type runs upwards", arguments: Floors.all)
  func order(floors: Floors) throws {
    let source = SourceFiles.root + "/Sources/" + floors.path
    let files = try SourceFiles.files(under: source)
    let folders = Set(files.map(\.folder))
    #expect(folders == Set(floors.order), "docs/design.md names other folders of \(floors.path)")
    // A name that several folders declare, or that is declared within a type too, tells nothing.
    var owners: [Substring: Set<String>] = [:]
    var nested: Set<Substring> = []
    for file in files {
      for match in file.text.matches(of: Floors.genericParameter) { nested.insert(match.1) }
      for match in file.text.matches(of: Floors.declaration) {
        if match.1.isEmpty {
          owners[match.2, default: []].insert(file.folder)
        } else {
          nested.insert(match.2)
        }
      }
    }
    let height = Dictionary(uniqueKeysWithValues: zip(floors.order, 0...))
    for file in files {
      for match in file.text.matches(of: Floors.name) {
        guard !nested.contains(match.0), let owner = owners[match.0], owner.count == 1,
          let upper = owner.first,
          let (own, other) = height[file.folder].flatMap({ own in height[upper].map { (own, $0) } }
          ),
          own < other
        else { continue }
        Issue.record(
          "\(file.path): \(file.folder) uses \(match.0) of \(upper), which lies above it")
      }
    }
  }
}

/// One line of floors.
struct Floors: Sendable, CustomStringConvertible {
  /// A folder of `Sources`; empty for `Sources` itself.
  let path: String
  /// Its folders from the ground up; "." for files in none.
  let order: [String]

  var description: String { path.isEmpty ? "targets" : path }

  /// The lines of `docs/design.md` such as `Engine: Data < Module < Training`.
  static let all: [Floors] = {
    let text =
      (try? String(contentsOfFile: SourceFiles.root + "/docs/design.md", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      guard let match = line.wholeMatch(of: /(\w+):\s+([\w.]+(?: < [\w.]+)+)/) else { return nil }
      return Floors(
        path: match.1 == "Targets" ? "" : String(match.1),
        order: match.2.split(separator: " < ").map(String.init))
    }
  }()

  /// Indentation and name.
  static var declaration: Regex<(Substring, Substring, Substring)> {
    /(?m)^( *)(?:@?\w+(?:\(\w*\))? )*(?:class|struct|enum|protocol|typealias|actor|associatedtype) ([A-Z]\w*)/
  }
  static var genericParameter: Regex<(Substring, Substring)> { /<([A-Z]\w*):/ }
  static var name: Regex<Substring> { /\b[A-Z]\w*/ }
}
