import Foundation
import Testing

/// `docs/modules.md` shows what the tests in this folder run, and nothing else.
@Suite("docs/modules.md")
struct DocumentationTests {
  private struct Block {
    let language: String
    let line: Int
    let text: String
  }

  private let snippets: [Snippets.Snippet]
  private let blocks: [Block]
  private let document: String

  init() throws {
    snippets = try Snippets().all
    let path =
      URL(fileURLWithPath: #filePath).pathComponents.dropLast(4)
      .joined(separator: "/").dropFirst() + "/docs/modules.md"
    document = try String(contentsOfFile: String(path), encoding: .utf8)
    var blocks: [Block] = []
    var open: (language: String, line: Int, lines: [String])?
    for (index, line) in document.components(separatedBy: "\n").enumerated() {
      if !line.hasPrefix("```") {
        open?.lines.append(line)
      } else if let block = open {
        blocks.append(
          Block(language: block.language, line: block.line, text: dedented(block.lines)))
        open = nil
      } else {
        open = (String(line.dropFirst(3)), index + 1, [])
      }
    }
    self.blocks = blocks
  }

  /// The names of the snippets that make up a text one after the other; nil when there are none.
  private func parts(of text: String, _ snippets: [Snippets.Snippet]) -> [String]? {
    if text.isEmpty { return [] }
    for snippet in snippets where text == snippet.text || text.hasPrefix(snippet.text + "\n") {
      let rest = text.dropFirst(snippet.text.count).trimmingPrefix { $0 == "\n" }
      if let others = parts(of: String(rest), snippets) { return [snippet.name] + others }
    }
    return nil
  }

  @Test("Every block is code that the tests run, or text that they expect")
  func blocksAreSnippets() {
    #expect(blocks.count > 40)
    for block in blocks {
      #expect(["swift", "text"].contains(block.language), "line \(block.line)")
      let isOutput = block.language == "text"
      #expect(
        parts(of: block.text, snippets.filter { $0.isOutput == isOutput }) != nil,
        "line \(block.line) is not among the marked parts of Tests/EngineTests/Docs:\n\(block.text)"
      )
    }
  }

  @Test("Everything marked is shown")
  func snippetsAreShown() {
    #expect(Set(snippets.map(\.name)).count == snippets.count)
    let shown = Set(
      blocks.flatMap { block in
        parts(of: block.text, snippets.filter { $0.isOutput == (block.language == "text") }) ?? []
      })
    for snippet in snippets {
      let isShown = shown.contains(snippet.name)
      #expect(isShown, "\(snippet.name)")
    }
  }

  @Test("Headings that the contents link to exist")
  func links() {
    let headings = document.components(separatedBy: "\n").filter { $0.hasPrefix("#") }.map {
      heading in
      heading.drop { $0 == "#" || $0 == " " }.lowercased().filter {
        $0.isLetter || $0.isNumber || $0 == " " || $0 == "-"
      }.replacing(" ", with: "-")
    }
    let targets = document.components(separatedBy: "](#").dropFirst().compactMap {
      $0.split(separator: ")").first
    }
    #expect(!targets.isEmpty)
    for target in targets { #expect(headings.contains(String(target)), "\(target)") }
  }
}
