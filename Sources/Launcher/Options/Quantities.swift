import ArgumentParser
import Foundation

/// Bytes a second: `10Gb/s` (bits), `1.2GB/s` (bytes), with k, M, G or T.
struct TransferSpeed: ExpressibleByArgument, Sendable {
  let bytesPerSecond: Double

  init?(argument: String) {
    guard let match = argument.wholeMatch(of: /(\d+(?:\.\d+)?) ?([kMGT]?)(b|bit|B)\/s/),
      let number = Double(match.1), number > 0
    else { return nil }
    let scales: [Substring: Double] = ["": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
    bytesPerSecond = number * (scales[match.2] ?? 1) / (match.3 == "B" ? 1 : 8)
  }
}

/// A time: `30us`, `0.2ms`, `1s`; 0 needs no unit.
struct TimeSpan: ExpressibleByArgument, Sendable {
  let seconds: Double

  init?(argument: String) {
    if argument == "0" {
      seconds = 0
      return
    }
    guard let match = argument.wholeMatch(of: /(\d+(?:\.\d+)?) ?(ns|us|ms|s)/),
      let number = Double(match.1)
    else { return nil }
    let scales: [Substring: Double] = ["ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1]
    seconds = number * (scales[match.2] ?? 1)
  }
}

/// Whole numbers with commas between them: `1,2,4`.
struct NumberList: ExpressibleByArgument, Sendable {
  let numbers: [Int]

  init(_ numbers: [Int]) { self.numbers = numbers }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count else { return nil }
    self.numbers = numbers
  }

  var defaultValueDescription: String { numbers.map(String.init).joined(separator: ",") }
}
