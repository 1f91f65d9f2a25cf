import CKernels

/// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) · v` in each head, never holding the scores of more
/// than one tile.
///
/// Inputs `q` `[batch, queries, heads, size]`, `k` and `v` `[batch, keys, heads, size]`, and perhaps a mask `[batch,
/// heads, queries, keys]`, bool or of their type. Outputs the mixture, of the shape of `q`, and for the gradient the
/// logarithm of each query's sum of exponentials, `[batch, heads, queries]`.
///
/// - SeeAlso: Dao, Fu, Ermon, Rudra, Ré, *FlashAttention* (2022), algorithm 1.
struct AttentionOperation: Primitive {
  /// Whether query `i` sees the keys `0...i` only.
  let isCausal: Bool
  /// The factor of the products of queries and keys.
  let scale: Double
  /// What the factors of its products are rounded to; set by a pass.
  var precision = ProductPrecision.exact

  /// `attention`, and the type of rounded factors.
  var name: String { "attention" + precision.suffix }

  /// Strides are all the same to the kernel: parts of one tensor need no copy.
  var acceptsStrided: Bool { true }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    let q = try checkAttention(inputs)
    return [q, TensorSpec([q.shape[0], q.shape[2], q.shape[1]], q.dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    var problem = apus_attention(inputs, isCausal: isCausal, scale: scale, precision)
    problem.y = apus_attention_strides(outputs[0])
    let (q, k, v) = (inputs[0].pointer, inputs[1].pointer, inputs[2].pointer)
    let mask = inputs.count > 3 ? inputs[3].pointer : nil
    let (y, sums) = (outputs[0].pointer, outputs[1].pointer)
    let bound = problem
    workspace.require(bytes: withUnsafePointer(to: bound) { apus_attention_scratch($0, 0) })
    let count = withUnsafePointer(to: bound) { apus_attention_items($0, 0) }
    return workspace.parallel(count, grain: bound.grain(operations: 4)) { items, part in
      withUnsafePointer(to: bound) {
        apus_attention_run(
          $0, q, k, v, mask, y, sums, items.lowerBound, items.upperBound,
          workspace.base(part: part))
      }
    }
  }

  /// See ``AttentionGradient``. A mask that is added has a gradient as well, composed of ordinary operations.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    // No function gives the second output away, so nothing arrives there.
    let (q, g, masks) = (c.x, c.g, Array(c.inputs.dropFirst(3)))
    var gradients: [Tensor?] = [nil, nil, nil]
    if (0..<3).contains(where: c.needsGradient) {
      let found = apply(
        AttentionGradient(isCausal: isCausal, scale: scale),
        [q, c.inputs[1], c.inputs[2], c.y, c.outputs[1], g] + masks)
      gradients =
        q.shape == c.inputs[1].shape
        ? (0..<3).map { found[0][.all, .all, $0] } : Array(found.prefix(3))
    }
    for (index, mask) in masks.enumerated() {
      let isWanted = mask.dtype.isFloating && c.needsGradient(3 + index)
      gradients.append(
        isWanted
          ? ComposedAttention(c.inputs, g, isCausal: isCausal, scale: scale).scoreGradient : nil)
    }
    return gradients
  }

  /// The examples are more samples of the batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension Primitive {
  /// Checks the shapes of queries, keys, values and a mask, and gives the specification of the queries.
  func checkAttention(_ inputs: [TensorSpec]) throws(EngineError) -> TensorSpec {
    guard inputs.count == 3 || inputs.count == 4 else {
      throw .invalidArgument(message: "\(name): takes 3 or 4 inputs, got \(inputs.count)")
    }
    let (q, k, v) = (inputs[0], inputs[1], inputs[2])
    try expectFloating(q)
    guard k.dtype == q.dtype, v.dtype == q.dtype else {
      throw .mixed([q.dtype, k.dtype, v.dtype], in: name)
    }
    try checkAttentionShapes(q.shape, k.shape, v.shape, name)
    guard inputs.count == 4 else { return q }
    let whole: Shape = [q.shape[0], q.shape[2], q.shape[1], k.shape[1]]
    guard inputs[3].shape == whole, inputs[3].dtype == .bool || inputs[3].dtype == q.dtype else {
      throw EngineError(
        .shape, operation: name,
        .requirement(
          of: "the mask", must: "be bool\(whole) or \(q.dtype)\(whole)", found: "\(inputs[3])"))
    }
    return q
  }
}

