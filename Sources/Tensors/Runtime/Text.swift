import Foundation

/// `1 rank`, `3 ranks`
package func counted(_ number: Int, _ noun: String) -> String {
  "\(number) \(noun)\(number == 1 ? "" : "s")"
}

/// The system's words for an `errno`.
package func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }
