import CKernels
import Synchronization

/// The gradients of a step by name, and what the step has found to be no finite number.
///
/// Found on any rank, it ends the step on all of them before anything is written: see ``NotFinite``.
package final class GradientWatch: Sendable {
  /// The watch of the step that is being traced or run.
  @TaskLocal package static var current: GradientWatch?

  /// The names of the gradients, in their order.
  package let names: [String]
  /// Whether gradients are looked at at all.
  package let looks: Bool
  private let own = Mutex<Finding?>(nil)

  /// A tensor with a number that is not finite: `the loss` and `nan`.
  package struct Finding: Sendable {
    package let tensor: String
    package let value: String
  }

  /// - Parameters:
  ///   - names: of the gradients, in the order in which they are added over ranks.
  ///   - looks: whether a number that is not finite ends the step.
  package init(names: [String], looks: Bool) {
    (self.names, self.looks) = (names, looks)
  }

  /// What this rank has found since the last time; nil for nothing.
  package func takeFinding() -> Finding? {
    own.withLock { finding in
      defer { finding = nil }
      return finding
    }
  }

  /// Whether this rank has found something since the last time.
  var hasFinding: Bool { own.withLock { $0 != nil } }

  /// Notes what this rank has found, unless something is noted already; a loss says more than a gradient.
  func note(_ tensor: String, is value: String, isLoss: Bool) {
    own.withLock { if $0 == nil || isLoss { $0 = Finding(tensor: tensor, value: value) } }
  }

  func name(_ index: Int) -> String {
    names.indices.contains(index) ? names[index] : "gradient \(index)"
  }
}

/// Thrown by the kernels of a step in which a rank has met a loss or gradient that is no finite number: by all ranks at the same
/// kernel, before the step has written a variable.
package struct NotFinite: Error {
  /// No variable has been written.
  package init() {}
}

/// Tensors that are looked at in every step, without counting references.
struct WatchedTensors {
  /// Elements side by side.
  struct Stretch {
    let pointer: UnsafeMutableRawPointer
    let count: Int
    let code: Int32

    var isFinite: Bool { apus_all_finite(code, pointer, count) != 0 }
  }

  private let places: ContiguousArray<Stretch>
  private let operands: [Operand]

  init(_ operands: some Sequence<Operand>) {
    self.operands = Array(operands)
    places = ContiguousArray(
      operands.map { Stretch(pointer: $0.pointer, count: $0.elementCount, code: $0.dtype.code) })
  }

  /// What part `part` of `parts` looks at: a piece of each tensor that is worth it; the first part has all of the others.
  func piece(_ part: Int, of parts: Int) -> ContiguousArray<Stretch> {
    var piece: ContiguousArray<Stretch> = []
    for (place, operand) in zip(places, operands) {
      let ranges = Workspace.parts(
        place.count, threads: parts, grain: Workspace.elementGrain, multiple: 64)
      guard ranges.indices.contains(part) else { continue }
      piece.append(
        Stretch(
          pointer: place.pointer + ranges[part].lowerBound * operand.dtype.size,
          count: ranges[part].count, code: place.code))
    }
    return piece
  }

  /// Calls `body` with the number of each tensor with an element that is infinite or NaN, and that element as text.
  ///
  /// - Returns: whether there was none.
  func allFinite(_ body: (Int, String) -> Void) -> Bool {
    var isFinite = true
    for index in places.indices {
      if places[index].isFinite { continue }
      isFinite = false
      body(index, operands[index].firstNotFinite)
    }
    return isFinite
  }
}

extension ContiguousArray<WatchedTensors.Stretch> {
  /// Whether no element of any is infinite or NaN.
  fileprivate var areFinite: Bool {
    for stretch in self where !stretch.isFinite { return false }
    return true
  }
}

extension Operand {
  /// The first element that is not finite, as text.
  fileprivate var firstNotFinite: String {
    for index in 0..<elementCount {
      let place = pointer + index * dtype.size
      let value =
        dtype == .float64 ? place.load(as: Double.self) : Double(place.load(as: Float.self))
      if !value.isFinite { return value.isNaN ? "nan" : "\(value)" }
    }
    return "not finite"
  }
}

/// 1 when an element of any input is not finite, else 0; the last input is the loss.
///
/// Inputs are any floating tensors, row-major; the output is a float32 scalar.
package struct CountNotFinite: Primitive {
  private let watch: GradientWatch

  package init(_ watch: GradientWatch) { self.watch = watch }

  package var isPure: Bool { false }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    [TensorSpec([], .float32)]
  }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (watch, output) = (watch, outputs[0].pointer)
    let (tensors, last) = (WatchedTensors(inputs), inputs.count - 1)
    // Each thread looks at a piece of every tensor, much of which it has computed itself, and leaves what it saw in its memory.
    workspace.require(bytes: MemoryLayout<Bool>.size)
    let pieces = (0..<workspace.threads).map { tensors.piece($0, of: workspace.threads) }
    let count = pieces.count { !$0.isEmpty }
    let sweep = workspace.parallel(count) { _, part in
      workspace.base(part: part).storeBytes(of: pieces[part].areFinite, as: Bool.self)
    }
    return {
      try sweep()
      var isFinite = (0..<count).allSatisfy { workspace.base(part: $0).load(as: Bool.self) }
      if !isFinite {
        isFinite = tensors.allFinite { index, value in
          let name = index == last ? "the loss" : "the gradient of \(watch.name(index))"
          watch.note(name, is: value, isLoss: index == last)
        }
      }
      output.storeBytes(of: isFinite ? 0 : 1, as: Float.self)
    }
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] { [] }

  package static func == (a: Self, b: Self) -> Bool { a.watch === b.watch }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(watch)) }
}

/// Ends the step when its input, a scalar that counts ranks, is not 0; its output is the input.
package struct RequireNone: StepGuard {
  package init() {}

  package var isPure: Bool { false }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (input, output) = (inputs[0].pointer, outputs[0].pointer)
    return {
      let count = input.load(as: Float.self)
      if count != 0 { throw NotFinite() }
      output.storeBytes(of: count, as: Float.self)
    }
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
}