private func checkAttentionShapes(
  _ q: Shape, _ k: Shape, _ v: Shape, _ operation: String
) throws(EngineError) {
  guard q.rank == 4, k == v, k.rank == 4, q[0] == k[0], q[2] == k[2], q[3] == k[3] else {
    throw .shape(
      operation: operation,
      message: """
        queries \(q), keys \(k) and values \(v) do not fit: they must be [batch, queries, heads, \
        size] and twice [batch, keys, heads, size]
        """)
  }
}

extension apus_attention {
  /// The sizes and strides of queries, keys, values and perhaps a mask.
  init(
    _ inputs: [Operand], isCausal: Bool, scale: Double, _ precision: ProductPrecision
  ) {
    self.init()
    let (q, k) = (inputs[0], inputs[1])
    dtype = q.dtype.code
    is_causal = isCausal ? 1 : 0
    self.scale = scale
    rounds = precision == .bfloat16 ? 1 : 0
    (batch, queries, heads, size) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    keys = k.shape[1]
    self.q = apus_attention_strides(q)
    self.k = apus_attention_strides(k)
    v = apus_attention_strides(inputs[2])
    guard let mask = inputs.dropFirst(3).first else { return }
    mask_is_bool = mask.dtype == .bool ? 1 : 0
    self.mask = apus_attention_strides(
      batch: mask.strides[0], time: mask.strides[2], head: mask.strides[1],
      element: mask.strides[3])
  }

  /// Items that are worth a thread, when one of 64 queries (or one head, in the gradient) takes `operations` for every
  /// query, key and element.
  func grain(operations: Int) -> Int {
    let rows = operations > 4 ? queries : Swift.min(queries, 64)
    // About 20 microseconds at 30 operations a nanosecond.
    return 1 + 600_000 / Swift.max(1, operations * rows * keys * size)
  }
}

extension apus_attention_strides {
  /// The strides of `[batch, time, heads, size]`.
  init(_ x: Operand) {
    self.init(batch: x.strides[0], time: x.strides[1], head: x.strides[2], element: x.strides[3])
  }
}

/// Scaled dot-product attention: for each query the mean of the values, weighted by the softmax over the keys of
/// `scale · (query · key) + mask`.
///
/// Memory grows with the number of queries and keys, not with their product: scores are computed tile by tile, once
/// forward and once again for the gradient (Dao et al., *FlashAttention*, 2022). Parts of one larger tensor are read
/// where they are.
///
/// - Parameters:
///   - query: `[batch, queries, heads, size]`.
///   - key: `[batch, keys, heads, size]`.
///   - value: `[batch, keys, heads, size]`.
///   - mask: of a shape that broadcasts to `[batch, heads, queries, keys]`. bool: true where a query sees a key.
///     Floating: added to the scores. A query that sees no key (or only −infinity) gives zeros and has no gradient.
///   - isCausal: whether query `i` sees the keys `0...i` only, in addition to the mask.
///   - scale: the factor of the products, `1 / √size` by default.
/// - Returns: `[batch, queries, heads, size]`, in the common floating type of the first three. Shapes that do not fit
///   are an ``EngineError/shape(operation:message:)``, a mask of integers is an
///   ``EngineError/dtype(operation:message:)``.
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.2.1; JAX, `jax.nn.dot_product_attention`, whose
///   layout this is.
public func scaledDotProductAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Double? = nil
) -> Tensor {
  attempt {
    let operation = "scaledDotProductAttention"
    let dtype = DType.promoted(
      .float32, DType.promoted(query.dtype, DType.promoted(key.dtype, value.dtype)))
    let inputs = [query, key, value].map { $0.cast(to: dtype) }
    try checkAttentionShapes(query.shape, key.shape, value.shape, operation)
    let primitive = AttentionOperation(
      isCausal: isCausal, scale: scale ?? 1 / Double(Swift.max(query.shape[3], 1)).squareRoot())
    guard let mask else { return apply(primitive, inputs)[0] }
    guard mask.dtype == .bool || mask.dtype.isFloating else {
      throw EngineError(
        .dtype, operation: operation,
        .requirement(
          of: "the mask", must: "be bool (true: visible) or floating (added)",
          found: "\(mask.dtype)"))
    }
    let whole: Shape = [query.shape[0], query.shape[2], query.shape[1], key.shape[1]]
    guard try Shape.broadcast(mask.shape, whole, operation: operation) == whole else {
      throw EngineError.shape(
        operation: operation,
        message: """
          a mask of shape \(mask.shape) does not broadcast to [batch, heads, queries, keys] = \
          \(whole)
          """)
    }
    let typed = mask.dtype == .bool ? mask : mask.cast(to: dtype)
    return apply(primitive, inputs + [typed.broadcast(to: whole)])[0]
  }
}
