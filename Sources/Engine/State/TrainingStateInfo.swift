import Tensors

/// Everything about the state of a training but tensors: the payload of a manifest.
struct TrainingStateInfo: Codable, Sendable {
  /// A variable whose value is in the state.
  struct StoredVariable: Codable, Hashable, Sendable {
    /// `module/linear/kernel`, `optimizer/momentum/linear/kernel`, `metric/0/total`, ...
    var name: String
    var shape: [Int]
    var dtype: String
    /// How values of several ranks become one.
    var combine: String
    /// The ``VariableKind`` of a module's variable.
    var kind: String?
    /// The value of every element of a metric's state after a reset.
    var initial: ExactNumber?

    var spec: String { "\(dtype) \(shape)" }
  }

  /// What a callback remembers.
  struct StoredCallback: Codable, Sendable {
    var type: String
    var form: StructureForm
  }

  /// The values that were logged last, for the end of the training.
  struct LoggedValue: Codable, Sendable {
    var name: String
    var value: ExactNumber
  }

  /// That of the version of Apus that wrote it.
  var apus = ""
  /// What computed: kernels of the CPU.
  var kernels = ""
  var threads = 1
  var ranks = 1
  /// Nil for a state that was not saved in `fit`.
  var place: TrainingPlace?
  /// Training steps since the model was made.
  var steps = 0
  var trainedEpochs = 0
  var skippedSteps = 0
  /// What the run was, in lines; see ``RunDescription``.
  var run: [String] = []
  /// Which parameters are trained, and which modules are kept at inference.
  var modes: [Bool] = []
  /// Variables that are the same on all ranks, and those that each rank has a value of its own for.
  var common: [StoredVariable] = []
  var own: [StoredVariable] = []
  var callbacks: [StoredCallback] = []
  var logs: [LoggedValue] = []
}
