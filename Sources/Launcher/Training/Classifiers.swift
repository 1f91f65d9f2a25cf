import Engine

/// Two hidden layers of 128 and 64 units: for tables, and for images taken as rows of pixels.
final class MLPClassifier: Module {
  private let scaling: InputScaling
  private let classes: Int

  init(_ rule: InputScaling.Rule, classes: Int) {
    scaling = InputScaling(rule)
    self.classes = classes
    super.init(name: "mlp")
  }

  /// `[batch, ...]` to logits `[batch, classes]`.
  func call(_ x: Tensor) -> Tensor {
    var x = Flatten()(scaling(x))
    for units in [128, 64] { x = Linear(units, activation: .relu)(x) }
    return Linear(classes)(x)
  }
}

/// Convolutions of 3x3 with pooling in between, then a hidden layer: for images.
///
/// Large images are halved until a side has fewer than 12 pixels, by a convolution without padding and
/// a pooling each time (28x28: 13x13, 5x5). Small ones (8x8) have no border to lose: two convolutions
/// with padding, one pooling, and dropout, since data sets of small images are small.
final class CNNClassifier: Module {
  private let scaling: InputScaling
  private let classes: Int

  /// The side from which an image is large.
  private static let largeSide = 12

  init(_ rule: InputScaling.Rule, classes: Int) {
    scaling = InputScaling(rule)
    self.classes = classes
    super.init(name: "cnn")
  }

  /// `[batch, height, width]` or `[batch, height, width, channels]` to logits `[batch, classes]`.
  func call(_ x: Tensor) -> Tensor {
    var x = scaling(x.rank == 3 ? x.expandDims(axis: -1) : x)
    if side(of: x) < Self.largeSide {
      for filters in [32, 64] {
        x = Conv2D(filters, kernelSize: 3, padding: .same, activation: .relu)(x)
      }
      x = MaxPooling2D(padding: .same)(x)
      x = Dropout(0.25)(x)
    } else {
      var filters = 32
      while side(of: x) >= Self.largeSide {
        x = Conv2D(filters, kernelSize: 3, activation: .relu)(x)
        x = MaxPooling2D()(x)
        filters = 64
      }
    }
    x = Linear(128, activation: .relu)(Flatten()(x))
    return Linear(classes)(Dropout(0.25)(x))
  }

  private func side(of x: Tensor) -> Int { min(x.shape[1], x.shape[2]) }
}
