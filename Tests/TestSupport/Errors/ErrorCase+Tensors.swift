import Engine

private var x: Tensor { Tensor([1.0, 2, 3, 4, 5, 6], shape: [2, 3]) }
private var ids: Tensor { Tensor([0, 1, 1]) }

extension ErrorCase {
  /// Shapes that do not fit.
  static let shapes: [ErrorCase] = [
    ErrorCase("add", "add") { _ = x + Tensor.ones([4]) },
    ErrorCase("matmul", "matmul") { _ = matmul(x, x) },
    ErrorCase("matmul-scalar", "matmul") { _ = matmul(x, Tensor(1.0)) },
    ErrorCase("reshape", "reshape") { _ = x.reshape([4]) },
    ErrorCase("reshape-negative", "reshape") { _ = x.reshape([-2, -3]) },
    ErrorCase("reshape-two-open", "reshape") { _ = x.reshape([-1, -1]) },
    ErrorCase("reshape-huge", "reshape") { _ = x.reshape([1 << 40, 1 << 40]) },
    ErrorCase("broadcast", "broadcast") { _ = x.broadcast(to: [3, 2]) },
    ErrorCase("broadcast-negative", "broadcast") { _ = Tensor(1.0).broadcast(to: [-3]) },
    ErrorCase("concatenate", "concatenate") { _ = concatenate([x, Tensor.ones([2])]) },
    ErrorCase("concatenate-nothing", "concatenate") { _ = concatenate([] as [Tensor]) },
    ErrorCase("stack-nothing", "at least one tensor") { _ = stack([] as [Tensor]) },
    ErrorCase("stack", "concat") { _ = stack([x, Tensor.ones([3])]) },
    ErrorCase("split", "split") { _ = split(x, into: 2, axis: 1) },
    ErrorCase("split-none", "split") { _ = split(x, into: 0) },
    ErrorCase("split-negative", "split") { _ = split(x, into: -1) },
    ErrorCase("split-lengths", "split") { _ = split(x, lengths: [1, 2]) },
    ErrorCase("split-used", "split") { _ = split(x, into: 2, axis: 1)[0] + 1 },
    ErrorCase("tile", "tile") { _ = tile(x, [2]) },
    ErrorCase("tile-negative", "[2, 2, -1, 3]") { _ = tile(x, [2, -1]) },
    ErrorCase("repeat-negative", "[2, -1, 3]") { _ = repeatElements(x, -1, axis: 0) },
    ErrorCase("pad", "pad") { _ = pad(x, [(1, 1)]) },
    ErrorCase("pad-negative", "pad") { _ = pad(x, [(-1, 0), (0, 0)]) },
    ErrorCase("memory", "bytes of memory") { _ = Tensor.zeros([1 << 45]).exp() },
    ErrorCase("countless", "more elements") {
      _ = Tensor.zeros([1 << 32, 1]) + Tensor.zeros([1 << 32])
    },
    ErrorCase("scalars-count", "6") { _ = Tensor([1.0, 2], shape: [2, 3]) },
    ErrorCase("rows-differ", "one length at each depth") { _ = Tensor([[1.0, 2], [3]]) },
    ErrorCase("random-negative", "negative") {
      _ = randomUniform([-1, 2], key: RandomKey(seed: 1))
    },
    ErrorCase("random-key", "key") { _ = randomUniform([2], key: x) },
    ErrorCase("one-hot-negative", "oneHot") { _ = oneHot(ids, depth: -1) },
    ErrorCase("select", "select") { _ = select(x .> 0, Tensor.ones([4]), Tensor.ones([5])) },
    ErrorCase("many-axes", "16 axes at most") {
      let wide = Tensor.arange(1 << 17).reshape(Shape([Int](repeating: 2, count: 17)))
      _ = wide.transpose() + wide
    },
    ErrorCase("attention", "ttention") {
      _ = scaledDotProductAttention(x, x, x)
    },
    ErrorCase("layer-norm", "ayer") {
      _ = layerNorm(x, gamma: Tensor.ones([2]), beta: Tensor.ones([2]))
    },
    ErrorCase("take-float", "take") {
      _ = Tensor.ones([2, 3]).take(Tensor([0.5, 1]))
    },
  ]

