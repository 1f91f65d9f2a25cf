/// An operation such as a product and the elementwise operations after it, as one: `after(before(operands) + host)`.
///
/// What is added to the result is put in its memory beforehand and the product added to it there, which BLAS does anyway:
/// a bias or the other branch of a residual block then costs next to nothing. The rest runs on each block when it has just
/// been computed.
struct HostWithEpilogue: Primitive {
  let host: any EpilogueHost
  /// How many of the inputs are the host's, which come first.
  let hostInputs: Int
  /// The shape of the host's own result: the output is as many numbers, perhaps in another shape.
  let hostShape: Shape
  let shape: Shape
  /// What happens to the result, for printing.
  let names: String
  /// What the host's result is added to, from the inputs; nil for nothing.
  let before: ElementwiseProgram?
  /// What becomes of the sum, which is input 0 (the inputs of this operation are counted from 1); nil for nothing.
  let after: ElementwiseProgram?
  /// The inputs whose memory the output may take.
  let overwritable: [Int]

  var name: String { "fused(\(host.name) \(names))" }
  var acceptsStrided: Bool { true }
  var inPlace: [InPlacePair] { overwritable.map { InPlacePair(output: 0, input: $0) } }

  static func == (a: Self, b: Self) -> Bool {
    AnyHashable(a.host) == AnyHashable(b.host) && a.hostShape == b.hostShape
      && a.shape == b.shape && a.before == b.before && a.after == b.after
      && a.overwritable == b.overwritable
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(host))
    hasher.combine(before)
    hasher.combine(after)
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    let result = try host.infer(Array(inputs.prefix(hostInputs)))
    return [TensorSpec(shape, result[0].dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let output = outputs[0]
    let result = Operand(
      pointer: output.pointer, layout: Layout(rowMajor: hostShape), dtype: output.dtype)
    var work = BlockWork(accumulates: before != nil)
    if let before, !isInPlace(before, inputs, output) {
      let runner = runner(before, inputs, output, workspace)
      work.before = { runner.run(rows: $0, columns: $1, $2) }
    }
    if let after {
      let runner = runner(after, [output] + inputs, output, workspace)
      work.after = { runner.run(rows: $0, columns: $1, $2) }
    }
    return host.prepare(Array(inputs.prefix(hostInputs)), result, workspace, around: work)
  }

  /// A program bound to those of `inputs` that it reads.
  private func runner(
    _ program: ElementwiseProgram, _ inputs: [Operand], _ output: Operand, _ workspace: Workspace
  ) -> ElementwiseRunner {
    let read = program.inputs
    return ElementwiseRunner(
      program.renumbered { read.firstIndex(of: $0) ?? 0 }, read.map { inputs[$0] }, output,
      workspace, keepsRows: true)
  }

  /// Whether what is to be added to is in its place already.
  private func isInPlace(_ before: ElementwiseProgram, _ inputs: [Operand], _ output: Operand)
    -> Bool
  {
    guard before.isCopy, let input = before.inputs.first else { return false }
    return inputs[input].pointer == output.pointer && inputs[input].isContiguous
  }

  func gradient(_ context: GradientContext) -> [Tensor?] {
    fatalError("fused operations are made after gradients have been taken")
  }
}
