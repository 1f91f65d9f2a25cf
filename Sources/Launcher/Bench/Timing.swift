import Foundation

/// Times of something that was run several times, in seconds.
struct Times: Sendable {
  private let sorted: [Double]

  /// - Parameter seconds: one time or more.
  init(_ seconds: [Double]) { sorted = seconds.sorted() }

  /// The one in the middle.
  var median: Double { sorted.isEmpty ? .nan : sorted[sorted.count / 2] }
  /// The shortest.
  var fastest: Double { sorted.first ?? .nan }

  /// Times `body`, `repetitions` times in a row for each time.
  static func measure(
    samples: Int, repetitions: Int = 1, _ body: () throws -> Void
  ) rethrows -> Times {
    let clock = ContinuousClock()
    return Times(
      try (0..<samples).map { _ in
        let duration = try clock.measure { for _ in 0..<repetitions { try body() } }
        return duration / .seconds(1) / Double(repetitions)
      })
  }

  /// Times `body`, repeated as often as it takes for a time to be well above the clock's resolution.
  static func measure(_ body: () throws -> Void) rethrows -> Times {
    try body()
    let once = try measure(samples: 3, body).fastest
    let repetitions = max(1, min(100_000, Int(2e-3 / max(once, 1e-9))))
    return try measure(samples: 9, repetitions: repetitions, body)
  }
}

/// Results as JSON.
enum BenchJSON {
  /// One line, keys in snake case and sorted.
  static func line(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // JSON has no NaN, and a loss may be none.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

extension Double {
  /// Rounded to `places` decimal places.
  func rounded(places: Int) -> Double {
    let scale = pow(10, Double(places))
    return (self * scale).rounded() / scale
  }

  /// As text with `places` decimal places.
  func text(_ places: Int) -> String { String(format: "%.\(places)f", self) }
}
