import Engine
import TestSupport
import Testing

@Suite("Losses of pairs and triplets of embeddings")
struct TripletTests {
  private static func cases(_ kinds: String...) throws -> [FixtureCase] {
    try Fixture.load("triplets", from: .module).cases.filter {
      kinds.contains(try $0["kind"].string())
    }
  }

  /// Tolerances of both types.
  private let types: [(DType, Double)] = [(.float64, 1e-9), (.float32, 2e-5)]

  @Test("Triplets of three outputs agree with PyTorch", arguments: try cases("margin"))
  func margin(_ example: FixtureCase) throws {
    let names = ["anchor", "positive", "negative"]
    for (dtype, tolerance) in types {
      func loss(_ reduction: Reduction) throws -> TripletMargin {
        TripletMargin(
          margin: try example.number("margin") ?? 1, p: try example.number("p") ?? 2,
          swap: try example.flag("swap"), reduction: reduction)
      }
      let x = try names.map { try example["inputs"][$0].tensor(dtype) }
      let (each, mean) = (try loss(.none), try loss(.auto))
      let values = try each(yPred: x)
      expectClose(values, try example["losses"].tensor(dtype), atol: tolerance, rtol: tolerance)
      let gradients = try grad { (x: [Tensor]) in try mean(yPred: x) }(x)
      for (name, gradient) in zip(names, gradients) {
        expectClose(
          gradient, try example["gradients"][name].tensor(dtype), atol: tolerance, rtol: tolerance,
          name)
      }
      let named = ["negative": x[2], "anchor": x[0], "positive": x[1]]
      expectClose(try each(yPred: named), values, atol: 0, rtol: 0)
    }
  }

  @Test("Distances of pairs follow the formula", arguments: try cases("contrastive"))
  func contrastive(_ example: FixtureCase) throws {
    for (dtype, tolerance) in types {
      let margin = try example.number("margin") ?? 1
      let (labels, distances) = (
        try example["labels"].tensor(), try example["inputs"]["distance"].tensor(dtype)
      )
      let values = try Contrastive(margin: margin, reduction: .none)(
        yTrue: labels, yPred: distances)
      expectClose(values, try example["losses"].tensor(dtype), atol: tolerance, rtol: tolerance)
      let mean = Contrastive(margin: margin)
      let gradient = try grad { (x: Tensor) in try mean(yTrue: labels, yPred: x) }(distances)
      expectClose(
        gradient, try example["gradients"]["distance"].tensor(dtype), atol: tolerance,
        rtol: tolerance)
      // A model whose output is a column.
      let column = try Contrastive(margin: margin, reduction: .none)(
        yTrue: labels, yPred: expandDims(distances, axis: -1))
      expectClose(column, values, atol: 0, rtol: 0)
    }
  }

  private func loss(_ example: FixtureCase, _ reduction: Reduction) throws -> any Loss {
    let margin = try example.number("margin") ?? 1
    let name = try example.argument("distance")?.string() ?? "euclidean"
    let distance = try #require(EmbeddingDistance(rawValue: name))
    if try example["kind"].string() == "semi-hard" {
      return TripletSemiHard(margin: margin, distance: distance, reduction: reduction)
    }
    return TripletHard(
      margin: margin, soft: try example.flag("soft"), distance: distance, reduction: reduction)
  }

  @Test("Triplets of a batch are those found one by one", arguments: try cases("semi-hard", "hard"))
  func batches(_ example: FixtureCase) throws {
    for (dtype, tolerance) in types {
      let (labels, embeddings) = (
        try example["labels"].tensor(), try example["inputs"]["embeddings"].tensor(dtype)
      )
      let mean = try loss(example, .auto)
      expectClose(
        try mean(yTrue: labels, yPred: embeddings),
        Tensor(try example["mean"].double(), dtype: dtype), atol: tolerance, rtol: tolerance)
      let gradient = try grad { (x: Tensor) in try mean(yTrue: labels, yPred: x) }(embeddings)
      expectClose(
        gradient, try example["gradients"]["embeddings"].tensor(dtype), atol: tolerance,
        rtol: tolerance)
      // An anchor's value is the sum over its positives, of semi-hard ones so that their mean is that over pairs.
      let isSemiHard = try example["kind"].string() == "semi-hard"
      let pairs = try example["pairs"].double()
      let factor = isSemiHard ? Double(labels.shape[0]) / pairs : 1
      let each = try loss(example, .none)
      expectClose(
        try each(yTrue: expandDims(labels, axis: -1), yPred: embeddings),
        try example["losses"].tensor(dtype) * factor, atol: tolerance, rtol: tolerance)
    }
  }

