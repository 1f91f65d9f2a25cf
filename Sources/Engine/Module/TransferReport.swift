import OrderedCollections
import Tensors

/// What ``AnyModule/transfer(from:renaming:)`` or a file of weights gave to the variables of a module, and what not.
public struct TransferReport: Equatable, Sendable, Codable {
  /// Variables that got a value: the path in the source, and here.
  public internal(set) var transferred: [Pair] = []
  /// Variables whose value has another shape in the source; they keep theirs.
  public internal(set) var mismatched: [Mismatch] = []
  /// Parameters and states of this module that the source does not have; they keep theirs.
  public internal(set) var missing: [String] = []
  /// Paths of the source that this module does not have.
  public internal(set) var unexpected: [String] = []

  /// The path of a value in the source, and of the variable that got it.
  public struct Pair: Equatable, Sendable, Codable {
    /// The path in the source.
    public let source: String
    /// The path in the module.
    public let target: String
  }

  /// Two shapes that differ.
  public struct Mismatch: Equatable, Sendable, Codable {
    /// The path of the value in the source, and of the variable.
    public let paths: Pair
    /// The shape in the source.
    public let found: Shape
    /// The shape that the variable has.
    public let expected: Shape
  }

  /// Whether every variable got a value and every value found a variable.
  public var isComplete: Bool { mismatched.isEmpty && missing.isEmpty && unexpected.isEmpty }
}

extension TransferReport: CustomStringConvertible {
  /// A line for each count that is not zero, with the paths.
  public var description: String {
    var lines = ["\(transferred.count) transferred"]
    func add(_ title: String, _ items: [String]) {
      if !items.isEmpty {
        lines.append("\(items.count) \(title): \(items.joined(separator: ", "))")
      }
    }
    add(
      "of another shape",
      mismatched.map { "\($0.paths.target) is \($0.expected), not \($0.found)" })
    add("not in the source", missing)
    add("not in the module", unexpected)
    return lines.joined(separator: "\n")
  }
}

extension AnyModule {
  /// Gives variables the values that a tree has under the same paths, as far as there are any and their shapes fit.
  ///
  /// ```swift
  /// let report = classifier.transfer(from: autoencoder.filter(.parameter)) {
  ///   $0.hasPrefix("encoder/") ? $0 : nil
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - source: values by path, such as those of another module (`other.filter()`).
  ///   - renaming: from a path of the source to the path here; nil leaves it out.
  /// - Returns: what was transferred, what was not, and why.
  @discardableResult
  public func transfer(
    from source: ModuleTree, renaming: (_ path: String) -> String? = { $0 }
  ) -> TransferReport {
    var renamed = OrderedDictionary<String, Tensor>()
    var names: [String: String] = [:]
    for (path, leaf) in source.leaves {
      guard let target = renaming(path) else { continue }
      renamed[target] = leaf.value
      names[target] = path
    }
    let report = transferReport(renamed, names: names)
    assign(renamed, report)
    return report
  }

  /// What fits and what does not, before anything is changed.
  ///
  /// - Parameters:
  ///   - source: values by the paths that they have here.
  ///   - names: the paths in the source, where they differ.
  /// - Returns: the report; nothing has got a value yet.
  func transferReport(
    _ source: OrderedDictionary<String, Tensor>, names: [String: String] = [:]
  ) -> TransferReport {
    var report = TransferReport()
    let variables = variablesByPath
    for (target, value) in source {
      let pair = TransferReport.Pair(source: names[target] ?? target, target: target)
      guard let variable = variables[target] else {
        report.unexpected.append(pair.source)
        continue
      }
      if variable.shape == value.shape {
        report.transferred.append(pair)
      } else {
        report.mismatched.append(
          TransferReport.Mismatch(paths: pair, found: value.shape, expected: variable.shape))
      }
    }
    report.missing = savedVariables.map(\.path).filter { source[$0] == nil }
    return report
  }

  /// Gives variables the values that fit.
  func assign(_ source: OrderedDictionary<String, Tensor>, _ report: TransferReport) {
    let variables = variablesByPath
    for pair in report.transferred {
      if let value = source[pair.target] { variables[pair.target]?.value = value }
    }
  }

  /// What a file of weights holds, by path: everything but random keys, which differ from rank to rank, and logs.
  package var savedVariables: [(path: String, variable: Variable)] {
    namedVariables.filter { $0.variable.kind.isSaved }
  }
}
