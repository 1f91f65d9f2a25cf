import Foundation

/// The marked parts of the tests beside this file, which `docs/modules.md` shows.
///
/// From `// snippet: name` to `// end` a part is Swift code. From `// output: name` to `// end` it is the text of the
/// multi-line literal there: what something is expected to print.
struct Snippets {
  struct Snippet {
    let name: String
    let isOutput: Bool
    let text: String
  }

  let all: [Snippet]

  /// Those of all files beside `file` whose names end in `suffix`, in order.
  init(file: String = #filePath, suffix: String = "Guide.swift") throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    all = try files.filter { $0.hasSuffix(suffix) }.sorted().flatMap { name in
      Self.parse(try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
    }
  }

  private static func parse(_ source: String) -> [Snippet] {
    var found: [Snippet] = []
    var open: (name: String, isOutput: Bool, lines: [String])?
    for line in source.components(separatedBy: "\n") {
      let code = line.trimmingCharacters(in: .whitespaces)
      if code.hasPrefix("// snippet: ") || code.hasPrefix("// output: ") {
        let name = String(code.drop { $0 != ":" }.dropFirst(2))
        open = (name, code.hasPrefix("// output"), [])
      } else if code == "// end", let part = open {
        let lines = part.isOutput ? literal(in: part.lines) : part.lines
        found.append(Snippet(name: part.name, isOutput: part.isOutput, text: dedented(lines)))
        open = nil
      } else {
        open?.lines.append(line)
      }
    }
    return found
  }

  /// The lines of the multi-line literal in some code.
  private static func literal(in lines: [String]) -> [String] {
    let isDelimiter = { (line: String) in line.contains("\"\"\"") }
    guard let start = lines.firstIndex(where: isDelimiter),
      let end = lines.lastIndex(where: isDelimiter), start < end
    else { return lines }
    var joined: [String] = []
    var goesOn = false
    for line in lines[(start + 1)..<end] {
      let isBroken = line.hasSuffix("\\")
      let text = isBroken ? String(line.dropLast()) : line
      if goesOn {
        joined[joined.count - 1] += text.drop { $0 == " " }
      } else {
        joined.append(text)
      }
      goesOn = isBroken
    }
    return joined
  }
}

/// Lines as one text, without what all of them are indented by.
func dedented(_ lines: [String]) -> String {
  let indentation =
    lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
  let text = lines.map { String($0.dropFirst(indentation)) }.joined(separator: "\n")
  return text.trimmingCharacters(in: .newlines)
}
