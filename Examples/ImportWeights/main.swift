// Weights that PyTorch or Keras made, loaded into the same architecture: the predictions are the same.
import Engine

/// The model of export.py.
final class CNN: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = Conv2D(4, kernelSize: 3, padding: .same)(x)
    x = relu(BatchNormalization(epsilon: 1e-5)(x))
    x = MaxPooling2D()(x)
    x = relu(Conv2D(6, kernelSize: 3)(x))
    x = Flatten()(x)
    return Linear(3)(x)
  }
}

/// How each framework's names become ours; what is not named here has the same name.
let maps: [String: WeightMap] = [
  "torch": [
    .torchConvolution("0", to: "conv2d"),
    .torchBatchNormalization("1", to: "batch_normalization"),
    .torchConvolution("4", to: "conv2d_1"),
    // PyTorch flattens [channels, height, width], we flatten [height, width, channels].
    .torchLinear("7", to: "linear", flattened: [6, 2, 2]),
  ],
  "keras": [.layer("dense", to: "linear")],
]

guard CommandLine.arguments.count == 3, let map = maps[CommandLine.arguments[1]] else {
  print("usage: ImportWeights torch|keras FOLDER    (the folder that export.py wrote)")
  throw EngineError.invalidArgument(message: "two arguments are needed")
}
let file = CommandLine.arguments[2] + "/" + CommandLine.arguments[1]
let (check, _) = try SafeTensors.read(file + "-check.safetensors")
guard let images = check["images"], let expected = check["predictions"] else {
  throw EngineError.file(path: file, message: "there are no images and predictions")
}

let cnn = try CNN().initialize(images)
print(try cnn.loadWeights(from: file + ".safetensors", map: map))
let predictions = cnn.eval()(images)
print(predictions)
print("largest difference:", max(abs(predictions - expected)).item())
