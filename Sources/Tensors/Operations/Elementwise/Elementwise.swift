import CKernels

/// A primitive that computes each element of its only output from the elements in the same place of its inputs, of which
/// there are up to three, of one shape.
///
/// The loop over elements and the gradient are all that a conforming type says. The rest follows: the shape rule, any strides, the
/// output in the memory of an input; that a plan makes one operation of it and its elementwise neighbours, or of a matrix
/// product and it; and that `vmap` does it for all examples at once.
///
/// ```swift
/// /// `x³` of each element.
/// struct Cube: Elementwise {
///   func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
///     guard inputs == [.float32] else { return nil }
///     return .unary { (x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count) in
///       for i in 0..<count { y[i] = x[i] * x[i] * x[i] }
///     }
///   }
///
///   func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * square(c.x) * 3] }
/// }
///
/// func cube(_ x: Tensor) -> Tensor { apply1(Cube(), x.cast(to: .float32)) }
/// ```
public protocol Elementwise: Primitive {
  /// The loop for inputs of these scalar types, nil where there is none.
  ///
  /// It depends on the types and on the primitive's attributes alone. Asked for when a shape is inferred and when a kernel is
  /// made, never while one runs.
  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel?
}

extension Elementwise {
  /// Any strides will do.
  public var acceptsStrided: Bool { true }

  /// The output may lie on any input; a plan does that where their scalar types are of one size.
  public var inPlace: [InPlacePair] {
    (0..<ElementwiseKernel.mostInputs).map { InPlacePair(output: 0, input: $0) }
  }

  /// The same operation: one axis more makes no difference.
  public func withExampleAxis(_ count: Int) -> (any Primitive)? { self }

  /// The shape of the inputs and the type that the kernel gives.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    guard let first = inputs.first, inputs.count <= ElementwiseKernel.mostInputs else {
      throw .invalidArgument(
        message: "\(name): takes 1 to \(ElementwiseKernel.mostInputs) inputs, got \(inputs.count)")
    }
    let types = inputs.map(\.dtype)
    guard let kernel = elementwiseKernel(for: types), kernel.accepts(types) else {
      let list = types.map { "\($0)" }.joined(separator: ", ")
      throw .dtype(operation: name, message: "does not work on \(list)")
    }
    if let other = inputs.first(where: { $0.shape != first.shape }) {
      throw .shape(
        operation: name,
        message: "inputs must have one shape, got \(first.shape) and \(other.shape)")
    }
    return [TensorSpec(first.shape, kernel.output)]
  }

  /// The loop over all elements, on as many threads as pay.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    prepare(elementwiseKernel(for: inputs.map(\.dtype)), inputs, outputs[0], workspace)
  }

  fileprivate func prepare(
    _ kernel: ElementwiseKernel?, _ inputs: [Operand], _ output: Operand, _ workspace: Workspace
  ) -> Kernel {
    guard output.elementCount > 0 else { return {} }
    guard let kernel else {
      fatalError("\(name): no kernel for \(inputs.map(\.dtype)), which infer admitted")
    }
    return kernel.bound(to: inputs, output, workspace)
  }
}

/// One input and one output of the same shape, computed element by element by a kernel in C.
///
/// A conforming type gives the code of its kernel and its gradient; all else is here.
package protocol UnaryElementwise: Elementwise {
  /// Which kernel of CKernels computes it.
  static var op: apus_unary_op { get }
  /// The scalar type of the output for an input of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension UnaryElementwise {
  /// The input's scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_unary(Self.op, inputs[0].code), output: outputType(inputs[0]))
  }

  /// The shape of the input.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    guard apus_unary(Self.op, inputs[0].dtype.code) != nil else {
      throw .unsupported(inputs[0].dtype, by: name)
    }
    return [TensorSpec(inputs[0].shape, outputType(inputs[0].dtype))]
  }

  /// The kernel in C, found without a list of types: every eager operation comes by.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    prepare(
      ElementwiseKernel(
        apus_unary(Self.op, inputs[0].dtype.code), output: outputs[0].dtype),
      inputs, outputs[0], workspace)
  }
}

/// Two inputs and one output of the same shape, computed element by element by a kernel in C.
///
/// Both inputs have one scalar type and one shape: the functions that users call promote and
/// broadcast first.
package protocol BinaryElementwise: Elementwise {
  /// Which kernel of CKernels computes it.
  static var op: apus_binary_op { get }
  /// The scalar type of the output for inputs of type `input`; the same type unless overridden.
  func outputType(_ input: DType) -> DType
}

extension BinaryElementwise {
  /// The inputs' scalar type.
  package func outputType(_ input: DType) -> DType { input }

  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_binary(Self.op, inputs[0].code), output: outputType(inputs[0]))
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectEqual(inputs[0], inputs[1])
    guard apus_binary(Self.op, inputs[0].dtype.code) != nil else {
      throw .unsupported(inputs[0].dtype, by: name)
    }
    return [TensorSpec(inputs[0].shape, outputType(inputs[0].dtype))]
  }

  /// The kernel in C, found without a list of types: every eager operation comes by.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    prepare(
      ElementwiseKernel(
        apus_binary(Self.op, inputs[0].dtype.code), output: outputs[0].dtype),
      inputs, outputs[0], workspace)
  }
}
