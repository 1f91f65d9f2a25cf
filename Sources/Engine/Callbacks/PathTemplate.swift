import Foundation
import OrderedCollections
import Tensors

/// A path with places for numbers: `weights-{epoch:02d}-{val_loss:.4f}.safetensors`.
///
/// `{name}` stands for a value as Swift writes it, `{name:02d}` for a whole number and
/// `{name:.4f}`, also with `e` or `g`, for any number; `{{` and `}}` are braces.
struct PathTemplate {
  private enum Part {
    case text(String)
    case value(name: String, width: String, precision: Int?, conversion: Character?)
  }

  let template: String
  private let parts: [Part]

  /// - Throws: `EngineError.invalidArgument` when the template cannot be read.
  init(_ template: String) throws(EngineError) {
    self.template = template
    var parts: [Part] = []
    var rest = template[...]
    while let character = rest.first {
      if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
        parts.append(.text(String(character)))
        rest = rest.dropFirst(2)
      } else if character == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw Self.invalid(template, "a { without a }")
        }
        parts.append(try Self.place(rest[rest.index(after: rest.startIndex)..<end], template))
        rest = rest[rest.index(after: end)...]
      } else if character == "}" {
        throw Self.invalid(template, "a } without a {")
      } else {
        let text = rest.prefix { $0 != "{" && $0 != "}" }
        parts.append(.text(String(text)))
        rest = rest.dropFirst(text.count)
      }
    }
    self.parts = parts
  }

  /// The names of the values that are needed.
  var names: [String] {
    parts.compactMap { if case .value(let name, _, _, _) = $0 { name } else { nil } }
  }

  /// The path with the values in place.
  ///
  /// - Throws: `EngineError.invalidArgument` for a value that is not logged.
  func path(counters: [(name: String, value: Int)], logs: Logs) throws(EngineError) -> String {
    var path = ""
    for part in parts {
      switch part {
      case .text(let text): path += text
      case .value(let name, let width, let precision, let conversion):
        if let counter = counters.first(where: { $0.name == name }) {
          path += Self.format(Double(counter.value), width, precision, conversion ?? "d")
        } else if let value = logs[name] {
          path += Self.format(value, width, precision, conversion)
        } else {
          let names = counters.map(\.name) + logs.keys
          throw .invalidArgument(
            message: "the path \(template) asks for \"\(name)\", which is not logged; there are "
              + "\(names.joined(separator: ", "))")
        }
      }
    }
    return path
  }

  private static func place(
    _ text: Substring, _ template: String
  ) throws(EngineError) -> Part {
    let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(halves.first ?? "")
    guard !name.isEmpty else { throw invalid(template, "a place without a name") }
    guard halves.count == 2, !halves[1].isEmpty else {
      return .value(name: name, width: "", precision: nil, conversion: nil)
    }
    let format = halves[1].wholeMatch(of: /(0?[0-9]*)(?:\.([0-9]+))?([dfeg])/)
    guard let format, let conversion = format.3.first else {
      throw invalid(template, "{\(text)}; formats are like :02d, :.4f, :.2e and :.3g")
    }
    let precision = format.2.flatMap { Int($0) }
    guard format.1.count <= 3, precision ?? 0 <= 99, conversion != "d" || precision == nil else {
      throw invalid(template, "{\(text)}")
    }
    return .value(
      name: name, width: String(format.1), precision: precision, conversion: conversion)
  }

  private static func format(
    _ value: Double, _ width: String, _ precision: Int?, _ conversion: Character?
  ) -> String {
    guard let conversion else { return "\(value)" }
    if conversion == "d", let whole = Int(exactly: value.rounded()) {
      return String(format: "%\(width)ld", whole)
    }
    // NaN and infinities are no whole numbers.
    let letter = conversion == "d" ? "f" : conversion
    return String(format: "%\(width).\(precision ?? 6)\(letter)", value)
  }

  private static func invalid(_ template: String, _ what: String) -> EngineError {
    .invalidArgument(message: "the path \(template) cannot be filled in: \(what)")
  }
}
