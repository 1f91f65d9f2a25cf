/// Names of nodes, and numbers after them.
enum HostName {
  /// What is wrong with a name or a number, without where it stands.
  struct Problem: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  /// The most ranks of a node: mpirun keeps them in 32 bits.
  static let mostSlots = 1 << 20

  /// Reads `node`, `node:4`, `[fd00::1]` or `[fd00::1]:4`.
  ///
  /// - Returns: the name without brackets, and the number where there is one.
  /// - Throws: ``Problem``.
  static func parse(_ text: some StringProtocol) throws -> (name: String, slots: Int?) {
    let text = String(text)
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw Problem("\(quoted(text)) has no ]") }
      let address = String(text[text.index(after: text.startIndex)..<end])
      guard isIPv6(address) else {
        throw Problem("\(quoted(address)) between [ and ] is no IPv6 address")
      }
      let rest = text[text.index(after: end)...]
      if rest.isEmpty { return (address, nil) }
      guard rest.first == ":" else {
        throw Problem("\(quoted(String(rest))) after ] is no number of ranks")
      }
      return (address, try slots(rest.dropFirst()))
    }
    let pieces = text.split(separator: ":", omittingEmptySubsequences: false)
    if pieces.count > 2 {
      throw Problem(
        isIPv6(text)
          ? "an IPv6 address needs brackets: [\(text)]" : "\(quoted(text)) has more than one colon")
    }
    let name = String(pieces[0])
    try check(name)
    return (name, pieces.count == 2 ? try slots(pieces[1]) : nil)
  }

  /// Reads a number of ranks.
  ///
  /// - Throws: ``Problem`` unless it is a whole number from 1 on.
  static func slots(_ text: some StringProtocol) throws -> Int {
    guard text.allSatisfy(\.isASCIIDigit), let number = Int(text), (1...mostSlots).contains(number)
    else {
      throw Problem("\(quoted(String(text))) is no number of ranks from 1 to \(mostSlots)")
    }
    return number
  }

  /// Checks a name: it becomes an argument of mpirun and of the remote shell, which read one that begins with a dash as
  /// an option, and mpirun knows letters, digits, dots and hyphens only.
  ///
  /// - Throws: ``Problem``.
  static func check(_ name: String) throws {
    if name.isEmpty { throw Problem("the name of a node is missing") }
    if name.contains("@") {
      throw Problem(
        "\(quoted(name)): the user of a node is set in ~/.ssh/config (User), not in its name")
    }
    if name.hasPrefix("-") {
      throw Problem("\(quoted(name)) begins with a dash, so it is no name of a node")
    }
    let isPlain = name.utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isPlain
    }
    guard isPlain, name.utf8.count <= 253 else {
      throw Problem(
        "\(quoted(name)) is no name of a node: letters, digits, dots and hyphens, 253 at most")
    }
  }

  /// Whether `text` is written as an IPv6 address, with a zone (`%eth0`) or without.
  static func isIPv6(_ text: String) -> Bool {
    let parts = text.split(separator: "%", omittingEmptySubsequences: false)
    guard let address = parts.first, parts.count <= 2, address.contains(":") else { return false }
    if parts.count == 2, parts[1].isEmpty || !parts[1].allSatisfy(\.isPlain) { return false }
    return address.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
  }

  /// Whether two names mean the same node, as far as they tell: one of them may leave out the domain.
  static func areSame(_ one: String, _ other: String) -> Bool {
    let (one, other) = (one.lowercased(), other.lowercased())
    if one == other { return true }
    func isAddress(_ name: String) -> Bool {
      name.contains(":") || name.allSatisfy { $0.isASCIIDigit || $0 == "." }
    }
    if isAddress(one) || isAddress(other) || one.contains(".") == other.contains(".") {
      return false
    }
    return one.prefix { $0 != "." } == other.prefix { $0 != "." }
  }

  /// A word in a message, with what cannot be seen made visible.
  private static func quoted(_ text: String) -> String { "\"" + text.debugDescription.dropFirst() }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
  fileprivate var isPlain: Bool { isASCII && (isLetter || isNumber || self == "." || self == "-") }
}
