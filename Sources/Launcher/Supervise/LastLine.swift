import Foundation

/// The last line that is not empty of what a rank wrote.
package struct LastLine: Equatable, Sendable {
  private var line: [UInt8] = []
  private var isEnded = false

  /// Nothing was written.
  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        isEnded = true
      } else {
        if isEnded { line = [] }
        isEnded = false
        // The start of a line says enough.
        if line.count < 200 { line.append(byte) }
      }
    }
  }

  package var text: String {
    String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
  }
}
