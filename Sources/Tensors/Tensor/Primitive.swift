import Synchronization

/// An operation that cannot be taken apart: its shape rule, its kernel and its gradient in one place.
///
/// The same definition runs eagerly, inside a trace and inside a compiled plan. Stored properties are the operation's
/// attributes (axes, padding, ...): two equal primitives on equal inputs give equal outputs, unless ``isPure`` is false.
public protocol Primitive: Hashable, Sendable {
  /// The name in messages and printed plans.
  var name: String { get }

  /// The shape and scalar type of each output.
  ///
  /// - Throws: ``EngineError`` that names the operation, what was given and what would be right.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec]

  /// Makes the kernel for these places in memory. Called once; the kernel runs at every step and must not allocate.
  ///
  /// - Parameters:
  ///   - inputs: where the inputs are; row-major without gaps unless ``acceptsStrided``.
  ///   - outputs: where to write; always row-major without gaps.
  ///   - workspace: scratch memory shared by all kernels of a plan.
  /// - Returns: what computes the outputs from the inputs, each time that it is called.
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel

  /// The gradient of a scalar with respect to each input, from its gradient with respect to the outputs.
  ///
  /// Written in terms of other operations, so that it can be traced and differentiated again.
  /// - Returns: one entry an input; nil where there is no gradient.
  func gradient(_ context: GradientContext) -> [Tensor?]

  /// The layout of the output in the input's own memory, for operations whose output is a view.
  ///
  /// - Returns: nil when the values have to be copied.
  func view(of input: Layout) -> Layout?

  /// Outputs that may use the memory of an input which nobody needs afterwards.
  var inPlace: [InPlacePair] { get }

  /// Whether inputs may have any strides (else they arrive row-major, copied when needed).
  var acceptsStrided: Bool { get }

  /// Whether equal inputs always give equal outputs and nothing else happens.
  var isPure: Bool { get }

  /// The same operation where every input and output has `count` examples along a new first axis: all that `vmap` needs
  /// to know of most operations.
  ///
  /// - Returns: nil when there is none; then `vmap` asks for ``batched(_:mapped:count:)``.
  func withExampleAxis(_ count: Int) -> (any Primitive)?

  /// The outputs for `count` examples, along a new first axis of every output.
  ///
  /// - Parameters:
  ///   - inputs: at least one is mapped.
  ///   - mapped: which inputs have the examples along a new first axis; the others are the same for all.
  ///   - count: how many examples there are.
  /// - Returns: nil when there is no rule; without any the operation is done example by example.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]?
}

/// An output of a primitive that may be written over an input.
public struct InPlacePair: Hashable, Sendable {
  /// Index of the output.
  public let output: Int
  /// Index of the input whose memory it may take.
  public let input: Int

  /// `output` may be written over `input`.
  public init(output: Int, input: Int) {
    self.output = output
    self.input = input
  }
}

extension Primitive {
  /// The type's name with a small first letter, without `Operation` at the end (which sets it apart from a layer).
  public var name: String {
    var type = Substring("\(Self.self)")
    if type.hasSuffix("Operation") { type.removeLast("Operation".count) }
    return type.prefix(1).lowercased() + type.dropFirst()
  }
  /// nil: the output is no view, and has memory of its own.
  public func view(of input: Layout) -> Layout? { nil }
  /// None: no output may be written over an input.
  public var inPlace: [InPlacePair] { [] }
  /// False: inputs are row-major without gaps.
  public var acceptsStrided: Bool { false }
  /// True: equal inputs give equal outputs.
  public var isPure: Bool { true }
  /// Nil: `vmap` asks for ``batched(_:mapped:count:)``.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { nil }
  /// Nil: `vmap` goes example by example.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? { nil }
}

/// Where a kernel finds an input or puts an output.
public struct Operand {
  /// Where the element with all indices 0 is.
  public let pointer: UnsafeMutableRawPointer
  /// The lengths of the axes.
  public let shape: Shape
  /// Distance between neighbours along each axis, in elements.
  public let strides: [Int]
  /// The type of the elements.
  public let dtype: DType

  package init(pointer: UnsafeMutableRawPointer, layout: Layout, dtype: DType) {
    self.pointer = pointer + layout.offset * dtype.size
    shape = layout.shape
    strides = layout.strides
    self.dtype = dtype
  }

  /// The number of elements.
  public var elementCount: Int { shape.elementCount }
  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool { Layout(shape: shape, strides: strides).isContiguous }

  /// The first element, typed.
  public func pointer<S>(as type: S.Type) -> UnsafeMutablePointer<S> {
    pointer.assumingMemoryBound(to: type)
  }
}

/// What a gradient rule gets.
public struct GradientContext {
  /// The inputs that the operation had, in order.
  public let inputs: [Tensor]
  /// The outputs that the operation gave, in order.
  public let outputs: [Tensor]
  /// The gradient with respect to each output; nil where the output does not matter.
  public let incoming: [Tensor?]
  /// Whether anybody asks for the gradient with respect to each input.
  let needed: [Bool]

  /// Whether anybody asks for the gradient with respect to an input: not where it is data, nor where its backward pass ends in no
  /// parameter. A rule may give nil for it and need not compute anything.
  public func needsGradient(_ input: Int) -> Bool { needed[input] }

  /// The first input.
  public var x: Tensor { inputs[0] }
  /// The first output.
  public var y: Tensor { outputs[0] }
  /// The gradient with respect to the first output, zeros where it does not matter.
  public var g: Tensor { incomingOrZeros(0) }

  /// What a rule for two inputs returns, each of its input's shape: computed only where somebody asks for it, else nil.
  public func wanted(
    _ first: @autoclosure () -> Tensor?, _ second: @autoclosure () -> Tensor?
  ) -> [Tensor?] {
    [needed[0] ? first() : nil, needed[1] ? second() : nil]
  }

  /// What a rule for three inputs returns, each of its input's shape: computed only where somebody asks for it, else nil.
  public func wanted(
    _ first: @autoclosure () -> Tensor?, _ second: @autoclosure () -> Tensor?,
    _ third: @autoclosure () -> Tensor?
  ) -> [Tensor?] {
    wanted(first(), second()) + [needed[2] ? third() : nil]
  }

  /// The gradient with respect to an output, of the output's shape; zeros where it does not matter.
  public func incomingOrZeros(_ index: Int = 0) -> Tensor {
    incoming[index] ?? .zeros(outputs[index].shape, dtype: outputs[index].dtype)
  }

  /// The gradient with respect to each leaf when `composed` are the outputs once more, made from the leaves by operations
  /// that have gradients themselves; nil for leaves that stand for inputs which need none.
  ///
  /// - Parameters:
  ///   - composed: the outputs, one for each.
  ///   - leaves: what they were made from.
  ///   - numbers: the inputs that the leaves stand for; nil for the first ones.
  /// - Returns: one entry a leaf.
  func gradients(
    through composed: [Tensor], to leaves: [Node], of numbers: [Int]? = nil
  ) -> [Tensor?] {
    let arrived = zip(composed, incoming).compactMap { output, g in g.map { (output, $0) } }
    let isNeeded = (numbers ?? Array(leaves.indices)).map { needed[$0] }
    let asked = zip(leaves, isNeeded).filter(\.1).map(\.0)
    var found = backward(from: arrived.map(\.0), seeds: arrived.map(\.1), to: asked)[...]
    return isNeeded.map { $0 ? found.popFirst() ?? nil : nil }
  }
}

/// A primitive that matters to gradients only: its outputs are its last inputs, and a plan, made when gradients have been
/// taken, takes those.
package protocol GradientMarker: Primitive {}
