import Engine

/// He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition* (2015), as a functional model.
enum ResNet50 {
  /// With stochastic gradient descent with momentum, for images of `imageSize` x `imageSize` and 1,000 classes.
  static func makeModel(imageSize: Int) -> Model {
    let image = Input(shape: [imageSize, imageSize, 3])
    return Model(
      inputs: image, outputs: outputs(image), loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.1, momentum: 0.9))
  }

  private static func outputs(_ image: KerasTensor) -> KerasTensor {
    func convolution(
      _ x: KerasTensor, _ filters: Int, _ size: SpatialSize, strides: SpatialSize = 1
    ) -> KerasTensor {
      let y = Conv2D(
        filters, kernelSize: size, strides: strides, padding: .same, useBias: false)(x)
      return BatchNormalization()(y)
    }
    func block(_ x: KerasTensor, _ filters: Int, strides: SpatialSize, widens: Bool) -> KerasTensor
    {
      let shortcut = widens ? convolution(x, 4 * filters, 1, strides: strides) : x
      let y = relu(convolution(relu(convolution(x, filters, 1, strides: strides)), filters, 3))
      return relu(convolution(y, 4 * filters, 1) + shortcut)
    }
    var x = MaxPooling2D(3, strides: 2, padding: .same)(relu(convolution(image, 64, 7, strides: 2)))
    for (stage, count) in [3, 4, 6, 3].enumerated() {
      for index in 0..<count {
        let strides: SpatialSize = stage > 0 && index == 0 ? 2 : 1
        x = block(x, 64 << stage, strides: strides, widens: index == 0)
      }
    }
    return Linear(1000)(GlobalAveragePooling2D()(x))
  }
}
