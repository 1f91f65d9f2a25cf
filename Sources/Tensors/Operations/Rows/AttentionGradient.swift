import CKernels

/// The gradients of ``AttentionOperation`` for queries, keys and values; the weights are computed again tile by tile.
///
/// Inputs: those of the operation without its mask, its two outputs, the incoming gradient, and the mask if there is
/// one. With as many queries as keys there is one output `[batch, time, 3, heads, size]`, so that the gradient of a
/// tensor which holds all three is already in one piece; else there are three.
///
/// - SeeAlso: Dao, Fu, Ermon, Rudra, Ré, *FlashAttention* (2022), algorithm 4.
struct AttentionGradient: Primitive {
  /// As in ``AttentionOperation``.
  let isCausal: Bool
  /// As in ``AttentionOperation``.
  let scale: Double
  /// What the factors of its products are rounded to; set by a pass.
  var precision = ProductPrecision.exact

  /// `attentionGradient`, and the type of rounded factors.
  var name: String { "attentionGradient" + precision.suffix }

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    guard inputs.count == 6 || inputs.count == 7 else {
      throw .invalidArgument(message: "\(name): takes 6 or 7 inputs, got \(inputs.count)")
    }
    let (q, k) = (inputs[0], inputs[1])
    _ = try checkAttention(Array(inputs[..<3] + inputs[6...]))
    try expectEqual(q, inputs[3])
    try expectEqual(TensorSpec([q.shape[0], q.shape[2], q.shape[1]], q.dtype), inputs[4])
    try expectEqual(q, inputs[5])
    guard q.shape == k.shape else { return [q, k, k] }
    return [
      TensorSpec([q.shape[0], q.shape[1], 3, q.shape[2], q.shape[3]], q.dtype)
    ]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    var problem = apus_attention(
      Array(inputs[..<3] + inputs[6...]), isCausal: isCausal, scale: scale, precision)
    problem.y = apus_attention_strides(inputs[3])
    problem.g = apus_attention_strides(inputs[5])
    let targets = Self.targets(outputs)
    problem.dq = targets[0].strides
    problem.dk = targets[1].strides
    problem.dv = targets[2].strides
    let (dq, dk, dv) = (targets[0].pointer, targets[1].pointer, targets[2].pointer)
    let (q, k, v) = (inputs[0].pointer, inputs[1].pointer, inputs[2].pointer)
    let (y, sums, g) = (inputs[3].pointer, inputs[4].pointer, inputs[5].pointer)
    let mask = inputs.count > 6 ? inputs[6].pointer : nil
    let bound = problem
    workspace.require(bytes: withUnsafePointer(to: bound) { apus_attention_scratch($0, 1) })
    let count = withUnsafePointer(to: bound) { apus_attention_items($0, 1) }
    return workspace.parallel(count, grain: bound.grain(operations: 10)) { items, part in
      withUnsafePointer(to: bound) {
        apus_attention_grad_run(
          $0, q, k, v, mask, y, sums, g, dq, dk, dv, items.lowerBound, items.upperBound,
          workspace.base(part: part))
      }
    }
  }

  /// Where each gradient goes: its own output, or its part of the common one.
  private static func targets(
    _ outputs: [Operand]
  ) -> [(pointer: UnsafeMutableRawPointer, strides: apus_attention_strides)] {
    if outputs.count == 3 { return outputs.map { ($0.pointer, apus_attention_strides($0)) } }
    let (joined, size) = (outputs[0], outputs[0].dtype.size)
    let strides = apus_attention_strides(
      batch: joined.strides[0], time: joined.strides[1], head: joined.strides[3],
      element: joined.strides[4])
    return (0..<3).map { (joined.pointer + $0 * joined.strides[2] * size, strides) }
  }

  /// That of the same gradients composed of ordinary operations. It leads to the inputs of the attention alone: the
  /// other two are functions of them.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let masks = Array(c.inputs[6...])
    let leaves = (c.inputs[..<3] + [c.inputs[5]] + masks).map { Node(leaf: $0) }
    let inner = leaves.map { $0.output(0) }
    let composed = ComposedAttention(
      Array(inner[..<3] + inner[4...]), inner[3], isCausal: isCausal, scale: scale)
    let parts = [composed.queryGradient, composed.keyGradient, composed.valueGradient]
    let outputs = c.outputs.count == 1 ? [stack(parts, axis: 2)] : parts
    let found = c.gradients(
      through: outputs, to: leaves, of: [0, 1, 2, 5] + Array(6..<c.inputs.count))
    return [found[0], found[1], found[2], nil, nil, found[3]] + found[4...]
  }

  /// The examples are more samples of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

