import Engine
import TestSupport
import Testing

@Suite("Models of sequences learn", .seeded)
struct SequenceTrainingTests {
  /// Windows of a sentence as numbers of its letters, and each window one letter later.
  private static func letters(window: Int) -> (x: Tensor, y: Tensor) {
    let text = Array("the cat sat on the mat and the dog sat on the log ")
    let alphabet = Set(text).sorted()
    let numbers = text.map { letter in alphabet.firstIndex(of: letter) ?? 0 }
    let starts = 0..<(numbers.count - window)
    let x = starts.map { Array(numbers[$0..<($0 + window)]) }
    let y = starts.map { Array(numbers[($0 + 1)...($0 + window)]) }
    return (Tensor(x), Tensor(y))
  }

  private func expectLearning(_ module: AnyModule, epochs: Int) throws {
    let (x, y) = Self.letters(window: 10)
    let model = Model(
      module: module, loss: SparseCategoricalCrossentropy(fromLogits: true),
      metrics: [SparseCategoricalAccuracy()], optimizer: Adam(learningRate: 0.01))
    let before = try model.evaluate(x: x, y: y)
    let history = try model.fit(x: x, y: y, batchSize: 20, epochs: epochs, verbose: .silent)
    let after = try model.evaluate(x: x, y: y)
    let (first, last) = (try #require(before["loss"]), try #require(after["loss"]))
    #expect(last < first / 2)
    #expect(try #require(after["sparse_categorical_accuracy"]) > 0.6)
    #expect(history["loss"].count == epochs)
  }

  @Test("A GRU predicts the next letter")
  func recurrent() throws {
    try expectLearning(
      Sequential(
        Embedding(inputs: 15, outputs: 8), GRU(24, returnSequences: true), Linear(15)),
      epochs: 25)
  }

  @Test("A small transformer predicts the next letter")
  func transformer() throws {
    try expectLearning(
      Sequential(
        Embedding(inputs: 15, outputs: 16), PositionEmbedding(maxLength: 10),
        TransformerEncoder(
          numLayers: 1, numHeads: 2, feedForwardDim: 32, dropout: 0, normFirst: true,
          useCausalMask: true),
        Linear(15)),
      epochs: 25)
  }

  @Test("A compiled step of an LSTM of many steps trains as one that runs operation by operation")
  func compiledAndEager() throws {
    var generator = SeededGenerator(seed: 8)
    let (x, y) = (generator.uniform([6, 12, 3]), generator.uniform([6, 2]))
    let losses = try [false, true].map { runEagerly in
      let model = Model(
        module: Sequential(
          Bidirectional(LSTM(4, returnSequences: true)), LSTM(4), Linear(2)),
        loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), runEagerly: runEagerly)
      let history = try model.fit(x: x, y: y, batchSize: 3, epochs: 3, verbose: .silent)
      return history["loss"]
    }
    for (a, b) in zip(losses[0], losses[1]) { #expect(abs(a - b) < 1e-6) }
  }
}
