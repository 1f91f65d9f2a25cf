import Foundation
import Tensors

/// How numbers, times and the bar look; the formats are those of Keras.
enum ProgressFormat {
  /// A loss or metric: `0.1234`, or `1.2340e-05` when that would show as nearly nothing.
  static func value(_ value: Double) -> String {
    String(format: abs(value) > 1e-3 ? "%.4f" : "%.4e", value)
  }

  /// ` - name: value` for each value.
  static func values(_ logs: Logs) -> String {
    logs.map { " - \($0.key): \(value($0.value))" }.joined()
  }

  /// The time of one step: `2s/step`, `12ms/step`, `340us/step`.
  static func perStep(_ seconds: Double) -> String {
    if seconds >= 1 || seconds == 0 { return String(format: "%.0fs/step", seconds) }
    if seconds >= 1e-3 { return String(format: "%.0fms/step", seconds * 1e3) }
    return String(format: "%.0fus/step", seconds * 1e6)
  }

  /// Time that has passed: `3s`.
  static func elapsed(_ seconds: Double) -> String { String(format: "%.0fs", seconds) }

  /// Time that is left: `3s`, `1:05`, `2:00:03`.
  static func remaining(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = max(0, Int(seconds))
    if whole > 3600 {
      return String(format: "%d:%02d:%02d", whole / 3600, whole % 3600 / 60, whole % 60)
    }
    return whole > 60 ? String(format: "%d:%02d", whole / 60, whole % 60) : "\(whole)s"
  }

  /// Steps done of all steps, the first number as wide as the last one will be.
  static func count(_ done: Int, of target: Int?) -> String {
    guard let target else { return "\(done)/Unknown" }
    let digits = String(target)
    let number = String(done)
    let indent = String(repeating: " ", count: max(0, digits.count - number.count))
    return "\(indent)\(number)/\(digits)"
  }

  /// A bar of `width` columns; what is left is grey, or thinner where there is no colour.
  static func bar(done: Int, of target: Int, width: Int, color: Bool) -> String {
    let filled = target > 0 ? min(width, width * done / target) : width
    let rest = width - filled
    let line = String(repeating: "━", count: filled)
    guard color else { return line + String(repeating: "─", count: rest) }
    let green = filled > 0 ? "\u{1B}[32m\(line)" : ""
    let grey = rest > 0 ? "\u{1B}[90m" + String(repeating: "━", count: rest) : ""
    return "\(green)\(grey)\u{1B}[0m"
  }
}

extension ProgressFormat {
  /// A number with this many digits after the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
