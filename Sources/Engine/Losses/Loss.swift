import Tensors

/// How the values of a loss, one a sample, become one number. Names and meaning are those of Keras.
public enum Reduction: String, Codable, Sendable, CaseIterable {
  /// ``sumOverBatchSize`` inside `Model`; elsewhere an error under several replicas, as in Keras.
  case auto
  /// Sum divided by the number of values (not by the sum of weights).
  case sumOverBatchSize
  /// The weighted mean: the sum of weighted values divided by that of their weights, 0 where that is 0; without weights
  /// ``sumOverBatchSize``.
  ///
  /// - Note: Departs from Keras: each value has a weight, one a sample applies to all its steps. Keras adds up the weights before they are spread over
  ///   steps, so that values `[batch, time]` and weights `[batch, 1]` give `time` times the mean.
  case meanWithSampleWeight
  /// The sum of all values, whatever their number.
  case sum
  /// The values as they are; in `Model` their sum is what gradients are taken of.
  case none

  /// Whether `Model` divides by the number of values.
  var isMean: Bool { self == .auto || self == .sumOverBatchSize }

  /// Whether the result depends on what else is in the batch.
  var dividesByBatch: Bool { isMean || self == .meanWithSampleWeight }
}

/// What all losses have in common.
public struct LossOptions: Sendable {
  /// How values become one number.
  public var reduction: Reduction
  /// Multiplies the result, whatever the reduction.
  public var weight: Double
  /// Which part of `yTrue` and `yPred` the loss is about; nil for all.
  public var on: StructurePath?
  /// The name in logs; nil for the type's name.
  public var name: String?

  /// Options of a loss.
  public init(
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.reduction = reduction
    self.weight = weight
    self.on = on
    self.name = name
  }
}

/// What training makes small.
///
/// The fields of `Inputs` say by name what the loss wants: `x`, `yTrue`, `yPred`, `sampleWeight`, `classWeight`,
/// `training`, `parameters`, `states`. Labels and predictions come in one rank, as in Keras: when ranks differ by one and
/// the longer shape ends in 1, labels `[batch]` become `[batch, 1]` like their predictions, and predictions
/// `[batch, time, 1]` become `[batch, time]` like their labels. Class numbers `[batch]` for `[batch, classes]` stay.
///
/// Sample weights count whether the loss asks for them or not.
///
/// - Note: Departs from Keras: a loss that compares labels and predictions element by element fails where their shapes differ by more than one axis
///   of length 1; of Keras's only `BinaryCrossentropy`, `BinaryFocalCrossentropy` and `CategoricalCrossentropy` do, the others broadcast. Labels and
///   predictions `[batch]` are one number a sample, to which sample weights apply; Keras takes the mean over the batch first, and weights that one
///   number. Without weights the result is the same.
public protocol Loss: LeafTreeNode, Sendable where Leaf == any Loss {
  /// What the loss asks for, by name.
  associatedtype Inputs: Decodable
  /// A tensor of values, or a dictionary of them that is logged part by part.
  associatedtype Output: NamedValues
  /// Reduction, weight, part and name.
  var options: LossOptions { get }
  /// One value a sample (and time step), shape `[batch]` or `[batch, ...]`; not reduced yet.
  func call(_ inputs: Inputs) -> Output
}

extension Loss {
  /// `auto`, weight 1, everything, the type's name.
  public var options: LossOptions { LossOptions() }

  /// The name in logs: that of the options, or the type's in snake case.
  public var name: String { options.name ?? snakeCase("\(Self.self)") }
}

/// A tensor, or tensors with names.
public protocol NamedValues {
  /// The parts in a fixed order; a single tensor has no name.
  var namedValues: [(name: String?, value: Tensor)] { get }
  /// bool, of the shape of each part: which values count; nil, the default, if all do.
  var valueMask: Tensor? { get }
}

extension NamedValues {
  /// Nil: all values count.
  public var valueMask: Tensor? { nil }
}

extension Tensor: NamedValues {
  /// The tensor itself, without a name.
  public var namedValues: [(name: String?, value: Tensor)] { [(nil, self)] }
}

