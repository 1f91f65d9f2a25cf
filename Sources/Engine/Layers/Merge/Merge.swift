import Tensors

/// A layer that makes one tensor of several, element by element: what ``Add``, ``Multiply``, ... share.
///
/// Input: a list of tensors `[batch, ...]` with one batch size. Tensors of fewer axes than others get axes of length 1 after
/// that of the batch; then shapes broadcast as in NumPy.
///
/// - SeeAlso: Keras, `layers.merging.base_merge.Merge`, whose rules these are.
public class Merge: Module {
  /// The number of tensors that the layer takes; nil for one or more.
  var count: Int? { nil }

  /// A layer without settings.
  public override init(name: String? = nil) { super.init(name: name) }

  /// The tensors, of one rank and with shapes that fit, as one.
  func merged(_ inputs: [Tensor]) -> Tensor {
    fatalError("\(typeName) must override merged")
  }

  /// `[batch, ...]`, several times, to `[batch, ...]`.
  public func call(_ inputs: [Tensor]) -> Tensor {
    guard let first = inputs.first, count == nil || inputs.count == count else {
      let wanted: ErrorText = count.map { "\($0) tensors" } ?? "one tensor or more"
      return wrongInputs(inputs, expected: wanted)
    }
    guard inputs.allSatisfy({ $0.rank >= 1 && !$0.isInvalid && $0.shape[0] == first.shape[0] })
    else { return wrongInputs(inputs, expected: "tensors [batch, ...] with one batch size") }
    let rank = inputs.reduce(0) { Swift.max($0, $1.rank) }
    let aligned = inputs.map { x in
      let missing = [Int](repeating: 1, count: rank - x.rank)
      return missing.isEmpty
        ? x : reshape(x, Shape([x.shape[0]] + missing + x.shape.dimensions.dropFirst()))
    }
    do {
      _ = try aligned.reduce(aligned[0].shape) { shape, x in
        try Shape.broadcast(shape, x.shape, operation: typeName)
      }
    } catch {
      return fail(error)
    }
    return merged(aligned)
  }
}

/// The sum of tensors: `Add()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Add`.
public final class Add: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], +)
  }
}

/// The first tensor minus the second: `Subtract()([a, b])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Subtract`.
public final class Subtract: Merge {
  override var count: Int? { 2 }

  override func merged(_ inputs: [Tensor]) -> Tensor { inputs[0] - inputs[1] }
}

/// The product of tensors, element by element: `Multiply()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Multiply`.
public final class Multiply: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], *)
  }
}

/// The mean of tensors, element by element: `Average()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Average`.
public final class Average: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], +) / Double(inputs.count)
  }
}

/// The largest of each element of tensors: `Maximum()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Maximum`.
public final class Maximum: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], maximum)
  }
}

/// The smallest of each element of tensors: `Minimum()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Minimum`.
public final class Minimum: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], minimum)
  }
}
