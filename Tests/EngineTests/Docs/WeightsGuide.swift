import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about files of weights.
@Suite("docs/modules.md: saving and loading", .seeded)
struct WeightsGuide {
  // snippet: cnn
  final class CNN: Module {
    func call(_ x: Tensor) -> Tensor {
      var x = Conv2D(4, kernelSize: 3, padding: .same)(x)
      x = relu(BatchNormalization(epsilon: 1e-5)(x))
      x = MaxPooling2D()(x)
      x = relu(Conv2D(6, kernelSize: 3)(x))
      return Linear(3)(Flatten()(x))
    }
  }
  // end

  @Test("Files of our own")
  func save() throws {
    let images = randomUniform([2, 8, 8, 1], key: RandomKey(seed: 1))
    let path = TemporaryFolder.path("docs-cnn.safetensors")
    // snippet: save
    let cnn = try CNN().initialize(images)  // [2, 8, 8, 1]
    try cnn.saveWeights(to: path)
    let again = CNN()
    again.seed = 7  // other initial values
    try again.initialize(images)
    try again.loadWeights(from: path)
    // end
    let fresh = CNN()
    fresh.seed = 7
    try fresh.initialize(images)
    #expect(
      fresh.variables[0].value.scalars(as: Float.self)
        != cnn.variables[0].value.scalars(as: Float.self))
    expectClose(again.eval()(images), cnn.eval()(images), atol: 0, rtol: 0)
  }

  @Test("Files of PyTorch and Keras", arguments: ["torch", "keras"])
  func foreign(_ framework: String) throws {
    let fixture = try Fixture.load("imports_\(framework)", from: .module)
    let images = try fixture["images"].tensor()
    let path = TemporaryFolder.path("docs-\(framework).safetensors")
    try SafeTensors.write(
      try fixture.cases.map { ($0.name, try $0["value"].tensor()) }, metadata: [:], to: path)
    // snippet: maps
    let torch: WeightMap = [
      .torchConvolution("0", to: "conv2d"),
      .torchBatchNormalization("1", to: "batch_normalization"),
      .torchConvolution("4", to: "conv2d_1"),
      .torchLinear("7", to: "linear", flattened: [6, 2, 2]),  // [channels, height, width]
    ]
    let keras: WeightMap = [.layer("dense", to: "linear")]
    // end
    let map = framework == "torch" ? torch : keras
    // snippet: load
    let cnn = try CNN().initialize(images)
    try cnn.loadWeights(from: path, map: map)
    let predictions = cnn.eval()(images)
    // end
    expectClose(predictions, try fixture["predictions"].tensor(), atol: 1e-5, rtol: 1e-5)
  }
}
