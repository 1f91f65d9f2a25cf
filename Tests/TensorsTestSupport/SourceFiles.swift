import Foundation

/// The files of this package.
package enum SourceFiles {
  package static let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(3).joined(
    separator: "/")

  package struct File {
    package let path: String
    package let folder: String
    /// Without comments and strings.
    package let text: String
  }

  package static func files(under root: String) throws -> [File] {
    let enumerator = FileManager.default.enumerator(atPath: root)
    let paths = (enumerator?.allObjects as? [String] ?? []).filter {
      $0.hasSuffix(".swift")
    }
    return try paths.sorted().map { path in
      let parts = path.split(separator: "/")
      return File(
        path: path, folder: parts.count > 1 ? String(parts[0]) : ".",
        text: try String(contentsOfFile: root + "/" + path, encoding: .utf8)
          .replacing(/\/\/.*/, with: "").replacing(/"(?:\\.|[^"\\\n])*"/, with: "\"\""))
    }
  }
}
