import Foundation
import Testing

/// A program of `Examples`, and what it says when it has learned something.
struct Example: Sendable, CustomTestStringConvertible {
  let name: String
  /// What stands before each number that counts, on the same line.
  let labels: [String]
  /// How often rank 0 says so; other ranks are silent.
  var times = 1
  /// Whether the numbers, those of the last time, are ones that nothing untrained reaches.
  let hasLearned: @Sendable ([Double]) -> Bool

  var testDescription: String { name }

  /// One row for each example that needs nothing but the package.
  static let all: [Example] = [
    // A fifth of the digits, where guessing is right once in ten.
    Example(name: "Digits", labels: ["val_accuracy: "], times: 30) { $0[0] > 0.8 },
    Example(name: "Images", labels: ["\"accuracy\": "]) { $0[0] > 0.6 },
    Example(name: "Table", labels: ["a price is off by ", "the mean price by "]) {
      $0[0] < 0.2 * $0[1]
    },
    // The variance of the labels is 1/12, and less is what the inputs, which say nothing, are used to remember.
    Example(name: "LowLevelLoop", labels: ["900 "]) { $0[0] < 1.0 / 12 },
    Example(name: "Autoencoder", labels: ["mean squared error: ", "of the mean image: "]) {
      $0[0] < 0.7 * $0[1]
    },
    Example(name: "VAE", labels: ["nats for an image: ", "pixel by pixel: "]) { $0[0] < $0[1] },
    // One who always says no is right in 55 of 100 pairs.
    Example(
      name: "InputsAndOutputs", labels: ["sum off by: ", "always the mean: ", "larger: "]
    ) { $0[0] < 0.7 * $0[1] && $0[2] > 75 },
    Example(
      name: "TransferLearning",
      labels: ["frozen trunk: ", "weights moved by ", "fine-tuned: ", "and then by "]
    ) { $0[0] > 60 && $0[1] == 0 && $0[2] > 60 && $0[3] > 0 },
    Example(name: "TemporalOrder", labels: ["right: "]) { $0[0] > 75 },
    // The character before says as much as 1.58 leaves open; less than the entropy would be a fault.
    Example(name: "CharacterTransformer", labels: ["nats for a character: ", "the grammar's: "]) {
      $0[0] < 1.5 && $0[0] > $0[1]
    },
  ]

  /// The numbers after the labels in what the program has written.
  func numbers(in output: String) throws -> [Double] {
    try labels.map { label in
      let parts = output.components(separatedBy: label)
      try #require(parts.count == times + 1, "\(times) × \"\(label)\" in\n\(output)")
      let number = (parts.last ?? "").prefix { $0.isNumber || ".-e+".contains($0) }
      return try #require(Double(number), "a number after \"\(label)\" in\n\(output)")
    }
  }
}