  @Test("A weight is that of an anchor, and the mean is over anchors with a triplet")
  func weights() throws {
    let embeddings = Tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]])
    let labels = Tensor([0, 0, 1, 2])
    let weights = Tensor([2.0, 0, 5, 5])
    // d(0, 1) = √2; the nearest of another class has the distance 1 from both.
    let value = 2.0.squareRoot() - 1 + 1
    let hard = TripletHard()
    expectClose(
      try hard(yTrue: labels, yPred: embeddings, sampleWeight: weights), Tensor(2 * value / 2))
    expectClose(try hard(yTrue: labels, yPred: embeddings), Tensor(value))
    // The semi-hard negative would be further than √2: there is none, so it is the furthest, at the distance 1.
    let semi = TripletSemiHard()
    expectClose(
      try semi(yTrue: labels, yPred: embeddings, sampleWeight: weights), Tensor(2 * value / 2))
  }

  @Test("Batches without triplets give 0, and no gradient", arguments: [[1, 1, 1], [0, 1, 2]])
  func without(_ labels: [Int]) throws {
    let embeddings = Tensor([[1.0, 0], [0, 1], [1, 1]])
    for loss: any Loss in [TripletHard(), TripletSemiHard(), Circle()] {
      let (value, gradient) = try valueAndGrad { (x: Tensor) in
        try loss(yTrue: Tensor(labels), yPred: x)
      }(embeddings)
      #expect(value.item() == 0)
      expectClose(gradient, Tensor.zeros([3, 2]), atol: 0)
    }
  }

  @Test("Anchors of a circle loss may be compared with others than themselves")
  func references() throws {
    let x = normalize(Tensor([[1.0, 0.2], [0.1, 1], [0.7, 0.6], [-0.4, 0.9]]))
    let labels = Tensor([0, 1, 0, 1])
    let all = circle(labels, x, removeDiagonal: false, gamma: 4)
    let some = circle(
      labels[0..<2], x[0..<2], refLabels: labels, refEmbeddings: x, removeDiagonal: false, gamma: 4)
    expectClose(some, all[0..<2])
  }

  @Test("Shapes that do not fit are an error that names them")
  func shapes() {
    let x = Tensor.zeros([3, 2])
    expectError("found [2] and [3, 2]") { _ = try TripletHard()(yTrue: Tensor([0, 1]), yPred: x) }
    expectError("found [3, 2] and [3, 2]") { _ = try TripletSemiHard()(yTrue: x, yPred: x) }
    expectError("found [3, 2] and [3, 2]") { _ = try Circle()(yTrue: x, yPred: x) }
    expectError("found [3, 2], [3, 2] and [3, 1]") {
      _ = try TripletMargin()(yPred: [x, x, Tensor.zeros([3, 1])])
    }
  }

  /// One embedding of three inputs.
  private final class Siamese: Module {
    func call(_ x: [Tensor]) -> [Tensor] {
      let embedding = Linear(2)
      return x.map { embedding($0) }
    }
  }

  @Test("Three outputs train without labels, and embeddings with theirs")
  func training() throws {
    var draw = SeededGenerator(seed: 2)
    // Three places, a tenth apart.
    let x = (0..<3).map { place in
      (Tensor.ones([12, 3]) * Double(4 * place) + draw.uniform([12, 3], dtype: .float32)) * 0.025
    }
    let siamese = Model(
      module: Siamese(), loss: TripletMargin(), optimizer: Adam(learningRate: 0.1), seed: 1)
    let history = try siamese.fit(x: x, batchSize: 4, epochs: 20, verbose: .silent)
    #expect(history["loss"][19] < 0.5 * history["loss"][0])
    let model = Model(
      module: Linear(2),
      losses: [TripletSemiHard(), TripletHard(), Circle(gamma: 4, weight: 0.01)],
      optimizer: Adam(learningRate: 0.1), seed: 1)
    let rows = concatenate(x, axis: 0)
    let classes = Tensor((0..<36).map { $0 / 12 })
    let second = try model.fit(x: rows, y: classes, batchSize: 18, epochs: 20, verbose: .silent)
    #expect(second["loss"][19] < 0.5 * second["loss"][0])
  }
}
