import Engine
import TestSupport
import Testing

private struct Misspelt: Loss {
  struct Inputs: Decodable { let yTrue, yPrd: Tensor }
  func call(_ i: Inputs) -> Tensor { square(i.yTrue - i.yPrd) }
}

private struct Reconstruction: Loss {
  struct Inputs: Decodable { let x, yPred: Tensor }
  func call(_ i: Inputs) -> Tensor { mean(square(i.x - i.yPred), axis: -1) }
}

@Suite struct ModelErrorTests {
  private func model(_ loss: some Loss = MeanSquaredError()) -> Model {
    Model(module: Linear(2), loss: loss, optimizer: SGD(learningRate: 0.1))
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try withErrors(body) } catch { return "\(error)" }
    return "no error"
  }

  private let x = Tensor.ones([4, 3])
  private let y = Tensor.ones([4, 2])

  @Test func `a loss that asks for an unknown name is found when the model is made`() {
    let text = message { _ = model(Misspelt()) }
    #expect(text.contains("yPrd") && text.contains("did you mean \"yPred\""), "\(text)")
  }

  @Test func `labels that are asked for and not given are an error before the first batch`() {
    let text = message { try model().fit(x: x, verbose: .silent) }
    #expect(text == "loss mean_squared_error asks for yTrue, but fit was given no y")
  }

  @Test func `arrays of numbers are tensors, in fit, evaluate, predict and validationData`() throws
  {
    // One step of gradient descent from the same weights gives the same loss.
    func losses(_ fit: (Model) throws -> History) throws -> [Double] {
      let model = Model(
        module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
      return try fit(model)["loss"]
    }
    let (rows, numbers) = ([[1.0, 2], [3, 4], [5, 6]], [1.0, 0, 1])
    let expected = try losses {
      try $0.fit(x: Tensor(rows), y: Tensor(numbers), epochs: 3, verbose: .silent)
    }
    #expect(expected[0] > 0)
    #expect(try losses { try $0.fit(x: rows, y: numbers, epochs: 3, verbose: .silent) } == expected)
    #expect(
      try losses { try $0.fit(x: Tensor(rows), y: [1, 0, 1], epochs: 3, verbose: .silent) }
        == expected)
    let model = model()
    let history = try model.fit(
      x: rows, y: [[1, 2], [3, 4], [5, 6]], verbose: .silent,
      validationData: ValidationData(x: rows, y: [[1.0, 2], [3, 4], [5, 6]]))
    #expect(history["val_loss"].count == 1)
    #expect(try model.evaluate(x: rows, y: rows)["loss"] == history["val_loss"][0])
    let output: Tensor = try model.predict(x: rows)
    #expect(output.shape == [3, 2])
  }

  @Test func `whole numbers and booleans are labels of classes`() throws {
    let model = Model(
      module: Linear(2), loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.1))
    let history = try model.fit(x: Tensor.zeros([2, 3]), y: [0, 1], verbose: .silent)
    // Logits 0 for two classes.
    #expect(abs(history["loss"][0] - 0.693_147_18) < 1e-6)
  }

  @Test(arguments: [1, 2, 3]) func `what holds no numbers is no y, and the error says what is`(
    what: Int
  ) {
    let text = message {
      switch what {
      case 1: try model().fit(x: x, y: ["a", "b", "a", "b"], verbose: .silent)
      case 2: try model().fit(x: x, y: [[1.0, 2], [3], [4, 5], [6, 7]], verbose: .silent)
      default: try model().fit(x: x, y: 3.0, verbose: .silent)
      }
    }
    let found = ["a list of 4", "a list of 4", "the number 3.0"][what - 1]
    #expect(
      text
        == "y of fit is \(found), without any tensor: give a Tensor, or an array of numbers, or of "
        + "arrays of numbers of one length, with one row a sample")
  }

  @Test func `validationSplit holds out what its decimals say`() throws {
    for (fraction, held) in [(0.1, 1), (0.3, 3), (0.7, 7), (0.8, 8), (0.9, 9)] {
      // Predictions are 0 and labels count up, so the loss of the last ones tells how many they are.
      let y = Tensor((0..<10).map { Double($0 * $0) }).expandDims(axis: 1)
      let module = Linear(1, kernelInitializer: Zeros())
      let history = try Model(
        module: module, loss: MeanAbsoluteError(), optimizer: SGD(learningRate: 0)
      ).fit(x: Tensor.zeros([10, 2]), y: y, verbose: .silent, validationSplit: fraction)
      let last = (10 - held..<10).reduce(0.0) { $0 + Double($1 * $1) } / Double(held)
      let loss = try #require(history["val_loss"].last)
      #expect(abs(loss - last) < 1e-5 * last)
    }
  }

  @Test func `a loss that does not ask for labels needs none`() throws {
    let history = try Model(
      module: Linear(3), loss: Reconstruction(), optimizer: SGD(learningRate: 0.1)
    ).fit(x: x, epochs: 30, verbose: .silent)
    #expect((history["loss"].last ?? 1) < 0.01)
  }

  @Test func `different numbers of samples are an error that says how many`() {
    let text = message { try model().fit(x: x, y: y[0..<3], verbose: .silent) }
    #expect(text.contains("x: 4; y: 3"), "\(text)")
  }

  @Test func `a batch larger than the data is an error`() {
    let text = message { try model().fit(x: x, y: y, batchSize: 5, verbose: .silent) }
    #expect(text.contains("batchSize 5 is larger than the data: there are 4 samples"), "\(text)")
  }

  @Test func `a module that does not fit the data is named`() {
    let module = Sequential(Linear(5), Conv2D(2, kernelSize: 3))
    let text = message {
      try Model(module: module, loss: MeanSquaredError(), optimizer: SGD()).fit(
        x: x, y: y, verbose: .silent)
    }
    #expect(
      text.contains("layers/1") && text.contains("[batch, height, width, channels]"), "\(text)")
  }

  @Test func `training without an optimizer or a loss says what is missing`() {
    #expect(
      message {
        try Model(module: Linear(2), loss: MeanSquaredError()).fit(x: x, y: y, verbose: .silent)
      }.contains("optimizer: Adam()"))
    #expect(
      message {
        try Model(module: Linear(2), optimizer: SGD()).fit(x: x, y: y, verbose: .silent)
      }.contains("no loss"))
  }

  @Test func `a class without a weight is named`() {
    let labels = Tensor([0, 1, 2, 1])
    let text = message {
      try Model(
        module: Linear(3), loss: SparseCategoricalCrossentropy(fromLogits: true), optimizer: SGD()
      ).fit(x: x, y: labels, verbose: .silent, classWeight: [0: 1, 1: 2])
    }
    #expect(text.contains("no weight for class 2 (sample 2)"), "\(text)")
  }

  @Test func `weights of another model are refused and change nothing`() throws {
    let path = TemporaryFolder.path("model-errors.safetensors")
    let wide = Model(module: Linear(3), loss: MeanSquaredError(), optimizer: SGD())
    let _: Tensor = try wide.predict(x: x)
    try wide.saveWeights(to: path)
    let narrow = model()
    let _: Tensor = try narrow.predict(x: x)
    let before = narrow.weightsSHA256
    let text = message { try narrow.loadWeights(from: path) }
    #expect(text.contains("2 of another shape: kernel is [3, 2], not [3, 3]"), "\(text)")
    #expect(narrow.weightsSHA256 == before)
  }

  @Test func `weights come back from a file`() throws {
    let path = TemporaryFolder.path("round-trip.safetensors")
    let first = Model(
      module: Sequential(Linear(4), BatchNormalization(), Linear(2)), loss: MeanSquaredError(),
      optimizer: Adam(), seed: 1)
    try first.fit(x: x, y: y, epochs: 2, verbose: .silent)
    try first.saveWeights(to: path)
    let second = Model(
      module: Sequential(Linear(4), BatchNormalization(), Linear(2)), loss: MeanSquaredError(),
      seed: 2)
    let _: Tensor = try second.predict(x: x)
    #expect(second.weightsSHA256 != first.weightsSHA256)
    try second.loadWeights(from: path)
    #expect(second.weightsSHA256 == first.weightsSHA256)
    let (a, b): (Tensor, Tensor) = (try first.predict(x: x), try second.predict(x: x))
    expectClose(a, b, atol: 0, rtol: 0)
  }
}
