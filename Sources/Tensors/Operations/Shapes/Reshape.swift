/// Another shape for the same elements in row-major order.
struct ReshapeOperation: Primitive {
  /// The shape of the output, without -1.
  let shape: Shape

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  /// The new shape, if it has as many elements.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    guard shape.elementCount == inputs[0].shape.elementCount, shape.allSatisfy({ $0 >= 0 }) else {
      throw .shape(
        operation: name,
        message: """
          cannot give \(inputs[0].shape) of \(inputs[0].shape.elementCount) elements the shape \
          \(shape) of \(shape.elementCount)
          """)
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// New strides over the same memory where they exist: always for a row-major input, and for
  /// others as long as no new axis spans two old ones that do not follow each other in memory.
  func view(of input: Layout) -> Layout? {
    if shape.elementCount == 0 { return Layout(rowMajor: shape) }
    // Old axes that act as one: pairs of length and stride.
    var runs: [(length: Int, stride: Int)] = []
    for (length, step) in zip(input.shape, input.strides) where length != 1 {
      if let last = runs.last, last.stride == step * length {
        runs[runs.count - 1] = (last.length * length, step)
      } else {
        runs.append((length, step))
      }
    }
    // From the last axis on, every new axis has to fit into what is left of the current run.
    var strides = [Int](repeating: 1, count: shape.rank)
    var run = runs.popLast() ?? (1, 1)
    var used = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      let length = shape.dimensions[axis]
      if length == 1 { continue }
      if used == run.length, let next = runs.popLast() {
        run = next
        used = 1
      }
      guard run.length % (used * length) == 0 else { return nil }
      strides[axis] = run.stride * used
      used *= length
    }
    return Layout(shape: shape, strides: strides, offset: input.offset)
  }

  /// A copy in row-major order.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    return copyKernel(
      from: x.pointer, strides: x.strides, to: y.pointer, strides: x.shape.rowMajorStrides,
      shape: x.shape, size: x.dtype.size, workspace)
  }

  /// `g` in the shape of the input.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g.reshape(c.x.shape)] }

  /// The examples' new shape.
  func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ReshapeOperation(shape: Shape([count] + shape))
  }
}

/// The elements of `x` in row-major order with another shape; shares memory where strides allow it.
///
/// - Parameters:
///   - x: of any shape and type.
///   - shape: as many elements as `x` has; one length may be -1 and is then found from the others.
/// - Returns: the elements in this shape; an ``EngineError/shape(operation:message:)`` where they do not fill it.
public func reshape(_ x: Tensor, _ shape: Shape) -> Tensor {
  if shape == x.shape { return x }
  return attempt {
    let unknown = shape.indices.filter { shape.dimensions[$0] == -1 }
    guard let axis = unknown.first else { return apply1(ReshapeOperation(shape: shape), x) }
    var lengths = shape.dimensions
    lengths[axis] = 1
    let known = lengths.reduce(1, *)
    guard unknown.count == 1, known > 0, x.elementCount % known == 0 else {
      throw EngineError.shape(
        operation: "reshape",
        message: """
          cannot give \(x.shape) of \(x.elementCount) elements the shape \(shape): \
          one length may be -1, and the others must divide the number of elements
          """)
    }
    lengths[axis] = x.elementCount / known
    return apply1(ReshapeOperation(shape: Shape(lengths)), x)
  }
}

extension Tensor {
  /// The elements in row-major order with another shape, in which one length may be -1.
  public func reshape(_ shape: Shape) -> Tensor { Tensors.reshape(self, shape) }
}