extension Dictionary: NamedValues where Key == String, Value == Tensor {
  /// The entries, sorted by name.
  public var namedValues: [(name: String?, value: Tensor)] {
    sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

/// Values of a loss of which some do not count: they are 0 in sums, and a mean divides by the number of the others.
///
/// That is what Keras makes of the mask that a loss attaches to its values. A mask of steps (``AnyModule/setMask(_:)``) counts as well: both
/// must be true. With ``LossScaling/globalBatch`` what counts is added up over all ranks, in a message for each such loss.
public struct MaskedValues: NamedValues {
  /// One value a sample (and step), `[batch]` or `[batch, ...]`.
  public let values: Tensor
  /// bool, of the shape of `values`; nil if all count.
  public let valueMask: Tensor?

  /// Values of which those count where `mask` is true; all with nil.
  public init(_ values: Tensor, mask: Tensor?) {
    self.values = values
    valueMask = mask
  }

  /// The values, without a name.
  public var namedValues: [(name: String?, value: Tensor)] { [(nil, values)] }
}

/// Labels and predictions: what most losses ask for.
public struct LabelsAndPredictions: Decodable, Sendable {
  /// The labels, in the rank of `yPred` where one axis of length 1 is all that differs.
  public let yTrue: Tensor
  /// What the model says.
  public let yPred: Tensor
}

extension Loss {
  /// What the loss asks for.
  var requirements: [Requirement] {
    (self as? any AsksByKeyPath)?.askedRequirements ?? Engine.requirements(of: Inputs.self)
  }

  /// The reduced loss outside of `Model`, for training loops of your own: a scalar, or with reduction `none` the values.
  ///
  /// - Throws: what Keras raises when a strategy with several replicas is active and the reduction is `auto`,
  ///   `sumOverBatchSize` or `meanWithSampleWeight`: which batch is meant is not known there. Also when a value is missing.
  public func callAsFunction(
    x: some Encodable = Structure.none, yTrue: some Encodable = Structure.none,
    yPred: some Encodable, sampleWeight: Tensor? = nil
  ) throws -> Tensor {
    let replicas = DistributionContext.strategy.replicaCount
    if replicas > 1, options.reduction.dividesByBatch {
      throw EngineError.invalidArgument(
        message: """
          loss \(name): with \(replicas) replicas use reduction .sum or .none outside of fit and evaluate, and divide \
          by the global batch size yourself: sum(loss(yTrue:yPred:)) / globalBatchSize
          """)
    }
    let context = try InjectionContext(
      x: x, yTrue: yTrue, yPred: yPred, sampleWeight: sampleWeight)
    return try withErrors {
      let parts = try values(context).map { part in
        try reduceLoss(
          part.value,
          sampleWeight: try part.mask.map {
            try OutputMask(mask: $0).applied(
              to: sampleWeight, of: part.value, isMean: options.reduction.isMean)
          } ?? sampleWeight,
          reduction: options.reduction, weight: options.weight)
      }
      guard let first = parts.first else { return Tensor(0.0) }
      return parts.dropFirst().reduce(first) { $0 + $1 }
    }
  }

  /// The values of each part, not reduced.
  ///
  /// - Parameters:
  ///   - context: what there is.
  ///   - overRanks: gives the sum over all ranks, where values are to be those of the whole batch; see ``LossOfSums``.
  /// - Returns: the parts in their order.
  /// - Throws: ``EngineError`` when something that the loss asks for is missing or has another form.
  package func values(
    _ context: InjectionContext, overRanks: ((Tensor) -> Tensor)? = nil
  ) throws -> [LossPart] {
    let asker = "loss \(name)"
    var context = try options.on.map { try context.narrowed(to: $0, asker: asker) } ?? context
    if !(self is any TakesClassNumbers) { context = context.withEqualRanks() }
    let inputs = try context.inputs(Inputs.self, asker: asker)
    if let overRanks, let loss = self as? any LossOfSums,
      let value = loss.value(ofAny: inputs, overRanks: overRanks)
    {
      return [LossPart(name: nil, value: value, mask: nil, isOfWholeBatch: true)]
    }
    let output = call(inputs)
    let mask = output.valueMask
    let parts = output.namedValues.map {
      LossPart(name: $0.name, value: $0.value, mask: mask, isOfWholeBatch: false)
    }
    if !(self is any TakesClassNumbers) {
      for part in parts {
        try context.checkPairing(of: part.value, askedFor: requirements, asker: asker)
      }
    }
    return parts
  }
}

/// A part of a loss before it is reduced.
package struct LossPart {
  /// The part's name; nil for the only one.
  package let name: String?
  /// One value a sample (and step), or another number of values.
  package let value: Tensor
  /// bool: which values count; nil if all do.
  package let mask: Tensor?
  /// Whether every rank has the value of all ranks' samples, not of its own.
  package let isOfWholeBatch: Bool
}

/// Weighs and reduces the values of a loss, with Keras's rules.
///
/// - Parameters:
///   - values: `[batch]` or `[batch, ...]`.
///   - sampleWeight: broadcast to `values` from the left: weights `[batch]` apply to values `[batch, time]`.
///   - reduction: `auto` counts as `sumOverBatchSize`: divide by the number of values; no values give 0.
///   - weight: multiplies the result.
/// - Returns: a scalar, or the weighted values with reduction `none`.
/// - Throws: ``EngineError/shape(operation:message:)`` when the weights do not fit.
public func reduceLoss(
  _ values: Tensor, sampleWeight: Tensor? = nil, reduction: Reduction = .sumOverBatchSize,
  weight: Double = 1
) throws -> Tensor {
  try reduceLoss(
    values, sampleWeight: sampleWeight, reduction: reduction, weight: weight, overRanks: nil)
}

/// The same; a weighted mean divides by the sum over all ranks where `overRanks` gives it.
func reduceLoss(
  _ values: Tensor, sampleWeight: Tensor?, reduction: Reduction, weight: Double,
  overRanks: ((Tensor) -> Tensor)?
) throws -> Tensor {
  var weighted = values
  var weights: Tensor?
  if let sampleWeight {
    let own = try aligned(sampleWeight.cast(to: values.dtype), to: values)
    weighted = values * own
    weights = own
  }
  let reduced =
    switch reduction {
    case .meanWithSampleWeight:
      weightedMean(weighted, of: values, weights: weights, overRanks: overRanks)
    case .none: weighted
    case .sum: sum(weighted)
    case .auto, .sumOverBatchSize:
      sum(weighted) / Double(max(values.elementCount, 1))
    }
  return weight == 1 ? reduced : reduced * weight
}

/// `Σ weighted / Σ weights`, each of the values with a weight; 0 where that sum is 0.
private func weightedMean(
  _ weighted: Tensor, of values: Tensor, weights: Tensor?, overRanks: ((Tensor) -> Tensor)?
) -> Tensor {
  let own =
    weights.map { sum($0.broadcast(to: values.shape)) }
    ?? Tensor(Double(values.elementCount), dtype: values.dtype)
  let total = overRanks?(own) ?? own
  let isNothing = total .== 0
  return select(isNothing, 0, sum(weighted) / select(isNothing, 1, total))
}

/// Weights with as many axes as `values`: one axis of length 1 too many is dropped, missing ones are added at the end.
package func aligned(_ weights: Tensor, to values: Tensor) throws -> Tensor {
  var weights = weights
  if weights.rank == values.rank + 1, weights.shape.dimensions.last == 1 {
    weights = reshape(weights, Shape(Array(weights.shape.dimensions.dropLast())))
  }
  if weights.rank > 0, weights.rank < values.rank {
    let ones = [Int](repeating: 1, count: values.rank - weights.rank)
    weights = reshape(weights, Shape(weights.shape.dimensions + ones))
  }
  let fits =
    weights.rank == 0
    || (weights.rank == values.rank
      && zip(weights.shape.dimensions, values.shape.dimensions).allSatisfy { $0 == $1 || $0 == 1 })
  guard fits else {
    throw EngineError.shape(
      operation: "sampleWeight",
      message: "weights of shape \(weights.shape) do not fit values of shape \(values.shape): give "
        + "one weight a sample, [\(values.shape.dimensions.first ?? 1)]")
  }
  return weights
}
