/// A loop over slices of its inputs, in which states go from step to step. A graph holds it as one operation, however many steps
/// it has.
///
/// Inputs: the first states; tensors with a slice for each step along one axis; what is the same at all steps. Outputs: the last
/// states, and the results of all steps, each stacked along an axis. See ``ScanKernel`` for how it runs.
struct ScanOperation: Primitive {
  let body: LoopBody
  /// The number of steps.
  let count: Int
  /// The axis of each sliced input along which the steps lie.
  let sliceAxes: [Int]
  /// The axis of each result along which the steps are put.
  let resultAxes: [Int]
  /// Whether the last slices come first. Results lie where the slices lie that they were made from.
  let isReversed: Bool

  var name: String { "scan" }

  /// A loop whose gradient keeps what it needs along the first axis.
  init(_ body: LoopBody, count: Int, sliceAxes: [Int], resultAxes: [Int], isReversed: Bool) {
    self.body = body
    self.count = count
    self.sliceAxes = sliceAxes
    self.resultAxes =
      resultAxes + [Int](repeating: 0, count: body.results.count - resultAxes.count)
    self.isReversed = isReversed
  }

  static func == (a: Self, b: Self) -> Bool {
    a.body === b.body && a.count == b.count && a.isReversed == b.isReversed
      && a.sliceAxes == b.sliceAxes && a.resultAxes == b.resultAxes
  }

  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(body)) }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: body.inputs.count)
    let slices = zip(body.slices, sliceAxes).map { stacked($0.spec, along: $1) }
    let states = body.inputs.prefix(body.stateCount).map(\.spec)
    for (expected, input) in zip(states + slices + body.constants.map(\.spec), inputs) {
      try expectEqual(expected, input)
    }
    return states + zip(body.results, resultAxes).map { stacked($0.spec, along: $1) }
  }

  private func stacked(_ spec: TensorSpec, along axis: Int) -> TensorSpec {
    var dimensions = spec.shape.dimensions
    dimensions.insert(count, at: axis)
    return TensorSpec(Shape(dimensions), spec.dtype)
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    do {
      let kernel = try ScanKernel(self, inputs, outputs, workspace)
      return { try kernel.run() }
    } catch {
      return { throw error }
    }
  }

  /// The outputs on these inputs; where a gradient will be taken of them what it needs is kept.
  ///
  /// - Throws: the first error of an operation.
  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    guard GradientDepth.current > 0, inputs.contains(where: { $0.node != nil }) else {
      return apply(self, inputs)
    }
    // What would the gradient read? It is taken outside.
    let pullback = try GradientDepth.$current.withValue(GradientDepth.current - 1) {
      try LoopPullback(
        body, isNeeded: isNeeded { inputs[$0].node != nil },
        arrives: body.outputs.map(\.dtype.isFloating))
    }
    return Array(apply(keeping(pullback.wanted), inputs).prefix(body.outputs.count))
  }

  private func keeping(_ more: [Tensor]) -> ScanOperation {
    ScanOperation(
      body.keeping(more), count: count, sliceAxes: sliceAxes, resultAxes: resultAxes,
      isReversed: isReversed)
  }

  /// The inputs of the step with gradients: all states, since they pass them on, and of the others those that are asked for.
  private func isNeeded(_ isAsked: (Int) -> Bool) -> [Bool] {
    body.inputs.indices.map {
      body.inputs[$0].dtype.isFloating && ($0 < body.stateCount || isAsked($0))
    }
  }

  // MARK: The gradient

  /// A loop in the other direction, whose states are the gradients of the states, and the sums over the steps for what is
  /// the same at all of them.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    do {
      return try backward(c)
    } catch {
      fail(error)
      return c.inputs.map { _ in nil }
    }
  }

  private func backward(_ c: GradientContext) throws -> [Tensor?] {
    let states = body.stateCount
    let arrives = body.outputs.indices.map {
      body.outputs[$0].dtype.isFloating && ($0 < states || c.incoming[$0] != nil)
    }
    let pullback = try LoopPullback(
      body, isNeeded: isNeeded(c.needsGradient), arrives: arrives)
    let kept = keptResults(pullback.wanted, c)
    let places = pullback.wanted.map { Placeholder.tensor($0.spec, index: 0) }
    let gradients = pullback.gradients(reading: places)

    // States of the loop backwards, with what they are at first.
    var inputs: [Tensor] = []
    var next: [Tensor] = []
    var first: [Tensor] = []
    func addState(_ placeholder: Tensor, _ value: Tensor, from initial: Tensor?) {
      inputs.append(placeholder)
      next.append(value)
      first.append(initial ?? .zeros(placeholder.shape, dtype: placeholder.dtype))
    }
    var outputs = [Int?](repeating: nil, count: body.inputs.count)
    for index in 0..<states {
      guard let seed = pullback.seeds[index] else { continue }
      outputs[index] = next.count
      addState(
        seed, gradients[index] ?? .zeros(seed.shape, dtype: seed.dtype), from: c.incoming[index])
    }
    let constants = body.inputs.indices.suffix(body.constants.count)
    for index in constants {
      guard let gradient = gradients[index] else { continue }
      outputs[index] = next.count
      let sum = Placeholder.tensor(gradient.spec, index: 0)
      addState(sum, sum + gradient, from: nil)
    }
    let sliced = states..<constants.lowerBound
    var results: [Tensor] = []
    for index in sliced {
      guard let gradient = gradients[index] else { continue }
      outputs[index] = next.count + results.count
      results.append(gradient)
    }

    // What it reads.
    let read = Set(
      reachable(from: next + results).lazy.filter { $0.primitive is Placeholder }.map(\.id))
    typealias Slice = (placeholder: Tensor, value: Tensor, axis: Int)
    var slices: [Slice] = sliced.map { (body.inputs[$0], c.inputs[$0], sliceAxes[$0 - states]) }
    slices += zip(places, kept).map { ($0, $1.value, $1.axis) }
    for index in states..<body.outputs.count {
      guard let seed = pullback.seeds[index], let arriving = c.incoming[index] else { continue }
      slices.append((seed, arriving, resultAxes[index - states]))
    }
    func isRead(_ tensor: Tensor) -> Bool { tensor.node.map { read.contains($0.id) } ?? false }
    slices = slices.filter { isRead($0.placeholder) }
    let shared = constants.filter { isRead(body.inputs[$0]) }
    let loop = LoopBody(
      inputs: inputs + slices.map(\.placeholder) + shared.map { body.inputs[$0] },
      outputs: next + results, stateCount: next.count, sliceCount: slices.count)
    let found = try ScanOperation(
      loop, count: count, sliceAxes: slices.map(\.axis),
      resultAxes: sliced.filter { gradients[$0] != nil }.map { sliceAxes[$0 - states] },
      isReversed: !isReversed
    ).run(first + slices.map(\.value) + shared.map { c.inputs[$0] })
    return outputs.map { $0.map { found[$0] } }
  }

  /// What was kept of the step's tensors, stacked along an axis. Where something is missing, because nobody knew of the gradient,
  /// the loop runs once more.
  private func keptResults(
    _ wanted: [Tensor], _ c: GradientContext
  ) -> [(value: Tensor, axis: Int)] {
    var places: [ResultKey: Int] = [:]
    let firstKept = body.outputs.count - body.keptCount
    for (offset, tensor) in body.kept.enumerated() {
      if let key = ResultKey(tensor) { places[key] = firstKept + offset }
    }
    var outputs = c.outputs
    let missing = wanted.filter { tensor in ResultKey(tensor).map { places[$0] == nil } ?? false }
    if !missing.isEmpty {
      for (offset, tensor) in missing.enumerated() {
        if let key = ResultKey(tensor) { places[key] = body.outputs.count + offset }
      }
      outputs = apply(keeping(missing), c.inputs)
    }
    let axes = resultAxes + missing.map { _ in 0 }
    return wanted.map { tensor in
      let place = ResultKey(tensor).flatMap { places[$0] } ?? 0
      return (outputs[place], axes[place - body.stateCount])
    }
  }

  // MARK: Many examples

  /// One loop for all examples, each step of which is that of all.
  func batched(_ inputs: [Tensor], mapped: [Bool], count examples: Int) -> [Tensor]? {
    // States and slices differ as soon as anything does.
    let own = body.stateCount + body.sliceCount
    let isMapped = inputs.indices.map { $0 < own || mapped[$0] }
    let specs = zip(body.inputs, isMapped).map { input, isMapped in
      isMapped ? TensorSpec(Shape([examples] + input.shape.dimensions), input.dtype) : input.spec
    }
    do {
      let graph = try Trace.record(specs) {
        try flatVmap({ self.body($0) }, $0, mapped: isMapped, count: examples)
      }
      let wide = LoopBody(
        inputs: graph.inputs, outputs: graph.outputs, stateCount: body.stateCount,
        sliceCount: body.sliceCount, keptCount: body.keptCount)
      let loop = ScanOperation(
        wide, count: count, sliceAxes: sliceAxes.map { $0 + 1 },
        resultAxes: resultAxes.map { $0 + 1 }, isReversed: isReversed)
      return apply(
        loop,
        inputs.indices.map { index in
          isMapped[index]
            ? inputs[index].examples(examples, isMapped: mapped[index]) : inputs[index]
        })
    } catch {
      fail(error)
      return [Tensor](repeating: .invalid, count: body.outputs.count)
    }
  }
}

extension ScanOperation: HoldsGraph {
  func rewritten(by pass: any Pass) -> any Primitive {
    ScanOperation(
      body.rewritten(by: pass), count: count, sliceAxes: sliceAxes, resultAxes: resultAxes,
      isReversed: isReversed)
  }
}
