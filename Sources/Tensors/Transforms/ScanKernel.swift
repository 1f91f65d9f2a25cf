/// Runs a loop: a plan of one step, again and again.
///
/// The states are variables of that plan, in the memory where the last ones are to be, so that a step writes the next states over
/// its own where it can. Constants are read where they are. A step's slices are copied into the plan's inputs, and its results out.
final class ScanKernel {
  private let plan: Plan
  private let count: Int
  private let isReversed: Bool
  private let step: Step
  private let first: [Kernel]
  private let before: [Kernel]
  private let after: [Kernel]

  /// The number of the step that runs.
  private final class Step {
    var number = 0
  }

  /// Binds `loop` to memory. Throws what ``Plan`` throws.
  init(
    _ loop: ScanOperation, _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) throws {
    let (body, step) = (loop.body, Step())
    var first: [Kernel] = []
    var graph = Passes.standard.reduce(body.graph) { $1.run($0) }
    let placeholders = body.inputs.prefix(body.stateCount)
    let variables = placeholders.indices.map { index in
      let spec = placeholders[index].spec
      let variable = Variable(
        path: "state \(index)", kind: .state, initial: .zeros(spec.shape, dtype: spec.dtype))
      variable.move(
        to: Storage(outputs[index].pointer, byteCount: spec.byteCount, owner: workspace))
      first.append(copyKernel(inputs[index], outputs[index], workspace))
      return variable
    }
    graph.inputs = Array(body.slices + body.constants)
    graph.variables = Array(zip(variables, placeholders))
    graph.updates = Array(zip(variables, graph.outputs))

    // States before the step are copied from where they are; other results must lie in a row.
    let results = graph.outputs[body.stateCount...]
    let states = results.map { result in placeholders.firstIndex { $0.isSame(as: result) } }
    graph.outputs = zip(results, states).filter { $1 == nil }.map { result, _ in
      Node(primitive: Contiguous(), inputs: [result], outputs: [result.spec], values: []).output(0)
    }

    // Each input of a plan has its own memory: what lies in that of another one, or in that of a tensor inside, is copied.
    var memory: [Int: Storage] = [:]
    var taken = (graph.nodes.flatMap(\.inputs) + graph.updates.map(\.value)).compactMap { tensor in
      tensor.storage.map { Self.range($0.pointer, $0.byteCount) }
    }
    for (offset, constant) in inputs[(body.stateCount + body.sliceCount)...].enumerated() {
      let range = Self.range(constant.pointer, constant.elementCount * constant.dtype.size)
      if taken.contains(where: range.overlaps) { continue }
      taken.append(range)
      memory[body.sliceCount + offset] = Storage(
        constant.pointer, byteCount: range.count, owner: workspace)
    }
    let plan = try Plan(graph, passes: [], inputMemory: memory)
    for (offset, constant) in inputs[body.stateCount...].enumerated()
    where offset >= body.sliceCount && memory[offset] == nil {
      let target = Operand(
        pointer: plan.inputPointer(offset), layout: Layout(rowMajor: constant.shape),
        dtype: constant.dtype)
      first.append(copyKernel(constant, target, workspace))
    }

    func slice(
      of whole: Operand, along axis: Int, _ part: UnsafeMutableRawPointer, isStored: Bool
    ) -> Kernel {
      let lengths = whole.shape.dimensions
      let row = lengths[(axis + 1)...].reduce(whole.dtype.size, *)
      let bytes = lengths[..<axis].reduce(row, *)
      let stride = row * lengths[axis]
      let grain = 4 * Workspace.elementGrain
      return workspace.parallel(bytes, grain: grain, multiple: 64) { bytes, _ in
        let begin = whole.pointer + step.number * row
        var index = bytes.lowerBound
        while index < bytes.upperBound {
          let (number, column) = index.quotientAndRemainder(dividingBy: row)
          let length = min(row - column, bytes.upperBound - index)
          let (outer, inner) = (begin + number * stride + column, part + index)
          if isStored {
            outer.copyMemory(from: inner, byteCount: length)
          } else {
            inner.copyMemory(from: outer, byteCount: length)
          }
          index += length
        }
      }
    }
    var before = loop.sliceAxes.enumerated().map { index, axis in
      slice(
        of: inputs[body.stateCount + index], along: axis, plan.inputPointer(index),
        isStored: false)
    }
    var after: [Kernel] = []
    var made = plan.outputs[...]
    for (index, state) in states.enumerated() {
      let (whole, axis) = (outputs[body.stateCount + index], loop.resultAxes[index])
      if let state {
        before.append(slice(of: whole, along: axis, outputs[state].pointer, isStored: true))
      } else if let result = made.popFirst() {
        after.append(slice(of: whole, along: axis, result.pointer, isStored: true))
      }
    }
    (self.plan, self.step, count, isReversed) = (plan, step, loop.count, loop.isReversed)
    (self.first, self.before, self.after) = (first, before, after)
  }

  private static func range(_ pointer: UnsafeMutableRawPointer, _ bytes: Int) -> Range<Int> {
    Int(bitPattern: pointer)..<(Int(bitPattern: pointer) + bytes)
  }

  /// All steps. Allocates nothing.
  func run() throws {
    for kernel in first { try kernel() }
    for index in 0..<count {
      step.number = isReversed ? count - 1 - index : index
      for kernel in before { try kernel() }
      try plan.run()
      for kernel in after { try kernel() }
    }
  }
}