/// The gradients of attention in whole matrices of scores, from operations that have gradients themselves.
struct ComposedAttention {
  /// For queries, keys and values.
  let queryGradient: Tensor
  let keyGradient: Tensor
  let valueGradient: Tensor
  /// For the scores `[batch, heads, queries, keys]`, and so for a mask that is added.
  let scoreGradient: Tensor

  /// - Parameters:
  ///   - inputs: queries, keys, values and perhaps a mask.
  ///   - g: the gradient for the result.
  ///   - isCausal: as in ``AttentionOperation``.
  ///   - scale: as in ``AttentionOperation``.
  init(_ inputs: [Tensor], _ g: Tensor, isCausal: Bool, scale: Double) {
    func headsFirst(_ x: Tensor) -> Tensor { transpose(x, [0, 2, 1, 3]) }
    let (q, k, v) = (headsFirst(inputs[0]), headsFirst(inputs[1]), headsFirst(inputs[2]))
    let weights = Self.weights(q, k, inputs.dropFirst(3).first, isCausal, scale)
    let g = headsFirst(g)
    let slope = matmul(g, v.transposed)
    let dot = sum(weights * slope, axis: -1, keepDims: true)
    scoreGradient = weights * (slope - dot)
    queryGradient = headsFirst(matmul(scoreGradient, k) * scale)
    keyGradient = headsFirst(matmul(scoreGradient.transposed, q) * scale)
    valueGradient = headsFirst(matmul(weights.transposed, g))
  }

  /// The softmax of the scores, 0 in rows without a visible key.
  private static func weights(
    _ q: Tensor, _ k: Tensor, _ mask: Tensor?, _ isCausal: Bool, _ scale: Double
  ) -> Tensor {
    attentionWeights(matmul(q, k.transposed) * scale, mask: mask, isCausal: isCausal)
  }
}

/// The softmax of the scores `[..., queries, keys]` over the keys, 0 in rows without a visible key.
///
/// - Parameters:
///   - scores: floating, `[..., queries, keys]`.
///   - mask: broadcasts to the scores; bool: true where a query sees a key; floating: added.
///   - isCausal: whether query `i` sees the keys `0...i` only, in addition to the mask.
/// - Returns: weights of the shape of the scores, which add up to 1 over the keys that a query sees.
package func attentionWeights(_ scores: Tensor, mask: Tensor?, isCausal: Bool) -> Tensor {
  // Lower than any score, and finite: differences of such numbers are not NaN.
  let hidden = -1e30
  var scores = scores
  if let mask {
    scores =
      mask.dtype == .bool ? select(mask, scores, hidden) : maximum(scores + mask, hidden)
  }
  if isCausal {
    let (queries, keys) = (scores.shape[-2], scores.shape[-1])
    let positions = Tensor.arange(Swift.max(queries, keys))
    let visible =
      expandDims(positions[0..<queries], axis: 1) .>= expandDims(positions[0..<keys], axis: 0)
    scores = select(visible, scores, hidden)
  }
  return softmax(scores, axis: -1) * (scores .> hidden).cast(to: scores.dtype)
}
