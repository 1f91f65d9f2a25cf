/// A state in a folder of states, as its name tells it.
package struct StateEntry: Hashable, Sendable, Comparable {
  /// What the state counts: training steps so far.
  package let ordinal: UInt64
  /// 0, or a higher number where a state of this ordinal was saved again.
  package let attempt: Int
  /// The folder of the state.
  package let path: String

  /// The name of the folder, such as `state-000000000420` or `state-000000000420-1`.
  package var name: String { Self.name(ordinal, attempt) }

  init(ordinal: UInt64, attempt: Int, in folder: String) {
    (self.ordinal, self.attempt) = (ordinal, attempt)
    path = folder + "/" + Self.name(ordinal, attempt)
  }

  /// - Returns: nil when `name` is none of a state.
  init?(name: String, in folder: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, let ordinal = UInt64(parts[1]) else { return nil }
    let attempt = parts.count == 3 ? Int(parts[2]) : 0
    guard let attempt, attempt >= 0, Self.name(ordinal, attempt) == name else { return nil }
    self.init(ordinal: ordinal, attempt: attempt, in: folder)
  }

  private static func name(_ ordinal: UInt64, _ attempt: Int) -> String {
    "state-" + digits(ordinal) + (attempt == 0 ? "" : "-\(attempt)")
  }

  /// Twelve digits or more, so that names sort as ordinals do.
  static func digits(_ ordinal: UInt64) -> String {
    let digits = String(ordinal)
    return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }

  package static func < (a: StateEntry, b: StateEntry) -> Bool {
    (a.ordinal, a.attempt) < (b.ordinal, b.attempt)
  }
}
