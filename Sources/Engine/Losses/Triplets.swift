import Tensors

/// An anchor is to be nearer to an embedding of its class than to one of another class, by a margin: `max(d(a, p) − d(a, n) + m, 0)`.
///
/// Predictions are three embeddings `[batch, size]`: a list in the order anchor, positive, negative, or a dictionary or struct with these
/// names. Labels are not asked for. The distance is the norm of `a − b + 1e-6`, as in PyTorch. Values of shape `[batch]`;
/// see ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Balntas, Riba, Ponsa, Mikolajczyk, *Learning Local Feature Descriptors with Triplets* (2016), §3; PyTorch,
///   `TripletMarginLoss`.
public struct TripletMargin: Loss {
  /// What the loss asks for.
  public struct Inputs: Decodable, Sendable {
    /// Three embeddings of each sample.
    public struct Triplet: Decodable, Sendable {
      /// What the others are compared with, `[batch, size]`.
      public let anchor: Tensor
      /// Of the anchor's class, `[batch, size]`.
      public let positive: Tensor
      /// Of another class, `[batch, size]`.
      public let negative: Tensor
    }

    /// What the model says.
    public let yPred: Triplet
  }

  /// How much nearer the positive is to be.
  public let margin: Double
  /// The order of the norm: 2 for Euclid's.
  public let p: Double
  /// Added to differences, which gives the norm of equal embeddings a slope.
  public let epsilon: Double
  /// Whether the distance of positive and negative counts in the place of that of anchor and negative where it is less.
  public let swap: Bool
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss, with PyTorch's defaults.
  public init(
    margin: Double = 1, p: Double = 2, epsilon: Double = 1e-6, swap: Bool = false,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.margin = margin
    self.p = p
    self.epsilon = epsilon
    self.swap = swap
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a triplet, `[batch]`; embeddings of different shapes are an error.
  public func call(_ inputs: Inputs) -> Tensor {
    let triplet = inputs.yPred
    return tripletMargin(
      triplet.anchor, triplet.positive, triplet.negative, margin: margin, p: p, epsilon: epsilon,
      swap: swap)
  }
}

/// The loss of three embeddings `[batch, size]`, `[batch]`; see ``TripletMargin``.
public func tripletMargin(
  _ anchor: Tensor, _ positive: Tensor, _ negative: Tensor, margin: Double = 1, p: Double = 2,
  epsilon: Double = 1e-6, swap: Bool = false
) -> Tensor {
  guard anchor.rank > 0, anchor.shape == positive.shape, anchor.shape == negative.shape else {
    return fail(
      EngineError.shape(
        operation: "tripletMargin",
        message: "anchor, positive and negative must be of one shape, [batch, size], found "
          + "\(anchor.shape), \(positive.shape) and \(negative.shape)"))
  }
  func distance(_ a: Tensor, _ b: Tensor) -> Tensor {
    norm(floating(a) - floating(b) + epsilon, order: p, axis: -1)
  }
  var away = distance(anchor, negative)
  if swap { away = minimum(away, distance(positive, negative)) }
  return maximum(distance(anchor, positive) - away + margin, 0)
}

/// How far apart embeddings are.
public enum EmbeddingDistance: String, Codable, Sendable, CaseIterable {
  /// Euclid's distance, with the slope 0 where it is 0.
  case euclidean
  /// The square of Euclid's distance.
  case squaredEuclidean
  /// 1 minus the cosine of the angle.
  case angular

