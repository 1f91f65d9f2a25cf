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

  private enum CodingKeys: String, CodingKey {
    case xValue = "x"
    case yTrueValue = "yTrue"
    case yPredValue = "yPred"
    case sampleWeightValue = "sampleWeight"
    case trainingValue = "training"
  }

  /// The input of the model.
  public var x: Tensor { tensor(xValue, "x") }
  /// What is right.
  public var yTrue: Tensor { tensor(yTrueValue, "yTrue") }
  /// What the model says.
  public var yPred: Tensor { tensor(yPredValue, "yPred") }
  /// One weight a sample, or nil.
  public var sampleWeight: Tensor? { sampleWeightValue }
  /// Whether training goes on.
  public var training: Bool { trainingValue ?? false }
  /// The input of the model, whatever its form.
  public var xStructure: Structure { xValue ?? .none }
  /// What is right, whatever its form.
  public var yTrueStructure: Structure { yTrueValue ?? .none }
  /// What the model says, whatever its form.
  public var yPredStructure: Structure { yPredValue ?? .none }

  private func tensor(_ value: Structure?, _ name: String) -> Tensor {
    if case .tensor(let tensor) = value { return tensor }
    let found = value.map(\.summary) ?? "absent"
    return fail(
      EngineError.injection(
        message: "\(name) is asked for as one tensor and is \(found)"
          + (value == nil ? "" : ": choose a part with on:, or ask for \(name)Structure")))
  }
}
