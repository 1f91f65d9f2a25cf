import Tensors

/// A function of tensors as a layer without parameters: what operators and functions on symbolic tensors become.
public final class OperationLayer: AnyModule, Callable {
  private let operation: String
  private let function: ([Tensor]) -> Structure

  init(_ operation: String, name: String?, _ function: @escaping ([Tensor]) -> Structure) {
    self.operation = operation
    self.function = function
    super.init(name: name)
  }

  /// The operation in camel case: `Add`, `LogSoftmax`.
  override var typeName: String {
    operation.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// What the function gives for tensors in the order of the symbolic ones.
  public func call(_ inputs: [Tensor]) -> Structure { function(inputs) }
}

extension KerasTensor {
  /// Records any function of tensors as a layer.
  ///
  /// ```swift
  /// let distance = KerasTensor.apply("distance", [a, b]) { sqrt(sum(square($0[0] - $0[1]), axis: -1)) }
  /// ```
  ///
  /// - Parameters:
  ///   - operation: names the layer, numbered, and its type in a summary: `"log_softmax"`.
  ///   - inputs: what the function takes.
  ///   - name: of the layer, unique in a model.
  ///   - function: gets the values in the order of `inputs`; it may be called often, on any lengths of open axes.
  /// - Returns: the symbolic result.
  public static func apply(
    _ operation: String, _ inputs: [KerasTensor], name: String? = nil,
    _ function: @escaping ([Tensor]) -> Tensor
  ) -> KerasTensor {
    OperationLayer(operation, name: name) { .tensor(function($0)) }
      .connected(to: inputs.kerasStructure)[0]
  }

  /// Records a function with several results as a layer. See ``apply(_:_:name:_:)``.
  ///
  /// - Parameters:
  ///   - operation: names the layer, numbered, and its type in a summary.
  ///   - inputs: what the function takes.
  ///   - count: the number of results.
  ///   - name: of the layer, unique in a model.
  ///   - function: gets the values in the order of `inputs`.
  /// - Returns: the symbolic results, in the order of those of `function`.
  public static func apply(
    _ operation: String, _ inputs: [KerasTensor], count: Int, name: String? = nil,
    _ function: @escaping ([Tensor]) -> [Tensor]
  ) -> [KerasTensor] {
    OperationLayer(operation, name: name) { .list(function($0).map(Structure.tensor)) }
      .connected(to: inputs.kerasStructure, count: count)
  }

  /// Records a function of one tensor as a layer: `x.map("relu", relu)`.
  public func map(
    _ operation: String, name: String? = nil, _ function: @escaping (Tensor) -> Tensor
  ) -> KerasTensor {
    Self.apply(operation, [self], name: name) { function($0[0]) }
  }
}
