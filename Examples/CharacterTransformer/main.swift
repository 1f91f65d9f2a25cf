// A small transformer learns to write, character by character, from sentences of a grammar whose entropy is known. Alone:
// `CharacterTransformer`; on two ranks: `mpirun -n 2 CharacterTransformer`.
import Dist
import Engine
import Foundation

/// A sentence takes one of each, all equally likely.
let grammar = [
  ["the ", "a "], ["old ", "small ", "green ", "quiet "], ["ship ", "king ", "bird ", "town "],
  ["sees ", "finds ", "loves ", "leaves "], ["the ", "a "],
  ["river", "garden", "mountain", "harbour"], [". ", " at dawn. ", " by night. ", " in spring. "],
]

func sentences(_ count: Int, seed: UInt64) -> String {
  let draws = randomUniform([count, grammar.count], key: RandomKey(seed: seed))
  let choices = draws * Tensor(grammar.map { Double($0.count) })
  return (0..<count).map { row in
    zip(grammar, choices[row].scalars(as: Float.self)).map { $0[Int($1)] }.joined()
  }.joined()
}

/// Gives logits `[batch, time, characters]` of each character's successor.
final class Writer: Module {
  let characters, window, features, layers: Int

  init(characters: Int, window: Int, features: Int, layers: Int) {
    (self.characters, self.window) = (characters, window)
    (self.features, self.layers) = (features, layers)
    super.init()
  }

  func call(_ text: Tensor) -> Tensor {
    var x = Embedding(inputs: characters, outputs: features)(text)
    x = PositionEmbedding(maxLength: window)(x)
    x = TransformerEncoder(
      numLayers: layers, numHeads: 4, feedForwardDim: 4 * features, normFirst: true,
      useCausalMask: true)(x)
    return Linear(characters)(x)
  }
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let isTiny = CommandLine.arguments.contains("--tiny")  // as the tests run it
  let window = isTiny ? 24 : 48
  let (training, test) = (sentences(isTiny ? 300 : 3000, seed: 1), sentences(300, seed: 2))
  let alphabet = Set(training).sorted()
  func codes(_ text: some StringProtocol) -> [Int] {
    text.map { alphabet.firstIndex(of: $0) ?? 0 }
  }
  /// The text in pieces, and the character that follows each of theirs.
  func pieces(_ text: String) -> (x: Tensor, y: Tensor) {
    let codes = codes(text)
    let count = (codes.count - 1) / window
    func rows(from start: Int) -> Tensor {
      Tensor(Array(codes[start..<start + count * window]), shape: [count, window])
    }
    return (rows(from: 0), rows(from: 1))
  }

  let writer = Writer(
    characters: alphabet.count, window: window, features: isTiny ? 32 : 64, layers: isTiny ? 1 : 2)
  let model = Model(
    module: writer, loss: SparseCategoricalCrossentropy(fromLogits: true),
    optimizer: AdamW(learningRate: isTiny ? 1e-2 : 2e-3))
  let (data, unseen) = (pieces(training), pieces(test))
  try model.fit(
    x: data.x, y: data.y, batchSize: 32, epochs: isTiny ? 5 : 8,
    validationData: try ValidationData(x: unseen.x, y: unseen.y))

  let loss = try model.evaluate(x: unseen.x, y: unseen.y)["loss"] ?? .nan
  guard model.isChief else { return }
  writer.eval()
  // Gumbel's trick: the largest of logits with this noise is a draw from their softmax.
  let next = jit { (text: Tensor, key: RandomKey) in
    let logits = writer(text)[0, -1]
    return argmax(logits - log(-log(randomUniform(logits.shape, key: key))))
  }
  var text = codes(test.prefix(window))
  for step in 0..<200 {
    let last = Tensor(Array(text.suffix(window)), shape: [1, window])
    text.append(try next(last, RandomKey(seed: 3, stream: UInt64(step))).item(as: Int.self))
  }
  print(String(text.dropFirst(window).map { alphabet[$0] }))
  // No model can do better than the grammar itself, for which most characters are no surprise.
  let length = grammar.map { Double($0.joined().count) / Double($0.count) }.reduce(0, +)
  let entropy = grammar.map { Foundation.log(Double($0.count)) }.reduce(0, +) / length
  print(String(format: "nats for a character: %.3f, the grammar's: %.3f", loss, entropy))
}
