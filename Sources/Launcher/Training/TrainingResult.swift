import Engine
import Foundation

/// What a training came to: the object that `--json` prints and `summary.json` holds.
struct TrainingResult: Encodable, Sendable {
  var data: String
  var model: String
  var optimizer: String
  var precision: String
  var learningRate: Double
  var batchSize: Int
  var seed: UInt64
  var validationSplit: Double
  var ranks: Int
  var threads: Int
  var epochs: Int
  var parameters: Int
  var classes: [Int64]
  /// Empty when classes are numbers in the data.
  var classNames: [String]
  var trainSamples: Int
  var valSamples: Int
  /// Of the last epoch, over its batches; nil (null) when it is not a number.
  var loss: Double?
  var accuracy: Double?
  /// On the held-out part, after the last epoch; nil without one.
  var valLoss: Double?
  var valAccuracy: Double?
  /// Spent on training steps, without validation.
  var seconds: Double
  /// Training samples of all epochs over `seconds`.
  var samplesPerSecond: Double
  var weightsSHA256: String
  var checkpoint: String

  /// One line of JSON with sorted keys; every key is there, with null for what there is not.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(data, forKey: .data)
    try values.encode(model, forKey: .model)
    try values.encode(optimizer, forKey: .optimizer)
    try values.encode(precision, forKey: .precision)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(batchSize, forKey: .batchSize)
    try values.encode(seed, forKey: .seed)
    try values.encode(validationSplit, forKey: .validationSplit)
    try values.encode(ranks, forKey: .ranks)
    try values.encode(threads, forKey: .threads)
    try values.encode(epochs, forKey: .epochs)
    try values.encode(parameters, forKey: .parameters)
    try values.encode(classes, forKey: .classes)
    try values.encode(classNames, forKey: .classNames)
    try values.encode(trainSamples, forKey: .trainSamples)
    try values.encode(valSamples, forKey: .valSamples)
    // JSON has no NaN; the synthesised method would also leave nil out.
    for (key, value) in [
      (CodingKeys.loss, loss), (.accuracy, accuracy), (.valLoss, valLoss),
      (.valAccuracy, valAccuracy),
    ] {
      if let value, value.isFinite {
        try values.encode(value, forKey: key)
      } else {
        try values.encodeNil(forKey: key)
      }
    }
    try values.encode(seconds, forKey: .seconds)
    try values.encode(samplesPerSecond, forKey: .samplesPerSecond)
    try values.encode(weightsSHA256, forKey: .weightsSHA256)
    try values.encode(checkpoint, forKey: .checkpoint)
  }

  private enum CodingKeys: String, CodingKey {
    case data, model, optimizer, precision, learningRate, batchSize, seed, validationSplit, ranks,
      threads
    case epochs, parameters, classes, classNames, trainSamples, valSamples
    case loss, accuracy, valLoss, valAccuracy
    case seconds, samplesPerSecond, weightsSHA256, checkpoint
  }
}

extension TrainingResult {
  /// A few lines for a person.
  ///
  /// - Parameter heldOut: what the held-out part was.
  /// - Returns: the lines, to be printed.
  func summary(heldOut: String) -> String {
    func percent(_ value: Double?) -> String {
      value.map { String(format: "%.2f %%", $0 * 100) } ?? "-"
    }
    func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
    let speed = String(format: "%.1f s, %.0f samples/s", seconds, samplesPerSecond)
    var lines = [
      "",
      "Model     \(model) with \(parameters) parameters",
      "Trained   \(counted(epochs, "epoch")) of \(trainSamples) samples of \(data), "
        + "\(counted(ranks, "rank")) of \(counted(threads, "thread")): \(speed)",
      "          accuracy \(percent(accuracy)), loss \(number(loss))",
    ]
    if valSamples > 0 {
      lines += [
        "Held out  \(heldOut)",
        "          accuracy \(percent(valAccuracy)), loss \(number(valLoss))",
      ]
    }
    return (lines + ["Weights   \(checkpoint)"]).joined(separator: "\n")
  }
}
