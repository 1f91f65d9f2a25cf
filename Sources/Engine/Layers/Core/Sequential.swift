import Tensors

/// Layers one after the other: the output of each is the input of the next.
///
/// ```swift
/// Sequential([Flatten(), Linear(64, activation: .relu), Lambda { $0 * 2 }, Linear(10)])
/// ```
///
/// A mask that a layer announces (``AnyModule/setMask(_:)``) goes on to the layers after it, as in Keras: through those that
/// work on each step by itself, into recurrent ones, and no further than a layer that changes what a step is.
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

  /// Layers in order; each must be a ``Callable`` from a tensor to a tensor.
  public convenience init(_ layers: AnyModule..., name: String? = nil) {
    self.init(layers, name: name)
  }

  /// The output of the last layer, of whatever shape it gives; without any layer `x`.
  public func call(_ x: Tensor) -> Tensor { run(x, mask: nil) }

  private func run(_ x: Tensor, mask: Tensor?) -> Tensor {
    let context = ModuleContext.current
    let before = mask ?? context?.notes.outputMask
    var (x, mask, isLost) = (x, mask, false)
    for (position, layer) in layers.enumerated() {
      context?.notes.outputMask = nil
      do {
        x = try layer.apply(to: x, mask: mask)
      } catch {
        return fail(
          EngineError.model(message: "layer \(position) (\(layer.typeName)): \(error)"))
      }
      if let announced = context?.notes.outputMask {
        mask = announced
      } else if !(layer is any KeepsMask) {
        (mask, isLost) = (nil, true)
      }
    }
    context?.notes.outputMask = mask ?? (isLost ? nil : before)
    return x
  }
}

extension Sequential: TakesMask {
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    .tensor(enter { run(x, mask: mask) })
  }
}

extension AnyModule {
  /// Calls a module that takes a tensor and gives one.
  func apply(to x: Tensor, mask: Tensor? = nil) throws -> Tensor {
    if let mask, let layer = self as? any TakesMask {
      return try Self.tensor(layer.call(x, mask: mask))
    }
    guard let callable = self as? any Callable else {
      throw EngineError.model(message: "has no call: declare it as a Module")
    }
    if let result = try Self.call(callable, x) { return result }
    return try Self.tensor(call(structure: .tensor(x)))
  }

  private static func tensor(_ output: Structure) throws -> Tensor {
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
