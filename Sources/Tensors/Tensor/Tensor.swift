/// An immutable array of numbers with a shape and a scalar type.
///
/// Operations give new tensors; reshaping, transposing, slicing and broadcasting share memory with their input.
/// Inside `jit` and `Model.fit` a tensor has no values yet: operations are recorded, and reading values is an error.
public struct Tensor: Sendable {
  /// The lengths of the axes; `[]` for a scalar.
  public let shape: Shape
  /// The scalar type of the elements.
  public let dtype: DType
  /// Distance between neighbours along each axis, in elements.
  package let strides: [Int]
  /// Position of the first element in `storage`, in elements.
  package let offset: Int
  /// The memory; nil while tracing.
  package let storage: Storage?
  /// The operation that made this tensor, kept while tracing and while gradients are wanted.
  package let node: Node?
  /// Which of the node's outputs this is.
  package let outputIndex: Int

  package init(
    layout: Layout, dtype: DType, storage: Storage?, node: Node? = nil, outputIndex: Int = 0
  ) {
    shape = layout.shape
    strides = layout.strides
    offset = layout.offset
    self.dtype = dtype
    self.storage = storage
    self.node = node
    self.outputIndex = outputIndex
  }

  /// A tensor without values: the output of a node in a trace.
  package init(traced spec: TensorSpec, node: Node, outputIndex: Int) {
    self.init(
      layout: Layout(rowMajor: spec.shape), dtype: spec.dtype, storage: nil, node: node,
      outputIndex: outputIndex)
  }

  /// The number of axes.
  public var rank: Int { shape.rank }
  /// The number of elements.
  public var elementCount: Int { shape.elementCount }
  /// Shape and scalar type.
  public var spec: TensorSpec { TensorSpec(shape, dtype) }
  /// Whether this tensor stands for a value inside a trace and has none yet.
  public var isTraced: Bool { storage == nil }
  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool { layout.isContiguous }

  package var layout: Layout { Layout(shape: shape, strides: strides, offset: offset) }

  /// The same values, without the record of how they were made.
  package var detached: Tensor {
    node == nil || storage == nil ? self : Tensor(layout: layout, dtype: dtype, storage: storage)
  }

  /// What a failed operation gives: every operation on it gives it again.
  package static let invalid: Tensor = {
    let storage = Storage(byteCount: 8)
    storage.pointer.storeBytes(of: Float.nan, as: Float.self)
    return Tensor(
      layout: Layout(rowMajor: []), dtype: .float32, storage: storage, node: Node.invalid)
  }()

  package var isInvalid: Bool { node === Node.invalid }
}
