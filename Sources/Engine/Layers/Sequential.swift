/// Layers one after the other: the output of each is the input of the next.
///
/// ```swift
/// Sequential([Flatten(), Linear(64, activation: .relu), Lambda { $0 * 2 }, Linear(10)])
/// ```
///
/// Children are named by position, `layers/0`, `layers/1`, ...; errors inside name the position with the path.
public final class Sequential: Module {
  /// The layers in order.
  public let layers: [AnyModule]

  /// Layers in order; each must be a ``Callable`` from a tensor to a tensor.
  public init(_ layers: [AnyModule], name: String? = nil) {
    self.layers = layers
    super.init(name: name)
  }

  /// Layers in order.
  public convenience init(_ layers: AnyModule..., name: String? = nil) {
    self.init(layers, name: name)
  }

  /// Applies the layers in order; without any gives `x`.
  public func call(_ x: Tensor) -> Tensor {
    var x = x
    for (position, layer) in layers.enumerated() {
      do {
        x = try layer.apply(to: x)
      } catch {
        return fail(
          EngineError.model(message: "layer \(position) (\(layer.typeName)): \(error)"))
      }
    }
    return x
  }
}

extension AnyModule {
  /// Calls a module that takes a tensor and gives one.
  fileprivate func apply(to x: Tensor) throws -> Tensor {
    guard let callable = self as? any Callable else {
      throw EngineError.model(message: "has no call: declare it as a Module")
    }
    if let result = try Self.call(callable, x) { return result }
    let output = try call(structure: .tensor(x))
    guard case .tensor(let result) = output else {
      throw EngineError.structure(message: "gives \(output.summary), the next layer takes a tensor")
    }
    return result
  }

  /// The direct way, without going through structures.
  private static func call<C: Callable>(_ callable: C, _ x: Tensor) throws -> Tensor? {
    guard let input = x as? C.Input, C.Output.self == Tensor.self,
      let module = callable as? AnyModule
    else { return nil }
    return module.enter { callable.call(input) } as? Tensor
  }
}
