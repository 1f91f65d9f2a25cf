import Tensors

/// The arithmetic of an optimizer on one stretch of memory: see ``Optimizer/updateRule``.
///
/// ```swift
/// /// `m = momentum · m + g`, `p -= rate · sign(m)`.
/// struct SignRule: UpdateRule {
///   let momentum: Double
///
///   func apply(
///     parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
///     slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType, learningRate: Double, iteration: Int
///   ) {
///     func run<S: BinaryFloatingPoint>(_ type: S.Type) {
///       let p = parameter.assumingMemoryBound(to: type)
///       let g = gradient.assumingMemoryBound(to: type)
///       let m = slots[0].assumingMemoryBound(to: type)
///       let (rate, momentum) = (S(learningRate), S(momentum))
///       for i in 0..<count {
///         m[i] = momentum * m[i] + g[i]
///         p[i] -= m[i] > 0 ? rate : m[i] < 0 ? -rate : 0
///       }
///     }
///     if dtype == .float64 { run(Double.self) } else { run(Float.self) }
///   }
/// }
/// ```
///
/// Its properties are what an update depends on: a plan is compiled for their values. Nothing is allocated and no lock is taken.
public protocol UpdateRule: Hashable, Sendable {
  /// Changes `count` elements in place; called on several threads, each with elements of its own, and, where there are weight decay or moving
  /// averages, for one short block after another.
  ///
  /// - Parameters:
  ///   - parameter: the first element to change, decayed already.
  ///   - gradient: the first element of its gradient, of the same scalar type.
  ///   - slots: the first element of each slot, in the order of ``Optimizer/slots``, of that type too.
  ///   - count: the number of elements.
  ///   - dtype: float32 or float64.
  ///   - learningRate: for this step.
  ///   - iteration: 1 at the first step.
  func apply(
    parameter: UnsafeMutableRawPointer, gradient: UnsafeRawPointer,
    slots: UnsafePointer<UnsafeMutableRawPointer>, count: Int, dtype: DType, learningRate: Double,
    iteration: Int)
}

/// One update of all parameters and slots, in place, in one sweep over memory: neighbours in memory become one stretch.
///
/// Weight decay comes before the rule and moving averages after it, a block that fits the first cache at a time.
///
/// Inputs: learning rate (float32), iteration (int64), then parameters, then each slot of all parameters, then gradients.
/// Outputs: parameters, then each slot. Averages are the last slot, which the rule does not see.
struct FusedUpdate<Rule: UpdateRule>: Primitive {
  let rule: Rule
  let count: Int
  let slotCount: Int
  let weightDecay: Double
  let average: MovingAverage?

  var name: String { "update[\(rule)]" }

  var inPlace: [InPlacePair] {
    (0..<count * (1 + slotCount)).map { InPlacePair(output: $0, input: $0 + 2) }
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    let changed = count * (1 + slotCount)
    for index in 0..<count where inputs[2 + index] != inputs[2 + changed + index] {
      throw .shape(
        operation: "optimizer",
        message: "a gradient \(inputs[2 + changed + index]) for a parameter \(inputs[2 + index])")
    }
    return Array(inputs[2..<2 + changed])
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let changed = count * (1 + slotCount)
    var stretches: [Stretch] = []
    var copies: [(from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer, bytes: Int)] = []
    for index in 0..<changed where inputs[2 + index].pointer != outputs[index].pointer {
      let bytes = outputs[index].elementCount * outputs[index].dtype.size
      copies.append((inputs[2 + index].pointer, outputs[index].pointer, bytes))
    }
    for index in 0..<count {
      let next = Stretch(
        dtype: outputs[index].dtype, count: outputs[index].elementCount,
        parameter: outputs[index].pointer, gradient: inputs[2 + changed + index].pointer,
        slots: (0..<slotCount).map { outputs[(1 + $0) * count + index].pointer })
      if let last = stretches.last, last.isFollowed(by: next) {
        stretches[stretches.count - 1].count += next.count
      } else if next.count > 0 {
        stretches.append(next)
      }
    }
    let learningRate = inputs[0].pointer(as: Float.self)
    let iteration = inputs[1].pointer(as: Int64.self)
    let updates = stretches.map { stretch in
      workspace.parallel(
        stretch.count, grain: Workspace.elementGrain, multiple: 16
      ) { range, _ in
        apply(
          stretch, range, learningRate: Double(learningRate.pointee),
          iteration: Int(iteration.pointee))
      }
    }
    return {
      for copy in copies { copy.to.copyMemory(from: copy.from, byteCount: copy.bytes) }
      for update in updates { try update() }
    }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] {
    [Tensor?](repeating: nil, count: context.inputs.count)
  }

