import Tensors

// The usual functions on symbolic tensors; each is a layer. Any other one: `x.map("name", function)`.

/// `max(x, 0)` as a layer.
public func relu(_ x: KerasTensor) -> KerasTensor { x.map("relu", relu) }
/// The hyperbolic tangent as a layer.
public func tanh(_ x: KerasTensor) -> KerasTensor { x.map("tanh", tanh) }
/// `1 / (1 + exp(-x))` as a layer.
public func sigmoid(_ x: KerasTensor) -> KerasTensor { x.map("sigmoid", sigmoid) }
/// Exponentials along an axis divided by their sum, as a layer.
public func softmax(_ x: KerasTensor, axis: Int = -1) -> KerasTensor {
  x.map("softmax") { softmax($0, axis: axis) }
}
/// The exponential function as a layer.
public func exp(_ x: KerasTensor) -> KerasTensor { x.map("exp", exp) }
/// The natural logarithm as a layer.
public func log(_ x: KerasTensor) -> KerasTensor { x.map("log", log) }
/// The square root as a layer.
public func sqrt(_ x: KerasTensor) -> KerasTensor { x.map("sqrt", sqrt) }
/// `x · x` as a layer.
public func square(_ x: KerasTensor) -> KerasTensor { x.map("square", square) }
/// The absolute value as a layer.
public func abs(_ x: KerasTensor) -> KerasTensor { x.map("abs", abs) }

/// The mean along one axis, several, or all, as a layer.
public func mean(
  _ x: KerasTensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> KerasTensor {
  x.map("mean") { mean($0, axis: axis, axes: axes, keepDims: keepDims) }
}
/// The sum along one axis, several, or all, as a layer.
public func sum(
  _ x: KerasTensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> KerasTensor {
  x.map("sum") { sum($0, axis: axis, axes: axes, keepDims: keepDims) }
}
/// The largest element along one axis, several, or all, as a layer.
public func max(
  _ x: KerasTensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> KerasTensor {
  x.map("max") { max($0, axis: axis, axes: axes, keepDims: keepDims) }
}
/// The smallest element along one axis, several, or all, as a layer.
public func min(
  _ x: KerasTensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> KerasTensor {
  x.map("min") { min($0, axis: axis, axes: axes, keepDims: keepDims) }
}

/// The elements in row-major order in another shape, as a layer; -1 stands for the open batch: `reshape(x, [-1, 4])`.
public func reshape(_ x: KerasTensor, _ shape: Shape) -> KerasTensor {
  x.map("reshape") { reshape($0, shape) }
}
/// Every sample as one row, as a layer.
public func flatten(_ x: KerasTensor) -> KerasTensor { Flatten()(x) }
/// Axes in another order, as a layer; the other way round without `axes`.
public func transpose(_ x: KerasTensor, _ axes: [Int]? = nil) -> KerasTensor {
  x.map("transpose") { transpose($0, axes) }
}
/// A new axis of length 1, as a layer.
public func expandDims(_ x: KerasTensor, axis: Int) -> KerasTensor {
  x.map("expand_dims") { expandDims($0, axis: axis) }
}
/// An axis of length 1 less, or all of them, as a layer.
public func squeeze(_ x: KerasTensor, axis: Int? = nil) -> KerasTensor {
  x.map("squeeze") { squeeze($0, axis: axis) }
}
/// The tensor cut along an axis, the first (that of the batch) unless given, into parts of equal length, as a layer.
public func split(_ x: KerasTensor, into parts: Int, axis: Int = 0) -> [KerasTensor] {
  KerasTensor.apply("split", [x], count: parts) { split($0[0], into: parts, axis: axis) }
}

/// Tensors one after the other along an axis, the first (that of the batch) unless given, as a layer. The layer
/// ``Concatenate`` takes the last one.
public func concatenate(_ tensors: [KerasTensor], axis: Int = 0) -> KerasTensor {
  KerasTensor.apply("concatenate", tensors) { concatenate($0, axis: axis) }
}
/// Tensors of one shape along a new axis, the first unless given, as a layer.
public func stack(_ tensors: [KerasTensor], axis: Int = 0) -> KerasTensor {
  KerasTensor.apply("stack", tensors) { stack($0, axis: axis) }
}
/// The matrix product of the last two axes, as a layer.
public func matmul(_ a: KerasTensor, _ b: KerasTensor) -> KerasTensor {
  KerasTensor.apply("matmul", [a, b]) { matmul($0[0], $0[1]) }
}
/// The larger of two, element by element, as a layer.
public func maximum(_ a: KerasTensor, _ b: KerasTensor) -> KerasTensor {
  KerasTensor.apply("maximum", [a, b]) { maximum($0[0], $0[1]) }
}
/// The smaller of two, element by element, as a layer.
public func minimum(_ a: KerasTensor, _ b: KerasTensor) -> KerasTensor {
  KerasTensor.apply("minimum", [a, b]) { minimum($0[0], $0[1]) }
}
