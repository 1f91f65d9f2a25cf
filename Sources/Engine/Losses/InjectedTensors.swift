import Tensors

/// What a function can ask for by key path, as tensors: the arguments of ``CustomLoss`` and ``CustomMetric``.
///
/// Asking for a value that is not there, or that is more than one tensor, fails with
/// ``EngineError/injection(message:)``.
public struct InjectedTensors: Decodable, Sendable {
  private let xValue: Structure?
  private let yTrueValue: Structure?
  private let yPredValue: Structure?
  private let sampleWeightValue: Tensor?
  private let trainingValue: Bool?
  private let classWeightValue: [String: Double]?
  private let parametersValue: [String: Tensor]?
  private let statesValue: [String: Tensor]?

  private enum CodingKeys: String, CodingKey {
    case xValue = "x"
    case yTrueValue = "yTrue"
    case yPredValue = "yPred"
    case sampleWeightValue = "sampleWeight"
    case trainingValue = "training"
    case classWeightValue = "classWeight"
    case parametersValue = "parameters"
    case statesValue = "states"
  }

  /// The input of the model.
  public var x: Tensor { tensor(xValue, "x") }
  /// What is right, in the rank of `yPred` where that takes an axis of length 1 more or less (see ``Loss``).
  public var yTrue: Tensor { tensor(yTrueValue, "yTrue") }
  /// What the model says.
  public var yPred: Tensor { tensor(yPredValue, "yPred") }
  /// One weight a sample `[batch]` (or a step `[batch, time]`), or nil.
  public var sampleWeight: Tensor? { sampleWeightValue }
  /// Whether training goes on.
  public var training: Bool { trainingValue ?? false }
  /// The weight of each class that `fit` was given, by class number; nil without any, and when the model is not training.
  public var classWeight: [String: Double]? { classWeightValue }
  /// The parameters that are trained, by path.
  public var parameters: [String: Tensor] { parametersValue ?? [:] }
  /// All other values that the module keeps, by path.
  public var states: [String: Tensor] { statesValue ?? [:] }
  /// The input of the model, whatever its form.
  public var xStructure: Structure { xValue ?? .none }
  /// What is right, whatever its form.
  public var yTrueStructure: Structure { yTrueValue ?? .none }
  /// What the model says, whatever its form.
  public var yPredStructure: Structure { yPredValue ?? .none }

  /// What a function that takes the value at `path` asks for.
  static func requirement(_ path: PartialKeyPath<InjectedTensors>) -> Requirement? {
    let names: [(PartialKeyPath<InjectedTensors>, String, isOptional: Bool)] = [
      (\.x, "x", false), (\.xStructure, "x", false),
      (\.yTrue, "yTrue", false), (\.yTrueStructure, "yTrue", false),
      (\.yPred, "yPred", false), (\.yPredStructure, "yPred", false),
      (\.sampleWeight, "sampleWeight", true), (\.classWeight, "classWeight", true),
      (\.training, "training", false), (\.parameters, "parameters", false),
      (\.states, "states", false),
    ]
    return names.first { $0.0 == path }.map { Requirement(name: $0.1, isOptional: $0.isOptional) }
  }

  /// What came of inputs, labels and predictions, for checks.
  var context: InjectionContext {
    var context = InjectionContext()
    context.x = xValue
    context.yTrue = yTrueValue
    context.yPred = yPredValue
    return context
  }

  private func tensor(_ value: Structure?, _ name: String) -> Tensor {
    if case .tensor(let tensor) = value { return tensor }
    let found = value.map(\.summary) ?? "absent"
    return fail(
      EngineError.injection(
        message: "\(name) is asked for as one tensor and is \(found)"
          + (value == nil ? "" : ": choose a part with on:, or ask for \(name)Structure")))
  }
}
