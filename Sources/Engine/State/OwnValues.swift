import Tensors

extension LoadedState {
  /// The values of its own that a rank goes on with.
  ///
  /// With as many ranks as before each gets back what it had. With others, counts and sums are those of all ranks on rank 0 and as after a
  /// reset elsewhere, so that their sum stays; running means are averaged, each rank weighted by the steps in which it had rows.
  func ownValues(of rank: Int, size: Int) throws -> [String: Tensor] {
    if size == info.ranks { return own[rank] }
    let weights = own.map { Double($0[Self.stepsWithRows]?.item(as: Int.self) ?? 1) }
    let total = weights.reduce(0, +)
    let shares = weights.map { total > 0 ? $0 / total : 1 / Double(weights.count) }
    var values: [String: Tensor] = [:]
    for variable in info.own {
      let all = own.compactMap { $0[variable.name] }
      guard let first = all.first else { continue }
      if variable.name == Self.stepsWithRows {
        values[variable.name] = Tensor(Int64((total / Double(weights.count)).rounded()))
        continue
      }
      if variable.name == Self.stopAsked {
        values[variable.name] = all.first { $0.item(as: Int.self) > 0 } ?? first
        continue
      }
      values[variable.name] = try withErrors {
        let merged = merged(all, variable, shares)
        guard rank > 0, variable.isCount else { return merged }
        return .full(first.shape, variable.initial?.value ?? 0, dtype: first.dtype)
      }
    }
    // What has been added up is what all go on from.
    for name in values.keys where name.hasPrefix(Self.startPrefix) {
      values[name] = values[String(name.dropFirst(Self.startPrefix.count))]
    }
    return values
  }

  /// The name of the number of steps in which a rank had rows since statistics were last combined.
  static let stepsWithRows = "steps_with_rows"
  /// The name of whether a rank has asked for the end of the training, 0 or 1.
  static let stopAsked = "stop_asked"
  /// What stands in front of values from which sums over ranks began.
  static let startPrefix = "start/"

  private func merged(
    _ all: [Tensor], _ variable: TrainingStateInfo.StoredVariable, _ shares: [Double]
  ) -> Tensor {
    switch (variable.isCombined, Combine(text: variable.combine)) {
    case (true, .sum):
      // What was there when ranks last met counts once.
      let start = own[0][Self.startPrefix + variable.name]
      let sum = all.dropFirst().reduce(all[0]) { sum, value in
        sum + (start.map { value - $0 } ?? value)
      }
      return sum
    case (true, .mean):
      return zip(all, shares).map { $0.cast(to: .float64) * $1 }.reduce(nil) { sum, value in
        sum.map { $0 + value } ?? value
      }?.cast(to: all[0].dtype) ?? all[0]
    case (true, .min): return all.dropFirst().reduce(all[0], minimum)
    case (true, .max): return all.dropFirst().reduce(all[0], maximum)
    default: return all[0]
    }
  }
}

extension TrainingStateInfo.StoredVariable {
  /// Whether each rank counts for itself until somebody adds up.
  var isCount: Bool {
    combine == Combine.sum.text
      && (name.hasPrefix("metric/") || name.hasPrefix("optimizer/gradient_accumulator/")
        || isGradientError)
  }

  /// Whether values of ranks become one; other states of modules are rank 0's, as in files of weights.
  var isCombined: Bool { isCount || name.hasPrefix("metric/") || isStatistic }

  /// What messages have lost of a rank's gradients: training goes on without it where nothing is sent, and begins without it.
  var isGradientError: Bool { Self.isGradientError(name) }

  static func isGradientError(_ name: String) -> Bool {
    name.hasPrefix(StateVariables.optimizerPrefix + Optimizer.gradientErrorName + "/")
  }

  /// Running statistics of normalisation.
  var isStatistic: Bool { kind == VariableKind.batchStatistic.rawValue }
}
