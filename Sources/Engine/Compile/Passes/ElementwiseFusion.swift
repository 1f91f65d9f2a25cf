/// Makes one operation of a chain of elementwise ones, so that what lies between them never leaves the cache.
///
/// An operation is merged into its consumer when that is its only one and both have the same shape. Operations on few
/// elements stay as they are: for them the memory does not matter.
package struct ElementwiseFusion: Pass {
  package let name = "elementwise fusion"
  /// Fewer elements than this are not fused.
  package static let smallest = 256
  private static let maximumSteps = 24
  private static let maximumInputs = 12

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    var consumers: [Use: Int] = [:]
    for node in graph.nodes {
      for input in Set(node.inputs.compactMap(Use.init)) { consumers[input, default: 0] += 1 }
    }
    for kept in graph.outputs + graph.updates.map(\.value) {
      if let use = Use(kept) { consumers[use, default: 0] += 2 }
    }
    // What a node of the new graph stands for, by its number, and whether its consumer may swallow it.
    var programs: [Int: (program: ElementwiseProgram, inputs: [Tensor])] = [:]
    return graph.rewritten { node, inputs in
      guard let own = ElementwiseProgram(node), node.outputs[0].shape.elementCount >= Self.smallest
      else { return nil }
      var operands: [Tensor] = []
      var sources: [ElementwiseProgram.Source] = []
      var merged = ElementwiseProgram(steps: [])
      for input in inputs {
        if let producer = input.node.flatMap({ programs[$0.id] }),
          input.shape == node.outputs[0].shape,
          merged.steps.count + producer.program.steps.count < Self.maximumSteps,
          operands.count + producer.inputs.count <= Self.maximumInputs
        {
          sources.append(merged.append(producer.program, producer.inputs, to: &operands))
        } else {
          sources.append(.input(Self.position(of: input, in: &operands)))
        }
      }
      let program = merged.appending(own, sources)
      let primitive: any Primitive =
        program.steps.count == 1 ? node.primitive : FusedElementwise(program: program)
      let fresh = Node(
        primitive: primitive, inputs: program.steps.count == 1 ? inputs : operands,
        outputs: node.outputs, values: [])
      if consumers[Use(id: node.id, output: 0)] == 1 { programs[fresh.id] = (program, operands) }
      return [fresh.output(0)]
    }
  }

  fileprivate static func position(of tensor: Tensor, in operands: inout [Tensor]) -> Int {
    let known = operands.firstIndex { other in
      other.isTraced == tensor.isTraced && other.dtype == tensor.dtype
        && other.layout == tensor.layout
        && (tensor.isTraced
          ? other.node === tensor.node && other.outputIndex == tensor.outputIndex
          : other.storage === tensor.storage)
    }
    if let known { return known }
    operands.append(tensor)
    return operands.count - 1
  }

  private struct Use: Hashable {
    let id: Int
    let output: Int

    init(id: Int, output: Int) {
      self.id = id
      self.output = output
    }

    init?(_ tensor: Tensor) {
      guard tensor.isTraced, let node = tensor.node else { return nil }
      self.init(id: node.id, output: tensor.outputIndex)
    }
  }
}

extension ElementwiseProgram {
  /// Adds a program whose inputs are `inputs`, and gives where its result is.
  fileprivate mutating func append(
    _ other: ElementwiseProgram, _ inputs: [Tensor], to operands: inout [Tensor]
  ) -> Source {
    let positions = inputs.map { ElementwiseFusion.position(of: $0, in: &operands) }
    let start = steps.count
    for step in other.steps {
      var step = step
      step.sources = step.sources.map { source in
        switch source {
        case .input(let index): .input(positions[index])
        case .step(let index): .step(start + index)
        }
      }
      steps.append(step)
    }
    return .step(steps.count - 1)
  }

  /// This program and then the only step of `last`, which reads `sources`.
  fileprivate func appending(_ last: ElementwiseProgram, _ sources: [Source]) -> ElementwiseProgram
  {
    var program = self
    var step = last.steps[0]
    step.sources = sources
    program.steps.append(step)
    return program
  }
}
