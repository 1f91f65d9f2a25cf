/// Joins what several ranks write into whole lines.
///
/// A line is passed on when it is complete. Part of one, such as a progress bar or a question, is passed on when nothing has
/// followed it for a moment; the lines of other ranks then wait for its end, though not for long.
struct LineMerger {
  /// Seconds after which a part of a line is passed on.
  static let idle = 0.03
  /// Seconds that others wait for the end of a line.
  static let patience = 0.3

  private var waiting: [[UInt8]]
  /// When the first byte that waits came, by source.
  private var since: [Double]
  /// When the last byte came, by source.
  private var last: [Double]
  /// The source whose line has been begun and not ended.
  private var open: Int?

  init(sources: Int) {
    waiting = Array(repeating: [], count: sources)
    since = Array(repeating: 0, count: sources)
    last = since
  }

  /// Whether something waits that time alone will pass on.
  var isWaiting: Bool { open != nil || waiting.contains { !$0.isEmpty } }

  /// Takes what `source` wrote at `time`, in seconds from any moment.
  mutating func add(_ bytes: some Sequence<UInt8>, from source: Int, at time: Double) {
    if waiting[source].isEmpty { since[source] = time }
    last[source] = time
    waiting[source].append(contentsOf: bytes)
  }

  /// What can be passed on at `time`.
  mutating func take(at time: Double) -> [UInt8] {
    var result: [UInt8] = []
    while true {
      if let source = open {
        if endLine(source, into: &result) {
          open = nil
          continue
        }
        passPart(source, at: time, into: &result)
        let isAwaited = waiting.indices.contains {
          $0 != source && waiting[$0].contains(Self.newline) && time - since[$0] > Self.patience
        }
        guard isAwaited else { return result }
        result.append(Self.newline)
        open = nil
      }
      for source in waiting.indices {
        guard let end = waiting[source].lastIndex(of: Self.newline) else { continue }
        result += waiting[source][...end]
        waiting[source].removeSubrange(...end)
        since[source] = last[source]
      }
      guard let source = waiting.indices.first(where: { passPart($0, at: time, into: &result) })
      else { return result }
      open = source
      return result
    }
  }

  /// Everything that is left, each part on a line of its own.
  mutating func takeAll() -> [UInt8] {
    var result: [UInt8] = []
    let order = (open.map { [$0] } ?? []) + waiting.indices.filter { $0 != open }
    for source in order where !waiting[source].isEmpty {
      if open != nil, open != source { result.append(Self.newline) }
      result += waiting[source]
      open = waiting[source].last == Self.newline ? nil : source
      waiting[source] = []
    }
    return result
  }

  private static let newline = UInt8(ascii: "\n")

  /// Passes on the rest of the line of `source`; false when its end has not come.
  private mutating func endLine(_ source: Int, into result: inout [UInt8]) -> Bool {
    guard let end = waiting[source].firstIndex(of: Self.newline) else { return false }
    result += waiting[source][...end]
    waiting[source].removeSubrange(...end)
    since[source] = last[source]
    return true
  }

  /// Passes on a part of a line, up to its last whole character, when it is time to.
  @discardableResult
  private mutating func passPart(
    _ source: Int, at time: Double, into result: inout [UInt8]
  ) -> Bool {
    guard !waiting[source].isEmpty, time - last[source] > Self.idle else { return false }
    let count = Self.wholeCharacters(waiting[source])
    result += waiting[source][..<count]
    waiting[source].removeSubrange(..<count)
    since[source] = last[source]
    return count > 0
  }

  /// How many of `bytes` are left without a character of UTF-8 that is cut at the end.
  private static func wholeCharacters(_ bytes: [UInt8]) -> Int {
    // At most three bytes that continue a character follow its first one.
    for back in 1...4 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      if byte & 0xC0 == 0x80 { continue }
      let length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return length > back ? bytes.count - back : bytes.count
    }
    return bytes.count
  }
}
