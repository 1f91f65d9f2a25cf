import Tensors

/// Shifts and scales each channel to mean 0 and variance 1 over the batch, then to a learned mean and deviation.
///
/// Input and output `[batch, ..., channels]`. While training `y = gamma · (x − mean) / √(variance + epsilon) + beta` with
/// the mean and (biased) variance of the batch, and the moving statistics go towards these:
/// `moving = momentum · moving + (1 − momentum) · batch`. Otherwise, and for a batch without rows, the moving statistics
/// are used. When all its parameters are frozen the layer counts as not training, as in Keras.
///
/// In a `Sequential` or a graph of layers a mask of the input says which steps count: mean and variance are taken over
/// these, and a batch without any leaves the moving statistics as they are.
///
/// Parameters `gamma`, `beta`, statistics `moving_mean`, `moving_variance`, all `[channels]`. Each rank uses its own share of
/// the batch; moving statistics are averaged over ranks, each weighted by the steps in which it had rows. With `synchronized` mean
/// and variance are those of the samples of all ranks, which for this wait for each other in every training step: then N ranks
/// train as one process does.
///
/// - SeeAlso: Ioffe, Szegedy, *Batch Normalization* (2015), algorithms 1 and 2; Keras, `layers.BatchNormalization`.
public final class BatchNormalization: Module, KeepsMask {
  /// The axis of channels.
  public let axis: Int
  /// How much of the moving statistics is kept at each step.
  public let momentum: Double
  /// Added to the variance.
  public let epsilon: Double
  /// Whether mean and variance of a batch are those of all ranks.
  public let synchronized: Bool
  /// Whether there is `beta`.
  public var center: Bool { affine.center }
  /// Whether there is `gamma`.
  public var scale: Bool { affine.scale }
  private let affine: Affine

  /// A layer; Keras's defaults.
  public init(
    axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 1e-3, center: Bool = true,
    scale: Bool = true, gammaInitializer: any Initializer = Ones(),
    betaInitializer: any Initializer = Zeros(), gammaRegularizer: (any Regularizer)? = nil,
    betaRegularizer: (any Regularizer)? = nil, gammaConstraint: (any Constraint)? = nil,
    betaConstraint: (any Constraint)? = nil, synchronized: Bool = false, name: String? = nil
  ) {
    self.axis = axis
    self.momentum = momentum
    self.epsilon = epsilon
    self.synchronized = synchronized
    affine = Affine(
      scale: scale, center: center, gammaInitializer: gammaInitializer,
      betaInitializer: betaInitializer, gammaRegularizer: gammaRegularizer,
      betaRegularizer: betaRegularizer, gammaConstraint: gammaConstraint,
      betaConstraint: betaConstraint)
    super.init(name: name)
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor { normalized(input, mask: nil) }

  private func normalized(_ input: Tensor, mask: Tensor?) -> Tensor {
    guard input.rank >= 2, (-input.rank..<input.rank).contains(axis), !input.isInvalid else {
      return wrongInput(
        input, expected: "[batch, ..., channels] with channels on axis \(axis)")
    }
    let x = floating(input)
    let axis = axis < 0 ? axis + x.rank : axis
    let channels = x.shape[axis]
    let others = (0..<x.rank).filter { $0 != axis }
    // [1, ..., channels, ..., 1]: what broadcasts along the channels.
    let wide = Shape((0..<x.rank).map { $0 == axis ? channels : 1 })

    let (gamma, beta) = affine.parameters(of: self, shape: [channels], dtype: x.dtype)
    let movingMean = variable(
      "moving_mean", kind: .batchStatistic, shape: [channels], dtype: x.dtype, combine: .mean)
    let movingVariance = variable(
      "moving_variance", kind: .batchStatistic, shape: [channels], dtype: x.dtype,
      combine: .mean, initial: 1)

    let communicator = DistributionContext.strategy.communicator
    let isJoined = synchronized && communicator.size > 1
    var centred: Tensor
    var variance: Tensor
    if isTraining, !isFrozen, x.elementCount > 0 || isJoined {
      var isCounted: Tensor?
      if let mask {
        guard mask.rank < x.rank, mask.shape.elementsEqual(x.shape.prefix(mask.rank)) else {
          return wrongInput(mask, expected: "a mask of the first axes of \(x.shape)")
        }
        let steps = mask.shape.dimensions + [Int](repeating: 1, count: x.rank - mask.rank)
        isCounted = mask.cast(to: .bool).reshape(Shape(steps)).broadcast(to: x.shape)
      }
      if isJoined {
        let moments = RankMoments(of: x, where: isCounted, axes: others, communicator)
        centred = x - moments.mean
        variance = moments.variance
        update(movingMean, moments.mean, where: moments.isKnown)
        update(movingVariance, variance, where: moments.isKnown)
      } else if let isCounted {
        let number = sum(isCounted.cast(to: x.dtype), axes: others, keepDims: true)
        func mean(_ values: Tensor) -> Tensor {
          sum(select(isCounted, values, 0), axes: others, keepDims: true) / maximum(number, 1)
        }
        let average = mean(x)
        centred = x - average
        variance = mean(square(centred))
        update(movingMean, average, where: number .> 0)
        update(movingVariance, variance, where: number .> 0)
      } else {
        let mean = mean(x, axes: others, keepDims: true)
        centred = x - mean
        variance = Engine.mean(square(centred), axes: others, keepDims: true)
        update(movingMean, mean)
        update(movingVariance, variance)
      }
    } else {
      centred = x - reshape(movingMean.value, wide)
      variance = reshape(movingVariance.value, wide)
    }
    var factor = rsqrt(variance + epsilon)
    if let gamma { factor = factor * reshape(gamma, wide) }
    let y = centred * factor
    return beta.map { y + reshape($0, wide) } ?? y
  }

  private func update(_ moving: Variable, _ batch: Tensor, where isKnown: Tensor? = nil) {
    let batch = reshape(stopGradient(batch), moving.shape)
    let next = moving.value * momentum + batch * (1 - momentum)
    moving.value = isKnown.map { select(reshape($0, moving.shape), next, moving.value) } ?? next
  }
}

extension BatchNormalization: TakesMask {
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    .tensor(enter { normalized(x, mask: mask) })
  }
}
