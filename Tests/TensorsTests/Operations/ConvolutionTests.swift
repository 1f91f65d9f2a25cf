import Tensors
import TensorsTestSupport
import Testing

@Suite("Windows over images")
struct ConvolutionTests {
  @Test("A convolution has the values of the definition")
  func values() {
    let x = Tensor.arange(from: 0, to: 9).reshape([1, 3, 3, 1])
    let k = Tensor([1.0, 2, 3, 4], shape: [2, 2, 1, 1])
    let y = conv(x, k)
    #expect(y.shape == [1, 2, 2, 1])
    // 0·1 + 1·2 + 3·3 + 4·4 and so on.
    expectClose(y, [27, 37, 57, 67])
  }

  struct Geometry: Sendable {
    var image: Shape
    var kernel: Shape
    var strides = [1, 1]
    var padding = Padding.valid
    var dilations = [1, 1]
    var output: Shape
  }

  @Test(
    "Strides, padding and dilations agree with six loops, over several tiles and images",
    arguments: [
      Geometry(image: [2, 5, 6, 3], kernel: [3, 2, 3, 4], output: [2, 3, 5, 4]),
      Geometry(
        image: [2, 5, 6, 3], kernel: [3, 3, 3, 2], strides: [2, 2], padding: .same,
        output: [2, 3, 3, 2]),
      Geometry(
        image: [1, 6, 6, 1], kernel: [2, 2, 1, 2], strides: [1, 2], dilations: [3, 2],
        output: [1, 3, 2, 2]),
      Geometry(
        image: [1, 3, 3, 2], kernel: [3, 3, 2, 2],
        padding: .explicit(before: [2, 0], after: [1, 3]), output: [1, 4, 4, 2]),
      Geometry(image: [3, 4, 4, 5], kernel: [1, 1, 5, 2], output: [3, 4, 4, 2]),
      Geometry(
        image: [3, 4, 5, 2], kernel: [1, 1, 2, 2], strides: [2, 2], padding: .same,
        output: [3, 2, 3, 2]),
      Geometry(
        image: [3, 30, 30, 16], kernel: [3, 3, 16, 2], padding: .same, output: [3, 30, 30, 2]),
    ])
  func geometry(_ g: Geometry) {
    var generator = SeededGenerator(seed: 11)
    let x = generator.uniform(g.image, dtype: .float32)
    let k = generator.uniform(g.kernel, dtype: .float32)
    let y = conv(
      x, k, strides: SpatialSize(g.strides), padding: g.padding,
      dilations: SpatialSize(g.dilations))
    #expect(y.shape == g.output)
    expectClose(y, reference(x, k, g), atol: 1e-5)
  }

  private func reference(_ x: Tensor, _ k: Tensor, _ g: Geometry) -> Tensor {
    var (top, left) = (0, 0)
    switch g.padding {
    case .valid, .causal: break
    case .explicit(let before, _): (top, left) = (before[0], before[1])
    case .same:
      func total(_ axis: Int) -> Int {
        let span = (g.kernel[axis] - 1) * g.dilations[axis] + 1
        return max((g.output[axis + 1] - 1) * g.strides[axis] + span - g.image[axis + 1], 0)
      }
      (top, left) = (total(0) / 2, total(1) / 2)
    }
    let (images, weights) = (x.scalars(as: Double.self), k.scalars(as: Double.self))
    let (h, w, c, f) = (g.image[1], g.image[2], g.image[3], g.kernel[3])
    var result: [Double] = []
    for n in 0..<g.output[0] {
      for i in 0..<g.output[1] {
        for j in 0..<g.output[2] {
          for filter in 0..<f {
            var total = 0.0
            for a in 0..<g.kernel[0] {
              for b in 0..<g.kernel[1] {
                let row = i * g.strides[0] - top + a * g.dilations[0]
                let column = j * g.strides[1] - left + b * g.dilations[1]
                guard (0..<h).contains(row), (0..<w).contains(column) else { continue }
                for channel in 0..<c {
                  total +=
                    images[((n * h + row) * w + column) * c + channel]
                    * weights[((a * g.kernel[1] + b) * c + channel) * f + filter]
                }
              }
            }
            result.append(total)
          }
        }
      }
    }
    return Tensor(result, shape: g.output)
  }

  @Test("Pooling takes the largest or the mean of each window; padding does not count")
  func pools() {
    let x = Tensor.arange(from: 1, to: 10).reshape([1, 3, 3, 1])
    expectClose(maxPool(x), [5])
    expectClose(averagePool(x), [3])
    expectClose(maxPool(x, strides: 1), [5, 6, 8, 9])
    expectClose(maxPool(-x, padding: .same), [-1, -3, -7, -9])
    expectClose(averagePool(x, padding: .same), [3, 4.5, 7.5, 9])
    #expect(maxPool(x, size: [3, 1]).shape == [1, 1, 3, 1])
  }

  @Test("The winner of a window gets its whole gradient")
  func poolGradient() throws {
    let x = Tensor([1.0, 4, 4, 2], shape: [1, 2, 2, 1])
    expectClose(try grad { (x: Tensor) in sum(maxPool(x)) }(x), [0, 1, 0, 0])
  }

  @Test("Images and kernels that do not fit are named, with what would be right")
  func errors() {
    #expect(
      throws: EngineError.shape(
        operation: "conv2D",
        message: """
          cannot convolve images [1, 8, 8, 3] with kernel [3, 3, 4, 8]: channels of the images (3) \
          must equal channels of the kernel (4)
          """)
    ) { try withErrors { conv(Tensor.zeros([1, 8, 8, 3]), Tensor.zeros([3, 3, 4, 8])) } }
    #expect(
      throws: EngineError.shape(
        operation: "conv2D",
        message: """
          a window of [3, 3] with dilations [1, 1] spans 3 elements of axis 1, more than the 2 of an \
          image [2, 8] with padding [0, 0] before and [0, 0] after
          """)
    ) { try withErrors { conv(Tensor.zeros([1, 2, 8, 1]), Tensor.zeros([3, 3, 1, 1])) } }
    #expect(
      throws: EngineError.shape(
        operation: "maxPool",
        message: """
          images must have shape [batch, spatial axes..., channels] with one to three spatial axes, \
          got [8, 8]
          """)
    ) { try withErrors { maxPool(Tensor.zeros([8, 8])) } }
  }
}
