/// How operations work on many examples at once: those for which another axis in front is all it takes.
extension Primitive {
  /// None.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { nil }

  /// None.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? { nil }
}

// MARK: Element by element, row by row: whatever axes lie in front

extension UnaryElementwise {
  /// Itself.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

extension BinaryElementwise {
  /// Itself.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

extension ActivationGradient {
  /// Itself.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

/// A primitive that works on elements, or on rows along the last axis, whatever axes lie in front.
public protocol AnyLeadingAxes: Primitive {}

extension AnyLeadingAxes {
  /// Itself.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

extension Select: AnyLeadingAxes {}
extension Cast: AnyLeadingAxes {}
extension IdentityOperation: AnyLeadingAxes {}
extension Contiguous: AnyLeadingAxes {}
extension StopGradient: AnyLeadingAxes {}
extension GELUOperation: AnyLeadingAxes {}
extension SoftmaxOperation: AnyLeadingAxes {}
extension SoftmaxGradient: AnyLeadingAxes {}
extension LogSoftmaxOperation: AnyLeadingAxes {}
extension LogSoftmaxGradient: AnyLeadingAxes {}
extension LayerNorm: AnyLeadingAxes {}
extension LayerNormGradient: AnyLeadingAxes {}
extension SparseCrossEntropy: AnyLeadingAxes {}
extension SparseCrossEntropyGradient: AnyLeadingAxes {}
extension CheckIndices: AnyLeadingAxes {}

// MARK: Along given axes: each moves on by one

extension Sum {
  /// The sum along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Sum(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension Product {
  /// The product along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Product(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension EuclideanNorm {
  /// The norms along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    EuclideanNorm(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension Max {
  /// The largest element along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Max(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension Min {
  /// The smallest element along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Min(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension AnyTrue {
  /// The test along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    AnyTrue(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension AllTrue {
  /// The test along the same axes.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    AllTrue(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

extension ArgMax {
  /// The search along the same axis.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ArgMax(axis: axes[0] + 1, keepDims: keepDims)
  }
}

extension ArgMin {
  /// The search along the same axis.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ArgMin(axis: axes[0] + 1, keepDims: keepDims)
  }
}

extension CumulativeSum {
  /// The running sum along the same axis.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    CumulativeSum(axis: axis + 1, exclusive: exclusive, reverse: reverse)
  }
}

extension TakeAlong {
  /// Entries of the same axis.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { TakeAlong(axis: axis + 1) }
}

extension ScatterAlong {
  /// The same axis among zeros.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ScatterAlong(axis: axis + 1, length: length)
  }
}

extension ConcatenateOperation {
  /// Along the same axis.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ConcatenateOperation(axis: axis + 1)
  }
}

// MARK: Shapes: the examples stay in front, whole

extension ReshapeOperation {
  /// The examples' new shape.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ReshapeOperation(shape: Shape([count] + shape))
  }
}

extension Transpose {
  /// The examples' axes in the new order.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Transpose(permutation: [0] + permutation.map { $0 + 1 })
  }
}

extension BroadcastTo {
  /// New axes go between the examples and their own.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let old = inputs[0].shape.dropFirst()
    let added = [Int](repeating: 1, count: shape.rank - old.count)
    let aligned = inputs[0].reshape(Shape([count] + added + old))
    return [aligned.broadcast(to: Shape([count] + shape))]
  }
}

extension Slice {
  /// The same slice of every example.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Slice(starts: [0] + starts, lengths: [count] + lengths, steps: [1] + steps)
  }
}

extension ScatterSlice {
  /// The same slice of every example.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ScatterSlice(
      shape: Shape([count] + shape), starts: [0] + starts, lengths: [count] + lengths,
      steps: [1] + steps)
  }
}

extension Pad {
  /// The same border around every example.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Pad(before: [0] + before, after: [0] + after, value: value)
  }
}
