/// The sum of `x` over all ranks, in every rank, as a part of what is computed: a mean over the whole batch inside a loss,
/// statistics of a layer.
///
/// What is trained is the sum of what the ranks compute, so the gradient that goes on to `x` is the sum over all ranks of the
/// gradients that arrive: one message forward, and one in the backward pass. (``allReduce(_:_:)``, for what has been computed,
/// has none on the backward pass.) Ranks wait for each other here. One process gets `x` back.
///
/// ```swift
/// addLoss("activity", crossRankSum(sum(mask * square(h))) / crossRankSum(sum(mask)))
/// ```
///
/// Collective: every rank calls it in the same places with the same shapes, also a rank without samples.
public func crossRankSum(_ x: Tensor) -> Tensor {
  var ranks = Ranks()
  return ranks.crossRankSum(x)
}

extension Ranks {
  /// The sum of `x` over these ranks, in each of them, as a part of what is computed, as the function ``crossRankSum(_:)`` does for all ranks.
  public mutating func crossRankSum(_ x: Tensor) -> Tensor {
    Tensors.crossRankSum(x, over: communicator)
  }
}

package func crossRankSum(_ x: Tensor, over communicator: any Communicator) -> Tensor {
  communicator.size == 1 ? x : apply1(CrossRankSum(communicator), x)
}

/// The sum over all ranks. Waits for them.
struct CrossRankSum: CollectivePrimitive {
  private let ranks: MeetingRanks

  init(_ communicator: any Communicator) { ranks = MeetingRanks(communicator) }

  var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    guard inputs[0].dtype != .bool else {
      throw .dtype(operation: name, message: "booleans have no sum: cast to int32")
    }
    return inputs
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y) = (inputs[0].pointer, outputs[0].pointer)
    let (count, dtype) = (outputs[0].elementCount, outputs[0].dtype)
    let communicator = ranks.communicator
    return {
      if x != y { y.copyMemory(from: x, byteCount: count * dtype.size) }
      try communicator.allReduce(y, count: count, dtype: dtype, operation: .sum)
    }
  }

  /// The sum over all ranks of what arrives.
  func gradient(_ c: GradientContext) -> [Tensor?] { [crossRankSum(c.g, over: ranks.communicator)] }

  func withExampleAxis(_ count: Int) -> (any Primitive)? { self }
}

/// Those who meet in an operation; one operation is another one than any that looks the same.
final class MeetingRanks: Hashable, Sendable {
  let communicator: any Communicator

  init(_ communicator: any Communicator) { self.communicator = communicator }

  static func == (a: MeetingRanks, b: MeetingRanks) -> Bool { a === b }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
