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

  @Test func `weights come back from a checkpoint`() throws {
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
