import ArgumentParser
import Foundation

/// Files of nodes in the forms of Open MPI, MPICH and Horovod.
///
/// A line is a node and how many ranks it takes: `node`, `node:4`, `node slots=4` or `node slots = 4 max-slots=8`; without
/// a number it takes one. IPv6 addresses stand in brackets. `#` begins a comment; lines may be empty and may end as Windows ends
/// them.
enum HostFile {
  private static let forms = "expected node, node:4, or node slots=4 max-slots=8"

  /// Reads a file.
  ///
  /// - Throws: a `ValidationError` with file and line.
  static func read(_ path: String) throws -> HostList {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let reason =
        ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.localizedDescription
      throw ValidationError("--hostfile \(path): cannot be read: \(reason ?? "\(error)")")
    }
    guard let text = String(data: data, encoding: .utf8), !text.contains("\0") else {
      throw ValidationError("--hostfile \(path): is no text (UTF-8); a line \(forms)")
    }
    return try HostList(parse(text, path: path), origin: "--hostfile \(path)")
  }

  /// The nodes in `text`; `path` is for messages.
  ///
  /// - Throws: a `ValidationError` with file and line.
  static func parse(_ text: String, path: String) throws -> [HostSlots] {
    var hosts: [HostSlots] = []
    var lines: [Int] = []
    // A byte order mark is what some editors begin a file with.
    let text = text.hasPrefix("\u{feff}") ? String(text.unicodeScalars.dropFirst()) : text
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      do {
        guard let host = try parse(line: line) else { continue }
        if let known = hosts.firstIndex(where: { HostName.areSame($0.name, host.name) }) {
          throw HostName.Problem(
            "\(host.name) is in line \(lines[known]) already; expected one line for each node, with "
              + "all its ranks")
        }
        hosts.append(host)
        lines.append(index + 1)
      } catch let error as HostName.Problem {
        throw ValidationError("\(path):\(index + 1): \(error.message)")
      }
    }
    if hosts.isEmpty { throw ValidationError("\(path): names no node; \(forms) in a line") }
    return hosts
  }

  /// The node of a line; nil when it has none.
  private static func parse(line: Substring) throws -> HostSlots? {
    let content = line.prefix { $0 != "#" }.replacing("=", with: " = ")
    let words = content.split(whereSeparator: \.isWhitespace)
    guard let first = words.first else { return nil }
    let (name, number) = try located { try HostName.parse(first) }
    var values: [String: Int] = number.map { ["slots": $0] } ?? [:]
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      let keyword = String(word.replacing("_", with: "-"))
      guard keyword == "slots" || keyword == "max-slots" else {
        throw HostName.Problem("\"\(word)\" is not known here; \(forms)")
      }
      guard rest.popFirst() == "=", let value = rest.popFirst() else {
        throw HostName.Problem("\(word) has no number; \(forms)")
      }
      guard values[keyword] == nil else {
        throw HostName.Problem("the number of ranks of \(name) is there twice; \(forms)")
      }
      values[keyword] = try located { try HostName.slots(value) }
    }
    let slots = values["slots"] ?? 1
    if let most = values["max-slots"], most < slots {
      throw HostName.Problem(
        "max-slots=\(most) is below slots=\(slots); expected at least as many")
    }
    return HostSlots(name: name, slots: slots, maxSlots: values["max-slots"])
  }

  /// Adds the forms of a line to what is wrong with a part of it.
  private static func located<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as HostName.Problem {
      throw HostName.Problem("\(error.message); \(forms)")
    }
  }
}
