import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about training.
@Suite("docs/modules.md: training", .seeded)
struct TrainingGuide {
  // snippet: focal
  struct FocalLoss: Loss {
    struct Inputs: Decodable { let yTrue, yPred: Tensor }
    var gamma = 2.0
    var options = LossOptions()  // reduction, weight, on, name

    func call(_ i: Inputs) -> Tensor {  // one value a sample
      let p = sum(oneHot(i.yTrue, depth: i.yPred.shape[-1]) * softmax(i.yPred), axis: -1)
      return -pow(1 - p, gamma) * log(p)
    }
  }
  // end

  // snippet: callback
  final class Enough: Callback {
    let goal: Double

    init(_ goal: Double) {
      self.goal = goal
      super.init()
    }

    override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
      guard let model = model as? Model, let loss = logs["loss"] else { return }
      logs["distance"] = loss - goal  // logged with the rest, and in the history
      if loss < goal { model.stopTraining = true }
    }
  }
  // end

  @Test("Settings of an optimizer")
  func optimizerSettings() throws {
    let net = Sequential([Linear(8), ReLU(), Linear(4)])
    // snippet: optimizer-settings
    let optimizer = AdamW(
      learningRate: LinearWarmup(
        warmupSteps: 10, then: CosineDecay(initialLearningRate: 0.03, decaySteps: 190)),
      weightDecay: 0.01, clipping: .globalNorm(1),
      options: OptimizerOptions(
        excludeFromWeightDecay: ["bias$"],
        groups: [ParameterGroup("^layers/0/", learningRateMultiplier: 0.1)],
        useEMA: true, gradientAccumulationSteps: 4))
    // end
    let x = randomUniform([64, 4], key: RandomKey(seed: 1))
    let model = Model(module: net, loss: MeanSquaredError(), optimizer: optimizer)
    try model.fit(x: x, y: x * 2, batchSize: 8, epochs: 2, verbose: .silent)
    #expect(optimizer.averages.count == 4)
    #expect(optimizer.averages.contains { $0.parameter.path.hasPrefix("layers/0/") })
  }

  @Test("A loss with a setting, a callback, a schedule, files of weights, predictions")
  func train() throws {
    let x = randomUniform([60, 4], key: RandomKey(seed: 1))
    let y = (sum(x, axis: 1) .> 2).cast(to: .int32)
    let path = TemporaryFolder.path("docs-best.safetensors")
    let net = Sequential([Linear(8), ReLU(), Linear(2)])
    // snippet: train
    let model = Model(
      module: net, loss: FocalLoss(gamma: 1.5),
      metrics: [SparseCategoricalAccuracy(name: "accuracy")],
      optimizer: Adam(learningRate: CosineDecay(initialLearningRate: 0.03, decaySteps: 200)))
    let history = try model.fit(
      x: x, y: y, batchSize: 16, epochs: 40, verbose: .silent,
      callbacks: [
        Enough(0.05), EarlyStopping(monitor: "val_loss", patience: 5),
        ModelCheckpoint(path: path, monitor: "val_accuracy", saveBestOnly: true),
      ],
      validationSplit: 0.2)
    try model.loadWeights(from: path)
    let logits: Tensor = try model.predict(x: x)
    let classes = argmax(logits, axis: -1)  // int32 [60]
    // end
    #expect(classes.shape == [60])
    #expect(history["distance"].count == history["loss"].count)
    let last = try #require(history["loss"].last)
    #expect(last < history["loss"][0])
    let best = history["val_accuracy"].max()
    let validation = try model.evaluate(x: x[48..<60], y: y[48..<60])
    #expect(abs((validation["accuracy"] ?? 0) - (best ?? -1)) < 1e-6, "what was loaded was best")
  }

  @Test("Fine-tuning")
  func tune() throws {
    let image = Input(shape: [4], name: "image")
    let features = Dense(8, activation: .relu, name: "features")(image)
    let model = Model(
      inputs: image, outputs: ["class": Dense(3)(features), "size": Dense(1)(features)],
      losses: [
        SparseCategoricalCrossentropy(fromLogits: true, on: "class"),
        MeanSquaredError(weight: 0.5, on: "size"),
      ],
      optimizer: SGD(learningRate: 0.1))
    let x = randomUniform([6, 4], key: RandomKey(seed: 2))
    let y = ["class": Tensor([0, 1, 2, 0, 1, 2]), "size": Tensor.ones([6, 1])]
    let functional = try #require(model.functional)
    let before = functional.layer("features").variables.map { $0.value.scalars(as: Float.self) }
    // snippet: tune
    // Batch normalisation in it keeps its statistics too.
    model.functional?.layer("features").freeze()
    try model.fit(x: x, y: y, verbose: .silent)
    let outputs: [String: Tensor] = try model.predict(x: x)
    // end
    #expect(outputs["class"]?.shape == [6, 3] && outputs["size"]?.shape == [6, 1])
    let after = functional.layer("features").variables.map { $0.value.scalars(as: Float.self) }
    #expect(before == after)
  }

  @Test("A table")
  func table() throws {
    let path = TemporaryFolder.path("docs-houses.csv")
    try "area,city,price\n50,Basel,100\n,Aarau,80\n70,Basel,130\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    // snippet: table
    let table = try CSV.readFrame(path)
    // float32 [rows, 2], NaN where a cell is missing
    let raw = try table.numbers(["area", "price"])
    let city = try table.categories("city")  // .indices int32 [rows], .names
    let isMissing = isNaN(raw)
    let count = sum(logicalNot(isMissing).cast(to: .float32), axis: 0)
    let numbers = select(isMissing, sum(select(isMissing, 0, raw), axis: 0) / count, raw)
    // end
    #expect(city.names == ["Aarau", "Basel"])
    #expect(numbers.scalars(as: Float.self) == [50, 100, 60, 80, 70, 130])
  }

  @Test("Decisions by value")
  func decisions() throws {
    let x = Tensor([[1.0, -2.0], [3.0, 4.0]])
    // snippet: select
    let y = select(x .> 0, x, 0.1 * x)  // for each element, compiled too
    let clipped = select(max(abs(x)) .> 3, x / max(abs(x)), x)  // both sides are computed
    // end
    expectClose(y, Tensor([[1.0, -0.2], [3.0, 4.0]]))
    expectClose(clipped, Tensor([[0.25, -0.5], [0.75, 1.0]]))
  }
}
