import Foundation

/// What two lists of settings, in lines `name: value`, differ in.
enum SettingDifferences {
  /// The first differences between the lines of an earlier run and those of this one, as text; nil for none. With `onlyCommonKeys` names that one
  /// of them lacks do not count.
  static func text(before: [String], now: [String], onlyCommonKeys: Bool) -> String? {
    if before == now { return nil }
    let (old, new) = (entries(before), entries(now))
    let known = Dictionary(old, uniquingKeysWith: { first, _ in first })
    let present = Dictionary(new, uniquingKeysWith: { first, _ in first })
    var texts: [String] = []
    for (name, value) in old {
      switch present[name] {
      case value?: continue
      case let other?: texts.append("\(name) was \(value) and is \(other)")
      case nil where !onlyCommonKeys: texts.append("\(name) was \(value) and is not there")
      case nil: continue
      }
    }
    if !onlyCommonKeys {
      texts += new.filter { known[$0.0] == nil }.map { "\($0.0) was not there and is \($0.1)" }
    }
    if texts.isEmpty { return nil }
    let most = 4
    let rest = texts.count > most ? ", and \(texts.count - most) more" : ""
    return texts.prefix(most).joined(separator: ", ") + rest
  }

  /// Name and value of each line; a name that comes again is numbered.
  private static func entries(_ lines: [String]) -> [(String, String)] {
    var counts: [String: Int] = [:]
    return lines.map { line in
      let cut = line.range(of: ": ")
      let name = cut.map { String(line[..<$0.lowerBound]) } ?? line
      let value = cut.map { String(line[$0.upperBound...]) } ?? ""
      counts[name, default: 0] += 1
      let number = counts[name] ?? 1
      return (number > 1 ? "\(name) (\(number))" : name, value)
    }
  }
}
