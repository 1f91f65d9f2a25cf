import Engine
import TestSupport
import Testing

private final class CNN: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = Conv2D(4, kernelSize: 3, padding: .same)(x)
    x = relu(BatchNormalization(epsilon: 1e-5)(x))
    x = MaxPooling2D()(x)
    x = relu(Conv2D(6, kernelSize: 3)(x))
    return Linear(3)(Flatten()(x))
  }
}

@Suite("Weights of other frameworks")
struct ImportTests {
  private static let maps: [String: WeightMap] = [
    "torch": [
      .torchConvolution("0", to: "conv2d"),
      .torchBatchNormalization("1", to: "batch_normalization"),
      .torchConvolution("4", to: "conv2d_1"),
      .torchLinear("7", to: "linear", flattened: [6, 2, 2]),
    ],
    "keras": [.layer("dense", to: "linear")],
  ]

  /// The file that the framework would have written.
  private func write(_ fixture: Fixture, _ name: String) throws -> String {
    let path = TemporaryFolder.path("\(name).safetensors")
    try SafeTensors.write(
      try fixture.cases.map { ($0.name, try $0["value"].tensor()) }, metadata: [:], to: path)
    return path
  }

  @Test("The same architecture gives the same predictions", arguments: ["torch", "keras"])
  func predictions(_ framework: String) throws {
    let fixture = try Fixture.load("imports_\(framework)", from: .module)
    let path = try write(fixture, framework)
    let map = try #require(Self.maps[framework])
    let images = try fixture["images"].tensor()
    let cnn = try CNN().initialize(images)
    let report = try cnn.loadWeights(from: path, map: map)
    #expect(report.isComplete && report.transferred.count == 10)
    expectClose(
      cnn.eval()(images), try fixture["predictions"].tensor(), atol: 1e-5, rtol: 1e-5)
    let model = Model(module: CNN(), loss: MeanSquaredError())
    let _: Tensor = try model.predict(x: images)
    try model.loadWeights(from: path, map: map)
    let predictions: Tensor = try model.predict(x: images)
    expectClose(predictions, try fixture["predictions"].tensor(), atol: 1e-5, rtol: 1e-5)
  }

  @Test("What does not fit is listed, and nothing is changed; or what fits is taken")
  func incomplete() throws {
    let fixture = try Fixture.load("imports_torch", from: .module)
    let path = try write(fixture, "incomplete")
    let cnn = try CNN().initialize(try fixture["images"].tensor())
    let before = cnn.parameters()
    let map: WeightMap = [
      .torchConvolution("0", to: "conv2d"), .torchLinear("7", to: "linear"),
      .ignore("1.num_batches_tracked"),
    ]
    var message = ""
    do { try cnn.loadWeights(from: path, map: map) } catch { message = "\(error)" }
    #expect(message.contains("the file does not fit CNN: 4 transferred"))
    #expect(message.contains("not in the module: 0.weight") == false, "\(message)")
    for name in ["1.weight", "1.running_var", "4.bias"] { #expect(message.contains(name)) }
    for name in before.paths {
      expectClose(try #require(cnn.filter()[name]), try #require(before[name]), atol: 0, rtol: 0)
    }
    let report = try cnn.loadWeights(from: path, map: map, isStrict: false)
    #expect(report.transferred.map(\.target).contains("conv2d/kernel"))
    #expect(
      report.missing == [
        "batch_normalization/gamma", "batch_normalization/beta",
        "batch_normalization/moving_mean", "batch_normalization/moving_variance",
        "conv2d_1/kernel", "conv2d_1/bias",
      ])
    #expect(throws: EngineError.self) { try CNN().loadWeights(from: path) }
    let twice: WeightMap = [
      .torchConvolution("0", to: "conv2d"), .torchConvolution("4", to: "conv2d"),
    ]
    #expect(throws: EngineError.self) { try cnn.loadWeights(from: path, map: twice) }
  }

  @Test("A module's variables come back by path")
  func roundTrip() throws {
    let path = TemporaryFolder.path("module.safetensors")
    let x = Tensor.ones([1, 8, 8, 1])
    let cnn = CNN()
    _ = cnn(x)
    try cnn.saveWeights(to: path)
    let other = try CNN().initialize(x)
    other.merge(other.parameters().map { 0 * $0 })
    try other.loadWeights(from: path)
    expectClose(other.eval()(x), cnn.eval()(x), atol: 0, rtol: 0)
  }
}
