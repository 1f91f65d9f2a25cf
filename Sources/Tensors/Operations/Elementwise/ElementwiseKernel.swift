import CKernels

/// The loop of an ``Elementwise`` primitive over some elements: what a plan joins to the loops of its neighbours.
///
/// ```swift
/// ElementwiseKernel.unary { (x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count) in
///   for i in 0..<count { y[i] = x[i] * x[i] * x[i] }
/// }
/// ```
///
/// Inputs come without gaps, whatever their strides are. The output may be an input, exactly: element `i` is written when that of every
/// input has been read, and nothing else of them is read after that. A plan calls the loop for a thousand elements at a time,
/// from several threads at once; it allocates nothing and takes no locks.
public struct ElementwiseKernel {
  /// Inputs that an elementwise primitive can have.
  package static let mostInputs = 3

  package enum Function {
    case unary(apus_unary_fn)
    case binary(apus_binary_fn)
    /// A choice by a bool.
    case select(apus_select_fn)
    case loop(ElementLoop)
  }

  package let function: Function
  /// The scalar type of the output.
  public let output: DType

  /// `y[i]` from `x[i]`; the scalar types are those that the pointers have.
  public static func unary<X: TensorScalar, Y: TensorScalar>(
    _ loop:
      @escaping @Sendable (
        _ x: UnsafePointer<X>, _ y: UnsafeMutablePointer<Y>, _ count: Int
      ) -> Void
  ) -> Self {
    Self(X.self, X.self, X.self, Y.self, count: 1) { x, _, _, y, count in loop(x, y, count) }
  }

  /// `y[i]` from `a[i]` and `b[i]`; the scalar types are those that the pointers have.
  public static func binary<A: TensorScalar, B: TensorScalar, Y: TensorScalar>(
    _ loop:
      @escaping @Sendable (
        _ a: UnsafePointer<A>, _ b: UnsafePointer<B>, _ y: UnsafeMutablePointer<Y>, _ count: Int
      ) -> Void
  ) -> Self {
    Self(A.self, B.self, B.self, Y.self, count: 2) { a, b, _, y, count in loop(a, b, y, count) }
  }

  /// `y[i]` from `a[i]`, `b[i]` and `c[i]`; the scalar types are those that the pointers have.
  public static func ternary<
    A: TensorScalar, B: TensorScalar, C: TensorScalar, Y: TensorScalar
  >(
    _ loop:
      @escaping @Sendable (
        _ a: UnsafePointer<A>, _ b: UnsafePointer<B>, _ c: UnsafePointer<C>,
        _ y: UnsafeMutablePointer<Y>, _ count: Int
      ) -> Void
  ) -> Self {
    Self(A.self, B.self, C.self, Y.self, count: 3, loop)
  }

  private init<A: TensorScalar, B: TensorScalar, C: TensorScalar, Y: TensorScalar>(
    _: A.Type, _: B.Type, _: C.Type, _: Y.Type, count: Int,
    _ loop:
      @escaping @Sendable (
        _ a: UnsafePointer<A>, _ b: UnsafePointer<B>, _ c: UnsafePointer<C>,
        _ y: UnsafeMutablePointer<Y>, _ count: Int
      ) -> Void
  ) {
    output = Y.dtype
    function = .loop(
      ElementLoop(inputs: Array([A.dtype, B.dtype, C.dtype].prefix(count)), output: Y.dtype) {
        a, b, c, y, count in
        loop(
          a.assumingMemoryBound(to: A.self), b.assumingMemoryBound(to: B.self),
          c.assumingMemoryBound(to: C.self), y.assumingMemoryBound(to: Y.self), count)
      })
  }

  /// A kernel in C; nil where there is none.
  package init?(_ function: apus_unary_fn?, output: DType) {
    guard let function else { return nil }
    (self.function, self.output) = (.unary(function), output)
  }

  /// A kernel in C; nil where there is none.
  package init?(_ function: apus_binary_fn?, output: DType) {
    guard let function else { return nil }
    (self.function, self.output) = (.binary(function), output)
  }

  /// A kernel in C; nil where there is none.
  package init?(_ function: apus_select_fn?, output: DType) {
    guard let function else { return nil }
    (self.function, self.output) = (.select(function), output)
  }

  /// Whether it was made for inputs of these types; a kernel in C was looked up by them.
  func accepts(_ inputs: [DType]) -> Bool {
    if case .loop(let loop) = function { loop.inputs == inputs } else { true }
  }
}

/// A loop in Swift over elements without gaps, for inputs of any stride.
package final class ElementLoop: Sendable {
  package typealias Body =
    @Sendable (
      _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeRawPointer,
      _ y: UnsafeMutableRawPointer, _ count: Int
    ) -> Void

  /// An input: its first element, and the distance between elements.
  package typealias Source = (pointer: UnsafeMutableRawPointer, stride: Int)

  let inputs: [DType]
  private let widths: (a: Int, b: Int, c: Int, y: Int)
  private let body: Body
  /// Elements that are collected at a time where an input has gaps: little enough for the stack.
  private static let block = 32

  init(inputs: [DType], output: DType, _ body: @escaping Body) {
    self.inputs = inputs
    self.body = body
    func width(_ index: Int) -> Int { inputs[min(index, inputs.count - 1)].size }
    widths = (width(0), width(1), width(2), output.size)
  }

  /// Computes `count` elements; of fewer inputs than three the last ones are not read.
  package func run(
    _ a: Source, _ b: Source, _ c: Source, _ y: UnsafeMutableRawPointer, _ count: Int
  ) {
    if a.stride == 1 && b.stride == 1 && c.stride == 1 {
      body(a.pointer, b.pointer, c.pointer, y, count)
      return
    }
    let room = Self.block * 8
    withUnsafeTemporaryAllocation(byteCount: 3 * room, alignment: 16) { memory in
      guard let base = memory.baseAddress else { return }
      for start in stride(from: 0, to: count, by: Self.block) {
        let length = min(Self.block, count - start)
        body(
          Self.collect(a, widths.a, from: start, length, in: base),
          Self.collect(b, widths.b, from: start, length, in: base + room),
          Self.collect(c, widths.c, from: start, length, in: base + 2 * room),
          y + start * widths.y, length)
      }
    }
  }

  /// Some elements without gaps: where they are, or else collected in `room`.
  private static func collect(
    _ source: Source, _ width: Int, from start: Int, _ length: Int, in room: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    let step = source.stride * width
    let first = UnsafeRawPointer(source.pointer + start * step)
    if source.stride == 1 { return first }
    for index in 0..<length {
      (room + index * width).copyMemory(from: first + index * step, byteCount: width)
    }
    return UnsafeRawPointer(room)
  }
}
