import Tensors

extension Callable where Self: AnyModule {
  /// Records a call on symbolic tensors, in any form that the layer's input has.
  ///
  /// The layer runs on shapes alone, which makes its variables. Inputs that do not fit fail as ``withErrors(_:)``
  /// describes, with the layer's name and the shapes.
  @_disfavoredOverload
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> KerasStructure {
    node(on: inputs.kerasStructure)?.outputs ?? .tensor(.invalid)
  }
}

extension Callable where Self: AnyModule, Output == Tensor {
  /// Records a call on symbolic tensors, such as `Dense(16)(x)`.
  ///
  /// The layer runs on shapes alone, which makes its variables. Inputs that do not fit fail as ``withErrors(_:)``
  /// describes, with the layer's name and the shapes.
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> KerasTensor {
    connected(to: inputs.kerasStructure)[0]
  }
}

extension Callable where Self: AnyModule, Output == [Tensor] {
  /// Records a call on symbolic tensors of a layer that gives several.
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> [KerasTensor] {
    node(on: inputs.kerasStructure)?.outputTensors ?? []
  }
}

extension Callable where Self: AnyModule, Output == [String: Tensor] {
  /// Records a call on symbolic tensors of a layer that gives several by name.
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> [String: KerasTensor] {
    guard case .dictionary(let values)? = node(on: inputs.kerasStructure)?.outputs else {
      return [:]
    }
    return Dictionary(uniqueKeysWithValues: values.map { ($0, $1.tensor ?? .invalid) })
  }
}

/// An output that can be one tensor or several.
public protocol TensorOrTensors: Codable {}

extension Structure: TensorOrTensors {}

extension Callable where Self: AnyModule, Output: TensorOrTensors {
  /// Records a call on symbolic tensors of a model or layer that gives one tensor.
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> KerasTensor {
    connected(to: inputs.kerasStructure)[0]
  }

  /// Records a call on symbolic tensors of a model or layer that gives several.
  @_disfavoredOverload
  public func callAsFunction(_ inputs: some KerasStructureConvertible) -> [KerasTensor] {
    node(on: inputs.kerasStructure)?.outputTensors ?? []
  }
}