  /// Axes and positions that do not exist.
  static let axes: [ErrorCase] = [
    ErrorCase("shape", "shape: axis 3 does not exist in shape [2, 3]") { _ = x.shape[3] },
    ErrorCase("shape-negative", "axis -3 does not exist") { _ = x.shape[-3] },
    ErrorCase("shape-scalar", "axis 0 does not exist in shape []") { _ = Tensor(1.0).shape[0] },
    ErrorCase("shape-slice", "axes 1..<4 do not exist") { _ = Array(x.shape[1..<4]) },
    ErrorCase("shape-closed-slice", "do not exist") { _ = Array(x.shape[1...3]) },
    ErrorCase("shape-open-slice", "do not exist") { _ = Array(x.shape[3...]) },
    ErrorCase("position", "position 5 does not exist") { _ = x[5] },
    ErrorCase("position-negative", "position -3 does not exist") { _ = x[-3] },
    ErrorCase("positions", "too many") { _ = x[0, 0, 0] },
    ErrorCase("ellipses", "ellipsis") { _ = x[.ellipsis, .ellipsis] },
    ErrorCase("stride", "step") { _ = x[.stride(by: 0)] },
    ErrorCase("index-overflow", "position") { _ = x[Int.min] },
    ErrorCase("index-bool", "bool") { _ = x[x .> 0] },
    ErrorCase("index-float", "indices must be int32") { _ = x[Tensor([0.5])] },
    ErrorCase("index-tensor", "index 7") { _ = x[Tensor([7])] },
    ErrorCase("take", "index 9") { _ = x.take(Tensor([9])) },
    ErrorCase("take-axis", "axis 4") { _ = x.take(ids, axis: 4) },
    ErrorCase("take-along", "takeAlong") { _ = takeAlong(x, ids) },
    ErrorCase("scatter", "scatter") { _ = scatterAdd(x, ids, length: 2) },
    ErrorCase("scatter-negative", "scatterAdd") {
      _ = scatterAdd(Tensor.ones([3, 2]), ids, length: -1)
    },
    ErrorCase("sum-axis", "axis 2 does not exist") { _ = x.sum(axis: 2) },
    ErrorCase("sum-axes-twice", "sum") { _ = x.sum(axes: [0, 0]) },
    ErrorCase("mean-axis", "axis 2") { _ = x.mean(axis: 2) },
    ErrorCase("argmax-axis", "axis -4") { _ = x.argmax(axis: -4) },
    ErrorCase("argmax-empty", "argMax") { _ = Tensor.zeros([0, 3]).argmax(axis: 0) },
    ErrorCase("max-empty", "max") { _ = Tensor.zeros([0]).max() },
    ErrorCase("softmax-axis", "axis 5") { _ = softmax(x, axis: 5) },
    ErrorCase("sort-axis", "axis 2") { _ = sort(x, axis: 2) },
    ErrorCase("top-k", "topK") { _ = topK(x, 4) },
    ErrorCase("top-k-axis", "axis 9") { _ = topK(x, 1, axis: 9) },
    ErrorCase("transpose", "transpose") { _ = x.transpose([0]) },
    ErrorCase("transpose-twice", "transpose") { _ = x.transpose([1, 1]) },
    ErrorCase("swap-axes", "axis 7") { _ = swapAxes(x, 0, 7) },
    ErrorCase("expand", "axis 5") { _ = x.expandDims(axis: 5) },
    ErrorCase("squeeze", "squeeze") { _ = x.squeeze(axis: 0) },
    ErrorCase("flip", "axis 2") { _ = x.flip(axes: [2]) },
    ErrorCase("concatenate-axis", "axis 2") { _ = concatenate([x, x], axis: 2) },
    ErrorCase("stack-axis", "axis 5") { _ = stack([x, x], axis: 5) },
    ErrorCase("cumulative", "axis 2") { _ = cumulativeSum(x, axis: 2) },
    ErrorCase("cumulative-product", "axis 2") { _ = cumulativeProduct(x, axis: 2) },
    ErrorCase("slice-step", "step") { _ = slice(x, axis: 0, by: 0) },
    ErrorCase("slice-axis", "axis 3") { _ = slice(x, axis: 3) },
    ErrorCase("norm-axis", "axis 3") { _ = norm(x, axis: 3) },
  ]

  /// Values that are asked for in a way that does not work.
  static let values: [ErrorCase] = [
    ErrorCase("item", "item: a tensor of shape [2, 3] has 6 elements, not one") { _ = x.item() },
    ErrorCase("item-empty", "item") { _ = Tensor.zeros([0]).item() },
    ErrorCase("custom-gradient", "gradient of half") {
      _ = try withErrors { try grad { apply1(HalfGradient(), $0).sum() }(x) }
    },
    ErrorCase("grad-of-many", "one floating-point number") { _ = try grad { $0 * 2 }(x) },
    ErrorCase("threads", "there can be 1 to") { ComputeThreads.set(0) },
    ErrorCase("permutation", "at least 0") { _ = Permutation.shuffled(count: -1, seed: 0) },
    ErrorCase("sharding", "rank 3 of 2") { _ = Sharding.slice(count: 4, rank: 3, size: 2) },
    ErrorCase("sharding-size", "Sharding") { _ = Sharding.counts(of: 4, size: 0) },
    ErrorCase("split-fraction", "fraction") {
      _ = try trainValidationSplit(count: 10, fraction: .nan)
    },
    ErrorCase("file", "/nowhere/at/all") { _ = try NPY.read("/nowhere/at/all") },
    ErrorCase("schedule", "decaySteps must be at least 1") {
      _ = ExponentialDecay(initialLearningRate: 1, decaySteps: 0, decayRate: 0.5)
    },
    ErrorCase("schedule-pieces", "PiecewiseConstantDecay") {
      _ = PiecewiseConstantDecay(boundaries: [3, 1], values: [])
    },
    ErrorCase("dropout-rate", "rate") { _ = Dropout(2) },
    ErrorCase("activation", "nosuch") { _ = ActivationFunction.named("nosuch") },
    ErrorCase("vmap", "vmap") { _ = try vmap { (a: Tensor) in a }(Tensor(1.0)) },
    ErrorCase("vmap-lengths", "vmap") {
      _ = try vmap { (a: Tensor, b: Tensor) in a + b }(x, Tensor.ones([5, 3]))
    },
    ErrorCase("throws", "thrown on purpose") {
      throw EngineError.invalidArgument(message: "thrown on purpose")
    },
  ]
}

/// A primitive of a user's own whose gradient has too few entries.
private struct HalfGradient: Primitive {
  var name: String { "half" }
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { inputs }
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel { {} }
  func gradient(_ context: GradientContext) -> [Tensor?] { [] }
}
