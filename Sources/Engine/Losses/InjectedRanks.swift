import OrderedCollections
import Tensors

/// Labels and predictions in one rank, by the rule of Keras (`squeeze_or_expand_to_same_rank`): when ranks differ by one
/// and the longer shape ends in 1, that axis is dropped, or added to the other where it has rank 1.
func sameRank(labels: Tensor, predictions: Tensor) -> (labels: Tensor, predictions: Tensor) {
  if labels.rank == predictions.rank + 1, labels.shape.last == 1 {
    return predictions.rank == 1
      ? (labels, expandDims(predictions, axis: -1)) : (squeeze(labels, axis: -1), predictions)
  }
  if predictions.rank == labels.rank + 1, predictions.shape.last == 1 {
    return labels.rank == 1
      ? (expandDims(labels, axis: -1), predictions) : (labels, squeeze(predictions, axis: -1))
  }
  return (labels, predictions)
}

/// A loss or metric that compares class numbers `[batch]` with rows `[batch, classes]`: its labels have an axis less.
protocol TakesClassNumbers {}

extension InjectionContext {
  /// The same values with labels and predictions in one rank, part by part, and one weight a sample as `[batch]`: `a - b`
  /// of labels `[batch]` and predictions `[batch, 1]` would be every label with every prediction.
  func withEqualRanks() -> Self {
    var context = self
    if let labels = yTrue, let predictions = yPred {
      let (newLabels, newPredictions) = Structure.equalRanks(labels, predictions)
      context.yTrue = newLabels
      context.yPred = newPredictions
    }
    if case .tensor(let weights)? = sampleWeight, weights.rank == 2, weights.shape[1] == 1,
      yPred?.tensors.allSatisfy({ $0.rank <= 2 }) ?? true
    {
      context.sampleWeight = .tensor(squeeze(weights, axis: -1))
    }
    return context
  }

  /// Throws when labels met predictions crosswise: the values are `[batch, batch]`, and nothing that was asked for has
  /// a second axis of that length.
  func checkPairing(
    of values: Tensor, askedFor requirements: @autoclosure () -> [Requirement], asker: String
  ) throws(EngineError) {
    guard values.rank == 2, let predictions = yPred?.tensors,
      let batch = predictions.first?.shape.first,
      batch > 1, values.shape.allSatisfy({ $0 == batch })
    else { return }
    let asked = requirements().compactMap { self[$0.name] }.flatMap(\.tensors)
    guard !asked.contains(where: { $0.shape.dropFirst().contains(batch) }) else { return }
    func shapes(_ structure: Structure?) -> String {
      (structure?.tensors ?? []).map { "\($0.shape)" }.joined(separator: ", ")
    }
    throw .shape(
      operation: asker,
      message: "values \(values.shape): every label has met every prediction. yTrue comes as "
        + "\(shapes(yTrue)) and yPred as \(shapes(yPred)), in one rank: take an axis from both or "
        + "from none, and give one value a sample, [\(batch)]")
  }
}

extension Structure {
  /// Labels and predictions with equal ranks at equal places.
  ///
  /// A label without a prediction at its place is brought to the rank that all predictions have.
  fileprivate static func equalRanks(
    _ labels: Structure, _ predictions: Structure
  ) -> (labels: Structure, predictions: Structure) {
    switch (labels, predictions) {
    case (.tensor(let label), .tensor(let prediction)):
      let (label, prediction) = sameRank(labels: label, predictions: prediction)
      return (.tensor(label), .tensor(prediction))
    case (.list(let parts), .tensor) where parts.count == 1:
      let (label, prediction) = equalRanks(parts[0], predictions)
      return (.list([label]), prediction)
    case (.tensor, .list(let parts)) where parts.count == 1:
      let (label, prediction) = equalRanks(labels, parts[0])
      return (label, .list([prediction]))
    case (.list(let labelParts), .list(let parts)) where labelParts.count == parts.count:
      let pairs = Swift.zip(labelParts, parts).map { equalRanks($0, $1) }
      return (.list(pairs.map(\.labels)), .list(pairs.map(\.predictions)))
    case (.dictionary(var labelParts), .dictionary(var parts)):
      for (name, label) in labelParts {
        if let prediction = parts[name] {
          let (newLabel, newPrediction) = equalRanks(label, prediction)
          labelParts[name] = newLabel
          parts[name] = newPrediction
        } else {
          labelParts[name] = label.inRank(of: predictions)
        }
      }
      return (.dictionary(labelParts), .dictionary(parts))
    default: return (labels.inRank(of: predictions), predictions)
    }
  }

  /// Labels with an axis of length 1 more or less, where every prediction calls for it.
  private func inRank(of predictions: Structure) -> Structure {
    let shapes = predictions.tensors.map(\.shape)
    guard let rank = shapes.first?.rank, shapes.allSatisfy({ $0.rank == rank }) else { return self }
    return map { label in
      if label.rank + 1 == rank, shapes.allSatisfy({ $0.last == 1 }) {
        return expandDims(label, axis: -1)
      }
      return label.rank == rank + 1 && label.shape.last == 1 ? squeeze(label, axis: -1) : label
    }
  }
}
