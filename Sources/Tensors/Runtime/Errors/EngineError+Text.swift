// The text of all errors.

extension EngineError: CustomStringConvertible, ErrorTextConvertible {
  /// One line of text for a person.
  public var description: String { errorText.description }

  package var errorText: ErrorText {
    var text: ErrorText = ""
    for place in places { text += "in \(place): " }
    if let file { text += "\(file): " }
    // An error that names the module itself says it once.
    if !operation.isEmpty, places.last?.description != operation { text += "\(operation): " }
    text += problem.text(isInFile: file != nil)
    if let hint { text += "; \(hint)" }
    return text
  }
}

extension EngineError.Place: CustomStringConvertible {
  /// `module layers/0`
  public var description: String {
    switch self {
    case .module(let path): "module \(path)"
    case .metric(let name): "metric \(name)"
    }
  }
}

extension EngineError.FilePosition: CustomStringConvertible {
  /// `data.csv: line 3, column "age"`
  public var description: String {
    var parts = [path]
    if let member { parts.append(member) }
    let column = column.map { column in
      switch column {
      case .name(let name): "column \"\(name)\""
      case .number(let number): "column \(number)"
      }
    }
    let place = [line.map { "line \($0)" }, column, byte.map { "byte \($0)" }].compactMap(\.self)
    if !place.isEmpty { parts.append(place.joined(separator: ", ")) }
    return parts.joined(separator: ": ")
  }
}

extension EngineError.Problem {
  fileprivate func text(isInFile: Bool) -> ErrorText {
    switch self {
    case .requirement(let subject, let rule, let found): "\(subject) must \(rule), got \(found)"
    case .expectation(let wanted, let found):
      "expected \(wanted), \(isInFile ? "found" : "got") \(found)"
    case .unsupported(let dtype): "does not work on \(dtype)"
    case .mixed(let types):
      "inputs must have one scalar type, got \(Self.list(types.map(\.description)))"
    case .axis(let axis, let shape):
      "axis \(axis) does not exist in shape \(shape: shape): "
        + (shape.isEmpty
          ? "it is that of a scalar" : "it must be in \(-shape.count)..<\(shape.count)")
    case .name(let name, let kind, let holder, let known):
      "there is no \(kind) \"\(name)\" \(holder.map { "in \($0), which has" } ?? "among") "
        + "\(known.isEmpty ? "none" : known.joined(separator: ", "))"
        + "\(suggestion(for: name, among: known))"
    case .ranksDisagree(let subject, let line, let held):
      "ranks disagree on \(subject), line \(line): "
        + "\(held.map(\.description).joined(separator: "; ")). Every rank must be given the same"
    case .failedElsewhere(let ranks, let text):
      "stopped because \(EngineError.Holding.name(ranks: ranks)) failed: \(text)"
    case .notFinite(let step):
      "\(step.place): \(step.what). The weights are those before this step. A smaller learning rate, "
        + "clipping (Adam(clipping: .globalNorm(1))) or other data may help"
    case .text(let text): text
    }
  }

  /// `a, b and c`
  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension EngineError.NonFiniteStep {
  /// `rank 2: the loss is nan`; without a rank where all have met the same.
  public var what: String {
    func text(_ finding: Finding) -> String { "\(finding.tensor) is \(finding.value)" }
    if findings.count == ranks, Set(findings.map(text)).count == 1 { return text(findings[0]) }
    return findings.map { "rank \($0.rank): \(text($0))" }.joined(separator: "; ")
  }

  /// `fit, epoch 1, step 3`
  fileprivate var place: String {
    call + (epoch.map { ", epoch \($0 + 1)" } ?? "") + ", step \(step + 1)"
  }
}

extension EngineError.Holding: CustomStringConvertible {
  /// `ranks 0-3 have "kernel float32 [4]"`
  public var description: String {
    Self.name(ranks: ranks) + (ranks.count == 1 ? " has " : " have ")
      + (text.map { "\"\($0)\"" } ?? "no such line")
  }

  /// "rank 2", or "ranks 0-3, 6" with runs of three or more shortened.
  package static func name(ranks: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for rank in ranks.sorted() {
      if let last = runs.last, last.upperBound + 1 == rank {
        runs[runs.count - 1] = last.lowerBound...rank
      } else {
        runs.append(rank...rank)
      }
    }
    let texts = runs.map { run in
      switch run.count {
      case 1: "\(run.lowerBound)"
      case 2: "\(run.lowerBound), \(run.upperBound)"
      default: "\(run.lowerBound)-\(run.upperBound)"
      }
    }
    return (ranks.count == 1 ? "rank " : "ranks ") + texts.joined(separator: ", ")
  }
}