  private struct Stretch {
    let dtype: DType
    var count: Int
    let parameter: UnsafeMutableRawPointer
    let gradient: UnsafeMutableRawPointer
    let slots: [UnsafeMutableRawPointer]

    func isFollowed(by next: Stretch) -> Bool {
      let bytes = count * dtype.size
      return dtype == next.dtype && parameter + bytes == next.parameter
        && gradient + bytes == next.gradient
        && zip(slots, next.slots).allSatisfy { $0 + bytes == $1 }
    }
  }

  /// Elements that are decayed, updated and averaged while they are in the first cache.
  private static var block: Int { 2048 }

  /// Updates the elements `range` of a stretch.
  private func apply(
    _ stretch: Stretch, _ range: Range<Int>, learningRate: Double, iteration: Int
  ) {
    let (dtype, ruleSlots) = (stretch.dtype, slotCount - (average == nil ? 0 : 1))
    let length = weightDecay == 0 && average == nil ? range.count : Self.block
    withUnsafeTemporaryAllocation(
      of: UnsafeMutableRawPointer.self, capacity: max(slotCount, 1)
    ) { moved in
      guard let pointers = moved.baseAddress else { return }
      var first = range.lowerBound
      while first < range.upperBound {
        let count = min(length, range.upperBound - first)
        let offset = first * dtype.size
        for (index, slot) in stretch.slots.enumerated() {
          moved.initializeElement(at: index, to: slot + offset)
        }
        let parameter = stretch.parameter + offset
        if weightDecay != 0 {
          // Descent along the parameter itself is decay; the kernel allows its two arrays to be one.
          UpdateKernels.sgd(
            dtype, parameter, parameter, learningRate: learningRate * weightDecay, count: count)
        }
        rule.apply(
          parameter: parameter, gradient: stretch.gradient + offset, slots: pointers,
          count: count, dtype: dtype, learningRate: learningRate, iteration: iteration)
        average?.apply(dtype, parameter, pointers[ruleSlots], count: count, iteration: iteration)
        first += count
      }
    }
  }
}

extension Optimizer {
  /// One ``FusedUpdate`` of all parameters; with `average` the last slots are averages.
  func fusedUpdate(
    _ rule: some UpdateRule, _ parameters: [Tensor], _ gradients: [Tensor], _ slots: [[Tensor]],
    step: Step, average: MovingAverage? = nil
  ) -> (parameters: [Tensor], slots: [[Tensor]]) {
    let count = parameters.count
    guard count > 0 else { return (parameters, slots) }
    let outputs = Engine.apply(
      FusedUpdate(
        rule: rule, count: count, slotCount: slots.count, weightDecay: step.weightDecay,
        average: average),
      [step.learningRate, step.iteration] + parameters + slots.flatMap { $0 } + gradients)
    return (
      Array(outputs[0..<count]),
      slots.indices.map { Array(outputs[(1 + $0) * count..<(2 + $0) * count]) }
    )
  }
}

extension UpdateRule {
  /// `1 − betaᵗ` at update t, with a power by squaring.
  func correction(_ beta: Double, _ iteration: Int) -> Double {
    var (power, square, rest) = (1.0, beta, iteration)
    while rest > 0 {
      if rest & 1 == 1 { power *= square }
      square *= square
      rest >>= 1
    }
    return 1 - power
  }
}
