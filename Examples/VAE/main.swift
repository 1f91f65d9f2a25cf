// A variational autoencoder: it draws digits that nobody has written. Alone: `VAE`; on two ranks: `mpirun -n 2 VAE`.
//
// Kingma, Welling, *Auto-Encoding Variational Bayes* (2013).
import Dist
import Engine
import Foundation

let codeLength = 6

/// From an image to the normal distribution of its codes.
final class Encoder: Module {
  struct Output: Codable {
    let mean, logVariance: Tensor
  }

  func call(_ image: Tensor) -> Output {
    let x = Linear(128, activation: .relu)(Flatten()(image))
    return Output(mean: Linear(codeLength)(x), logVariance: Linear(codeLength)(x))
  }
}

/// From a code to the logits of pixels.
final class Decoder: Module {
  func call(_ code: Tensor) -> Tensor {
    let x = Linear(128, activation: .relu)(code)
    return Reshape([8, 8])(Linear(64)(x))
  }
}

final class VAE: Module {
  let encoder = Encoder()
  let decoder = Decoder()

  func call(_ image: Tensor) -> Tensor {
    let code = encoder(image)
    // How far the codes of an image are from what `generate` draws, in nats: appendix B of the paper.
    let divergence = exp(code.logVariance) + square(code.mean) - 1 - code.logVariance
    addLoss("divergence", mean(0.5 * sum(divergence, axis: -1)))
    let noise = randomNormal(code.mean.shape, key: nextKey())
    return decoder(code.mean + exp(0.5 * code.logVariance) * noise)
  }

  func generate(_ count: Int, key: RandomKey) -> Tensor {
    sigmoid(decoder(randomNormal([count, codeLength], key: key)))
  }
}

/// The negative logarithm of an image's probability, each pixel being white or black: `Σ log(1 + e^l) − x l`.
struct PixelEntropy: Loss {
  struct Inputs: Decodable {
    let x, yPred: Tensor
  }

  func call(_ i: Inputs) -> Tensor { sum(softplus(i.yPred) - i.x * i.yPred, axes: [1, 2]) }
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

  let vae = VAE()
  let model = Model(module: vae, loss: PixelEntropy(), optimizer: Adam(learningRate: 2e-3))
  try model.fit(
    x: training, batchSize: 32, epochs: isTiny ? 8 : 100,
    validationData: try ValidationData(x: test))

  // What the images take when each pixel has a probability of its own, whatever the others are.
  let p = clip(mean(training, axis: 0), min: 1e-3, max: 1 - 1e-3)
  let alone = -mean(sum(test * log(p) + (1 - test) * log(1 - p), axes: [1, 2])).item()
  let loss = try model.evaluate(x: test)["loss"] ?? .nan
  if model.isChief {
    print(drawing(vae.generate(10, key: RandomKey(seed: 1))))
    print(String(format: "nats for an image: %.2f, pixel by pixel: %.2f", loss, alone))
  }
}
