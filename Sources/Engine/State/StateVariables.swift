import OrderedCollections
import Tensors

/// The variables of a training by the names that they have in a state.
struct StateVariables {
  typealias Named = (name: String, variable: Variable)

  /// Those of a file of weights, by their paths in the module.
  var weights: [Named] = []
  /// Parameters and what the optimizer remembers: the same on all ranks.
  var common: [Named] = []
  /// Those that each rank has a value of its own for: statistics within an epoch, counts of metrics, accumulated gradients.
  var own: [Named] = []
  /// The values of states of metrics after a reset, by name.
  var initial: [String: Double] = [:]

  /// What stands in front of the names of a module's variables; what follows is a path.
  static let modulePrefix = "module/"
  static let optimizerPrefix = "optimizer/"

  /// ``common`` without what the file of weights holds.
  var commonBesideWeights: [Named] {
    common.filter { !$0.name.hasPrefix(Self.modulePrefix) }
  }

  /// What a manifest says of variables.
  func described(_ variables: [Named]) -> [TrainingStateInfo.StoredVariable] {
    variables.map { name, variable in
      TrainingStateInfo.StoredVariable(
        name: name, shape: variable.shape.dimensions, dtype: variable.dtype.description,
        combine: variable.combine.text, kind: variable.kind.rawValue,
        initial: initial[name].map(ExactNumber.init))
    }
  }

  /// The part of ``commonBesideWeights`` that a rank writes, where each writes its share: as many bytes on all as can be, with those of
  /// the weights, which are rank 0's.
  func share(of rank: Int, size: Int) -> [Named] {
    var load = [Int](repeating: 0, count: size)
    load[0] = weights.reduce(0) { $0 + $1.variable.spec.byteCount }
    return commonBesideWeights.filter { _, variable in
      let least = load.indices.min { load[$0] < load[$1] } ?? 0
      load[least] += variable.spec.byteCount
      return least == rank
    }
  }
}

extension Combine {
  /// The name in a manifest.
  var text: String { "\(self)" }

  init?(text: String) {
    let all: [Combine] = [.sum, .min, .max, .mean, .first]
    guard let known = all.first(where: { $0.text == text }) else { return nil }
    self = known
  }
}
