/// Makes one operation of a chain of elementwise ones, so that what lies between them never leaves the cache.
///
/// An operation is merged into its reader when that is the only one and both have the same shape. Operations on few
/// elements stay as they are: for them the memory does not matter.
///
/// ```
/// %0 = multiply(in0, in1) : float32 [32, 48]
/// %1 = add(%0, in2) : float32 [32, 48]            %0 = fused(multiply add tanh)(in0, in1, in2) : float32 [32, 48]
/// %2 = tanh(%1) : float32 [32, 48]                return %0
/// return %2
/// ```
package struct ElementwiseFusion: Pass {
  package let name = "elementwise fusion"
  /// Fewer elements than this are not fused.
  package static let smallest = 256
  private static let maximumOperations = 24
  private static let maximumInputs = 12

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    let uses = GraphUses(graph)
    // What a node of the new graph stands for, by its number, if its reader may swallow it.
    var programs: [Int: (program: ElementwiseProgram, inputs: [Tensor])] = [:]
    return graph.rewritten { node, inputs in
      guard let own = ElementwiseProgram(node), node.outputs[0].shape.elementCount >= Self.smallest
      else { return nil }
      var operands: [Tensor] = []
      var sources: [ElementwiseProgram.Source] = []
      var merged = ElementwiseProgram(operations: [])
      // What has been swallowed, by its number: `y * y` computes y once.
      var swallowed: [Int: ElementwiseProgram.Source] = [:]
      for input in inputs {
        if let id = input.tracedNode?.id, let known = swallowed[id] {
          sources.append(known)
        } else if let id = input.tracedNode?.id, let producer = programs[id],
          input.shape == node.outputs[0].shape,
          merged.operations.count + producer.program.operations.count < Self.maximumOperations,
          operands.count + producer.inputs.count <= Self.maximumInputs
        {
          let source = merged.append(producer.program, producer.inputs, to: &operands)
          swallowed[id] = source
          sources.append(source)
        } else {
          sources.append(.input(operands.position(of: input)))
        }
      }
      let program = merged.appending(own, sources)
      let isAlone = program.operations.count == 1
      let fresh = node.replaced(
        by: isAlone ? node.primitive : FusedElementwise(program: program),
        isAlone ? inputs : operands)
      if uses.hasOneReader(node), let id = fresh[0].tracedNode?.id {
        programs[id] = (program, operands)
      }
      return fresh
    }
  }
}

extension [Tensor] {
  /// Where a tensor is in this list; it is put at the end if it is not there.
  mutating func position(of tensor: Tensor) -> Int {
    if let known = firstIndex(where: tensor.isSame) { return known }
    append(tensor)
    return count - 1
  }
}

extension ElementwiseProgram {
  /// Adds a program whose inputs are `inputs`, and gives where its result is.
  fileprivate mutating func append(
    _ other: ElementwiseProgram, _ inputs: [Tensor], to operands: inout [Tensor]
  ) -> Source {
    let positions = inputs.map { operands.position(of: $0) }
    let start = operations.count
    for operation in other.operations {
      var operation = operation
      operation.sources = operation.sources.map { source in
        switch source {
        case .input(let index): .input(positions[index])
        case .operation(let index): .operation(start + index)
        }
      }
      operations.append(operation)
    }
    return .operation(operations.count - 1)
  }

  /// This program and then the only operation of `last`, which reads `sources`.
  fileprivate func appending(_ last: ElementwiseProgram, _ sources: [Source]) -> ElementwiseProgram
  {
    var program = self
    var operation = last.operations[0]
    operation.sources = sources
    program.operations.append(operation)
    return program
  }
}
