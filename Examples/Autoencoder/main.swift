// A network that gives back the image it was given, through a code of eight numbers. Alone: `Autoencoder`; on two ranks:
// `mpirun -n 2 Autoencoder`.
import Dist
import Engine
import Foundation

/// From an image `[8, 8]` to its code.
final class Encoder: Module {
  let codeLength = 8

  func call(_ image: Tensor) -> Tensor {
    let x = Linear(64, activation: .relu)(Flatten()(image))
    return Linear(codeLength)(x)
  }
}

/// From a code to an image, whose pixels lie between 0 and 1.
final class Decoder: Module {
  func call(_ code: Tensor) -> Tensor {
    let x = Linear(64, activation: .relu)(code)
    return Reshape([8, 8])(Linear(64, activation: .sigmoid)(x))
  }
}

final class Autoencoder: Module {
  let encoder = Encoder()
  let decoder = Decoder()

  func call(_ image: Tensor) -> Tensor { decoder(encoder(image)) }
}

/// Asks for the input in the place of labels: `fit` needs no `y`.
struct ReconstructionError: Loss {
  struct Inputs: Decodable {
    let x, yPred: Tensor
  }

  func call(_ i: Inputs) -> Tensor { mean(square(i.x - i.yPred), axes: [1, 2]) }
}

/// Images `[count, 8, 8]` side by side, a character for each pixel.
func drawing(_ images: Tensor) -> String {
  let shades = Array(" .:-=+*#%@")
  let pixels = images.transpose([1, 0, 2]).reshape([8, -1])
  return (0..<8).map { row in
    String(pixels[row].scalars(as: Float.self).map { shades[min(Int($0 * 10), 9)] })
  }.joined(separator: "\n")
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let isTiny = CommandLine.arguments.contains("--tiny")  // as the tests run it
  let images = try Digits.load().images / 16
  let (training, test) = (images[..<1437], images[1437...])

  let autoencoder = Autoencoder()
  let model = Model(
    module: autoencoder, loss: ReconstructionError(), optimizer: Adam(learningRate: 2e-3))
  try model.fit(
    x: training, batchSize: 32, epochs: isTiny ? 6 : 100,
    validationData: try ValidationData(x: test))

  // What a network would give that knows nothing of the image.
  let blind = mean(square(test - mean(training, axis: 0))).item()
  let error = try model.evaluate(x: test)["loss"] ?? .nan
  // The parts are modules too: the decoder makes images of codes that the encoder has given, or of any others.
  let codes = autoencoder.encoder(test[..<8])
  if model.isChief {
    print(drawing(test[..<8]), drawing(autoencoder.decoder(codes)), separator: "\n\n")
    print(String(format: "mean squared error: %.4f, of the mean image: %.4f", error, blind))
  }
}
