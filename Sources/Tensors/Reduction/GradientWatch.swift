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
  private let own = Mutex<String?>(nil)

  /// - Parameters:
  ///   - names: of the gradients, in the order in which they are added over ranks.
  ///   - looks: whether a number that is not finite ends the step.
  package init(names: [String], looks: Bool) {
    (self.names, self.looks) = (names, looks)
  }

  /// What this rank has found since the last time: `the loss is nan`; nil for nothing.
  package func takeFinding() -> String? {
    own.withLock { finding in
      defer { finding = nil }
      return finding
    }
  }

  /// Notes what this rank has found, unless something is noted already; a loss says more than a gradient.
  func note(_ finding: String, isLoss: Bool) {
    own.withLock { if $0 == nil || isLoss { $0 = finding } }
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

extension Operand {
  /// Whether no element is infinite or NaN.
  var isFinite: Bool { apus_all_finite(dtype.code, pointer, elementCount) != 0 }

  /// The first element that is not finite, as text.
  var firstNotFinite: String {
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
    let (watch, output) = (watch, outputs[0])
    return {
      var found: Float = 0
      for (index, input) in inputs.enumerated() where !input.isFinite {
        let isLoss = index == inputs.count - 1
        let name = isLoss ? "the loss" : "the gradient of \(watch.name(index))"
        watch.note("\(name) is \(input.firstNotFinite)", isLoss: isLoss)
        found = 1
      }
      output.pointer.storeBytes(of: found, as: Float.self)
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
    let (input, output) = (inputs[0], outputs[0])
    return {
      let count = input.pointer.load(as: Float.self)
      if count != 0 { throw NotFinite() }
      output.pointer.storeBytes(of: count, as: Float.self)
    }
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
}
