/// Makes sure that every rank holds the same list of lines, such as `kernel float32 [784, 512]`.
///
/// When all agree this costs one small all-gather of a hash and a count. Otherwise the texts are
/// gathered, and **every** rank throws the same error, which names the first line that differs and
/// says which ranks hold what: no rank is left waiting in a later collective.
///
/// - Parameters:
///   - lines: what this rank holds, in an order that does not depend on the rank.
///   - subject: what the lines are, for the message.
///   - communicator: the ranks that must agree.
/// - Throws: ``EngineError`` of the ranks that disagree.
public func agree(
  on lines: [String], subject: String = "what they hold", communicator: any Communicator
) throws {
  _ = try agree(on: lines, noting: "", subject: subject, communicator: communicator)
}

/// As ``agree(on:subject:communicator:)``, and compares a note in the same message, which may differ.
///
/// - Returns: the notes of all ranks, in their order, on every rank; nil where they are the same.
package func agree(
  on lines: [String], noting note: String, subject: String, communicator: any Communicator
) throws -> [String]? {
  if communicator.size == 1 { return nil }
  return try communicator.named(subject) { try agreeNow(on: lines, note, subject, communicator) }
}

private func agreeNow(
  on lines: [String], _ note: String, _ subject: String, _ communicator: any Communicator
) throws -> [String]? {
  let mine = [
    Int64(bitPattern: fingerprint(of: lines)), Int64(lines.count),
    Int64(bitPattern: fingerprint(of: [note])),
  ]
  let (size, width) = (communicator.size, mine.count)
  var all = [Int64](repeating: 0, count: width * size)
  try mine.withUnsafeBytes { one in
    try all.withUnsafeMutableBytes { every in
      guard let from = one.baseAddress, let into = every.baseAddress else { return }
      try communicator.allGather(
        from, counts: [Int](repeating: width, count: size), dtype: .int64, into: into)
    }
  }
  let ranks = (0..<size).map { all[width * $0..<width * ($0 + 1)] }
  let isSame = ranks.allSatisfy { $0.dropLast().elementsEqual(ranks[0].dropLast()) }
  if isSame {
    let hasOneNote = ranks.allSatisfy { $0.last == ranks[0].last }
    return hasOneNote ? nil : try communicator.allGather(text: note)
  }

  let texts = try communicator.allGather(text: packed(lines))
  let lists = texts.map(unpacked)
  let longest = lists.map(\.count).max() ?? 0
  for line in 0..<longest {
    let held = holdings(at: line, of: lists)
    if held.count > 1 {
      throw EngineError.ranksDisagree(subject: subject, line: line + 1, held: held)
    }
  }
  return nil
}

/// Who holds which text at a line, in the order of the lowest rank that holds it.
private func holdings(at line: Int, of lists: [[String]]) -> [EngineError.Holding] {
  var held: [EngineError.Holding] = []
  for (rank, list) in lists.enumerated() {
    let text = line < list.count ? list[line] : nil
    if let known = held.firstIndex(where: { $0.text == text }) {
      held[known].ranks.append(rank)
    } else {
      held.append(EngineError.Holding(ranks: [rank], text: text))
    }
  }
  return held
}

/// A hash of the lines, each ended by a zero byte, that is the same in every process.
package func fingerprint(of lines: [String]) -> UInt64 {
  lines.reduce(StableHash.of([])) { StableHash.of([0], from: StableHash.of($1.utf8, from: $0)) }
}

/// Lines as one text; each is ended by a NUL, which no name, type or shape contains.
private func packed(_ lines: [String]) -> String {
  lines.map { $0 + "\0" }.joined()
}

private func unpacked(_ text: String) -> [String] {
  text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
}
