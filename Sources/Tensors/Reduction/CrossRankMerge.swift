/// What `merge` makes of the values of all ranks, in every rank: for what is no sum, such as a variance.
///
/// One message forward, of each rank's `x`, and one in the backward pass, of the result: since all ranks compute the same result
/// from the same values, the gradients that arrive at it are added over ranks, and each rank goes on to its own `x` by itself.
///
/// - `x`: of one shape on all ranks.
/// - `merge`: from `[ranks, ...]` to a tensor, the same on all ranks.
package func mergedOverRanks(
  _ x: Tensor, _ communicator: any Communicator, _ merge: (Tensor) -> Tensor
) -> Tensor {
  let gathering = AllGatherOperation(
    communicator, rows: communicator.size, isGradientSummed: true)
  let gathered = apply1(gathering, x.expandDims(axis: 0))
  return apply1(CrossRankGradient(communicator), merge(gathered))
}

/// The input itself, whose gradient is the sum over all ranks of what arrives.
private struct CrossRankGradient: Primitive {
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator) { ranks = MeetingRanks(communicator) }

  var acceptsStrided: Bool { true }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }

  func view(of input: Layout) -> Layout? { input }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    copyKernel(inputs[0], outputs[0], workspace)
  }

  func gradient(_ c: GradientContext) -> [Tensor?] { [crossRankSum(c.g, over: ranks.communicator)] }

  func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}