  /// The distances of all pairs of embeddings `[batch, size]`, `[batch, batch]`.
  func ofAllPairs(_ x: Tensor) -> Tensor {
    if self == .angular {
      let unit = normalize(x)
      return 1 - matmul(unit, unit.transpose())
    }
    let lengths = sum(square(x), axis: 1)
    let products = matmul(x, x.transpose()) * -2
    let squares = maximum(
      products + expandDims(lengths, axis: 0) + expandDims(lengths, axis: 1), 0)
    // Rounding leaves something on the diagonal.
    let places = Tensor.arange(x.shape[0])
    let isOther = expandDims(places, axis: 0) .!= expandDims(places, axis: 1)
    let distances = select(isOther, squares, 0)
    return self == .euclidean ? safeSqrt(distances) : distances
  }
}

/// Every embedding is an anchor; each other one of its class is to be nearer than those of other classes. Of these the nearest counts that is further
/// away than the positive (semi-hard), and where none is, the furthest: `max(d(a, p) − d(a, n) + m, 0)`.
///
/// Labels are class numbers `[batch]` or `[batch, 1]`, predictions embeddings `[batch, size]`, mostly of length 1
/// (``normalize(_:axes:epsilon:)``). Values of shape `[batch]`: the sum over an anchor's positives, times the batch's size divided by its number of
/// pairs. So the mean over the batch is the mean over all pairs of anchor and positive, and a sample's weight is that of an anchor.
/// An anchor without another class in the batch has no pairs; where there are none at all the loss is 0 (TensorFlow Addons: not a number).
///
/// Triplets are those of the batch, on several ranks those of each rank's share: N ranks see fewer than one process, and equal shares
/// of few classes are what such training wants. See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Schroff, Kalenichenko, Philbin, *FaceNet* (2015), §3.2; TensorFlow Addons, `TripletSemiHardLoss`.
public struct TripletSemiHard: Loss, TakesClassNumbers {
  /// How much nearer positives are to be.
  public let margin: Double
  /// How far apart embeddings are.
  public let distance: EmbeddingDistance
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; `margin` is 1 by default, and the distance Euclid's.
  public init(
    margin: Double = 1, distance: EmbeddingDistance = .euclidean, reduction: Reduction = .auto,
    weight: Double = 1, on: StructurePath? = nil, name: String? = nil
  ) {
    self.margin = margin
    self.distance = distance
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value an anchor, `[batch]`; labels and embeddings of another form are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    tripletSemiHard(inputs.yTrue, inputs.yPred, margin: margin, distance: distance)
  }
}

/// The semi-hard triplet loss of class numbers `[batch]` and embeddings `[batch, size]`, `[batch]`; see ``TripletSemiHard``.
public func tripletSemiHard(
  _ yTrue: Tensor, _ yPred: Tensor, margin: Double = 1, distance: EmbeddingDistance = .euclidean
) -> Tensor {
  attempt {
    let embeddings = floating(yPred)
    let labels = try pairLabels(yTrue, embeddings, "tripletSemiHard")
    let batch = labels.shape[0]
    guard batch > 0 else { return sum(embeddings, axis: 1) }
    let pairs = EmbeddingPairs(labels, labels)
    let distances = distance.ofAllPairs(embeddings)
    // Anchor, positive, negative.
    let away = expandDims(distances, axis: 1)
    let isFurther = logicalAnd(
      expandDims(pairs.isNegative, axis: 1), away .> expandDims(distances, axis: 2))
    let nearest = min(select(isFurther, away, 1e30), axis: 2)
    let furthest = max(select(pairs.isNegative, distances, -1e30), axis: 1, keepDims: true)
    let negative = select(any(isFurther, axis: 2), nearest, furthest)
    let counts = logicalAnd(pairs.isPositive, any(pairs.isNegative, axis: 1, keepDims: true))
    let values = select(counts, maximum(distances - negative + margin, 0), 0)
    let number = sum(counts.cast(to: values.dtype))
    return sum(values, axis: 1) * (Double(batch) / maximum(number, 1))
  }
}

/// Every embedding is an anchor; the furthest other one of its class is to be nearer than the nearest of another class, by a margin:
/// `max(d(a, p) − d(a, n) + m, 0)`, or `log(1 + exp(d(a, p) − d(a, n)))` with `soft`.
///
/// Labels are class numbers `[batch]` or `[batch, 1]`, predictions embeddings `[batch, size]`. Values of shape `[batch]`. An anchor that is
/// alone in its class, or without another class in the batch, has the value 0 and does not count in a mean (TensorFlow Addons compares it
/// with itself, or with the furthest of all). Triplets are those of the batch, on several ranks those of each rank's share, as for
/// ``TripletSemiHard``. See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Hermans, Beyer, Leibe, *In Defense of the Triplet Loss for Person Re-Identification* (2017), equation 5; TensorFlow
///   Addons, `TripletHardLoss`.
public struct TripletHard: Loss, TakesClassNumbers {
  /// How much nearer positives are to be.
  public let margin: Double
  /// Whether `log(1 + exp(x))` is in the place of `max(x + margin, 0)`.
  public let soft: Bool
  /// How far apart embeddings are.
  public let distance: EmbeddingDistance
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; `margin` is 1 by default, and the distance Euclid's.
  public init(
    margin: Double = 1, soft: Bool = false, distance: EmbeddingDistance = .euclidean,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.margin = margin
    self.soft = soft
    self.distance = distance
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value an anchor, `[batch]`, of which those with a triplet count; labels and embeddings of another form are an
  /// error.
  public func call(_ inputs: LabelsAndPredictions) -> MaskedValues {
    hardTriplets(inputs.yTrue, inputs.yPred, margin: margin, soft: soft, distance: distance)
  }
}

/// The hard triplet loss of class numbers `[batch]` and embeddings `[batch, size]`, `[batch]`; see ``TripletHard``.
public func tripletHard(
  _ yTrue: Tensor, _ yPred: Tensor, margin: Double = 1, soft: Bool = false,
  distance: EmbeddingDistance = .euclidean
) -> Tensor {
  hardTriplets(yTrue, yPred, margin: margin, soft: soft, distance: distance).values
}

/// One value an anchor, and which anchors have a triplet.
private func hardTriplets(
  _ yTrue: Tensor, _ yPred: Tensor, margin: Double, soft: Bool, distance: EmbeddingDistance
) -> MaskedValues {
  let embeddings = floating(yPred)
  let labels: Tensor
  do {
    labels = try pairLabels(yTrue, embeddings, "tripletHard")
  } catch {
    return MaskedValues(fail(error), mask: nil)
  }
  guard labels.shape[0] > 0 else { return MaskedValues(sum(embeddings, axis: 1), mask: nil) }
  let pairs = EmbeddingPairs(labels, labels)
  let distances = distance.ofAllPairs(embeddings)
  let furthest = max(select(pairs.isPositive, distances, -1e30), axis: 1)
  let nearest = min(select(pairs.isNegative, distances, 1e30), axis: 1)
  let counts = logicalAnd(any(pairs.isPositive, axis: 1), any(pairs.isNegative, axis: 1))
  let gap = select(counts, furthest - nearest, 0)
  let values = soft ? softplus(gap) : maximum(gap + margin, 0)
  return MaskedValues(select(counts, values, 0), mask: counts)
}
