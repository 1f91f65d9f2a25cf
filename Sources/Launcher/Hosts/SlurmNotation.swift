/// The short ways in which Slurm writes lists: `node[01-03,7]` and `2(x3),1`.
enum SlurmNotation {
  /// The most names that a list may stand for: more is no cluster, but a slip.
  private static let limit = 1 << 16

  /// The names of `node[01-03,7],gpu1`; nil when it is written otherwise.
  static func names(_ text: String) -> [String]? {
    var names: [String] = []
    for item in items(text) {
      guard let expanded = expand(item[...]), names.count + expanded.count <= limit else {
        return nil
      }
      names += expanded
    }
    let isGood = !names.isEmpty && names.allSatisfy { (try? HostName.check($0)) != nil }
    return isGood ? names : nil
  }

  /// The numbers of `2(x3),1`; nil when it is written otherwise.
  static func counts(_ text: String) -> [Int]? {
    var counts: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let match = part.wholeMatch(of: /(\d+)(?:\(x(\d+)\))?/), let count = Int(match.1),
        count <= HostName.mostSlots
      else { return nil }
      guard let times = match.2.map({ Int($0) }) ?? 1, times <= limit - counts.count else {
        return nil
      }
      counts += Array(repeating: count, count: times)
    }
    return counts.isEmpty ? nil : counts
  }

  /// Cuts at commas outside of brackets.
  private static func items(_ text: String) -> [String] {
    var items = [""]
    var depth = 0
    for character in text {
      if character == "[" { depth += 1 }
      if character == "]" { depth -= 1 }
      if character == ",", depth == 0 {
        items.append("")
      } else {
        items[items.count - 1].append(character)
      }
    }
    return items
  }

  /// The names of one item, in which each pair of brackets holds numbers and ranges.
  private static func expand(_ item: Substring) -> [String]? {
    guard let open = item.firstIndex(of: "[") else {
      return item.contains("]") ? nil : [String(item)]
    }
    guard let close = item[open...].firstIndex(of: "]"),
      let rests = expand(item[item.index(after: close)...])
    else { return nil }
    var names: [String] = []
    for part in item[item.index(after: open)..<close].split(
      separator: ",", omittingEmptySubsequences: false)
    {
      guard let match = part.wholeMatch(of: /(\d+)(?:-(\d+))?/), let first = Int(match.1),
        let last = Int(match.2 ?? match.1), first <= last, last - first < limit
      else { return nil }
      for number in first...last {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, match.1.count - digits.count))
        guard names.count + rests.count <= limit else { return nil }
        for rest in rests { names.append(item[..<open] + zeros + digits + rest) }
      }
    }
    return names
  }
}
