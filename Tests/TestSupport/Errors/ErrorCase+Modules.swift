import Engine

private var images: Tensor { Tensor.ones([1, 5, 5, 2]) }
private var rows: Tensor { Tensor.ones([4, 3]) }
private var labels: Tensor { Tensor.ones([4, 1]) }

private func model(_ layers: AnyModule..., optimizer: Optimizer? = SGD(learningRate: 0.1)) -> Model
{
  Model(
    module: Sequential(layers.isEmpty ? [Linear(1)] : layers), loss: MeanSquaredError(),
    optimizer: optimizer)
}

private final class Net: Module {
  func call(_ x: Tensor) -> Tensor { Linear(3)(x).relu() }
}

private final class Outer: Module {
  func call(_ x: Tensor) -> Tensor { WrongInside(name: "linear")(x) }
}

private final class Forgetful: Optimizer {
  init() { super.init(learningRate: ConstantLearningRate(0.1)) }
}

private final class BadCallback: Callback {
  override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    logs["bad"] = Tensor.ones([2, 3])[7].sum().item()
  }
}

private final class WrongInside: Module {
  func call(_ x: Tensor) -> Tensor { Linear(2)(x).reshape([7]) }
}

/// A user's data whose encoding computes.
private struct Encoded: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Tensor.ones([4, 3])[.all, 9])
  }
}

private struct BadLoss: Loss {
  struct Inputs: Decodable {
    let nosuch: Tensor
  }

  var options = LossOptions()
  func call(_ inputs: Inputs) -> Tensor { inputs.nosuch }
}

private final class VectorMetric: Metric {
  struct Inputs: Decodable { let yPred: Tensor }
  func update(_ inputs: Inputs) { state("n").value = state("n").value + 1.0 }
  func result() -> Tensor { stack([state("n").value, state("n").value], axis: 0) }
}

private final class GrowingMetric: Metric {
  struct Inputs: Decodable { let yPred: Tensor }
  func update(_ inputs: Inputs) { state("all", shape: [0]).value = inputs.yPred }
  func result() -> Tensor { sum(state("all", shape: [0]).value) }
}

extension ErrorCase {
  /// Metrics and labels that do not fit.
  static let metrics: [ErrorCase] = [
    ErrorCase("metric-of-a-vector", "metric vector_metric: result() gives a tensor of shape [2]") {
      let model = Model(module: Linear(1), loss: MeanSquaredError(), metrics: [VectorMetric()])
      _ = try model.evaluate(x: rows, y: labels)
    },
    ErrorCase("metric-that-grows", "metric growing_metric: variable") {
      let model = Model(module: Linear(1), loss: MeanSquaredError(), metrics: [GrowingMetric()])
      _ = try model.evaluate(x: rows, y: labels)
    },
    ErrorCase("class-numbers-for-one-hot", "begins with Sparse") {
      _ = try CategoricalCrossentropy(fromLogits: true)(
        yTrue: Tensor([[0], [2]]), yPred: Tensor.ones([2, 3]))
    },
    ErrorCase("class-numbers-for-numbers", "do not fit predictions [4, 3]") {
      _ = try MeanSquaredError()(yTrue: labels, yPred: rows)
    },
    ErrorCase("no-output-named", "says which: on: \"a\"") {
      let x = Input(shape: [3])
      let model = Model(
        inputs: x, outputs: ["a": Dense(1)(x), "b": Dense(1)(x)], loss: MeanSquaredError())
      _ = try model.evaluate(x: rows, y: ["a": labels, "b": labels])
    },
  ]

  /// Windows that do not fit.
  static let windows: [ErrorCase] = [
    ErrorCase("conv-channels", "conv") {
      _ = conv(images, Tensor.ones([3, 3, 3, 1]))
    },
    ErrorCase("conv-strides", "stride") {
      _ = conv(images, Tensor.ones([3, 3, 2, 1]), strides: 0)
    },
    ErrorCase("conv-strides-rank", "stride") {
      _ = conv(images, Tensor.ones([3, 3, 2, 1]), strides: [1, 1, 1])
    },
    ErrorCase("conv-dilations", "dilation") {
      _ = conv(images, Tensor.ones([3, 3, 2, 1]), dilations: -1)
    },
    ErrorCase("conv-groups", "group") {
      _ = conv(images, Tensor.ones([3, 3, 2, 1]), groups: 0)
    },
    ErrorCase("conv-rank", "conv") { _ = conv(rows, Tensor.ones([3, 3, 2, 1])) },
    ErrorCase("conv-size", "conv") { _ = conv(images, Tensor.ones([9, 9, 2, 1])) },
    ErrorCase("pool-size", "ool") { _ = maxPool(images, size: 0) },
    ErrorCase("pool-strides", "ool") { _ = averagePool(images, size: 2, strides: 0) },
    ErrorCase("pool-rank", "ool") { _ = maxPool(Tensor(1.0), size: 2) },
    ErrorCase("conv-layer-kernel", "ernel") { _ = Conv2D(1, kernelSize: 0)(images) },
    ErrorCase("conv-layer-negative", "ernel") { _ = Conv2D(1, kernelSize: -2)(images) },
    ErrorCase("conv-layer-lengths", "ernel") { _ = Conv2D(1, kernelSize: [1, 2, 3])(images) },
    ErrorCase("conv-layer-no-lengths", "ernel") { _ = Conv2D(1, kernelSize: [])(images) },
    ErrorCase("conv-layer-groups", "group") {
      _ = Conv2D(2, kernelSize: 3, groups: 0)(images)
    },
    ErrorCase("conv-layer-rank", "Conv2D") { _ = Conv2D(2, kernelSize: 3)(rows) },
    ErrorCase("conv-transpose", "stride") {
      _ = Conv2DTranspose(2, kernelSize: 3, strides: 0)(images)
    },
    ErrorCase("depthwise", "ultiplier") {
      _ = DepthwiseConv2D(kernelSize: 3, depthMultiplier: 0)(images)
    },
    ErrorCase("separable", "ultiplier") {
      _ = SeparableConv2D(3, kernelSize: 3, depthMultiplier: -1)(images)
    },
    ErrorCase("pool-layer", "ool") { _ = MaxPooling2D(-1)(images) },
    ErrorCase("pool-layer-rank", "Pooling2D") { _ = MaxPooling2D()(rows) },
    ErrorCase("pool-layer-scalar", "Pooling1D") { _ = GlobalMaxPooling1D()(Tensor(1.0)) },
    ErrorCase("cropping", "ropping") { _ = Cropping2D(9)(images) },
    ErrorCase("cropping-negative", "ropping") { _ = Cropping2D(-1)(images) },
    ErrorCase("padding-negative", "adding") { _ = ZeroPadding2D(-1)(images) },
    ErrorCase("upsampling", "pSampling") { _ = UpSampling2D(0)(images) },
  ]

  /// Modules that are asked for what they do not have, or cannot do.
  static let modules: [ErrorCase] = [
    ErrorCase(
      "child",
      "there is no child module \"lienar\" in Net, which has linear: did you mean \"linear\"?"
    ) {
      let net = Net()
      _ = net(rows)
      let _: Tensor = net.lienar.kernel
    },
    ErrorCase(
      "variable",
      "there is no variable \"kernal\" in Linear, which has kernel, bias: did you mean \"kernel\"?"
    ) {
      let net = Net()
      _ = net(rows)
      let _: Tensor = net.linear.kernal
    },
    ErrorCase("child-before", "first call") {
      let _: Tensor = Net().linear.kernel
    },
    ErrorCase("gradient-name", "there is no tensor \"nosuch\"") {
      let net = Net()
      _ = net(rows)
      let _: Tensor = net.parameters().nosuch
    },
    ErrorCase("shapes-of-two-calls", "module linear: variable") {
      let net = Net()
      _ = net(rows)
      _ = net(Tensor.ones([4, 5]))
    },
    ErrorCase("units-negative", "units") { _ = Linear(-3)(rows) },
    ErrorCase("linear-scalar", "Linear") { _ = Linear(3)(Tensor(1.0)) },
    ErrorCase("module-path", "in module linear: reshape") {
      _ = Outer()(rows)
    },
    ErrorCase("embedding-rows", "mbedding") { _ = Embedding(inputs: 0, outputs: 2)(Tensor([0])) },
    ErrorCase("embedding-columns", "mbedding") {
      _ = Embedding(inputs: 2, outputs: -1)(Tensor([0]))
    },
    ErrorCase("embedding-index", "number 5") { _ = Embedding(inputs: 2, outputs: 2)(Tensor([5])) },
    ErrorCase("lstm-units", "units must be positive") { _ = LSTM(0)(Tensor.ones([2, 3, 4])) },
    ErrorCase("lstm-rank", "LSTM") { _ = LSTM(2)(Tensor.ones([2])) },
    ErrorCase("lstm-no-steps", "LSTM") { _ = LSTM(2)(Tensor.ones([2, 0, 4])) },
    ErrorCase("gru-scalar", "GRU") { _ = GRU(2)(Tensor(1.0)) },
    ErrorCase("batch-norm-axis", "axis 7") { _ = BatchNormalization(axis: 7)(rows) },
    ErrorCase("batch-norm-scalar", "axis -1") { _ = BatchNormalization()(Tensor(1.0)) },
    ErrorCase("layer-norm-axis", "axes [7]") { _ = LayerNormalization(axes: [7])(rows) },
    ErrorCase("layer-norm-no-axes", "ayer") { _ = LayerNormalization(axes: [])(rows) },
    ErrorCase("group-norm", "group") { _ = GroupNormalization(groups: 0)(images) },
    ErrorCase("group-norm-divide", "group") { _ = GroupNormalization(groups: 5)(images) },
    ErrorCase("heads", "head") {
      _ = MultiHeadAttention(numHeads: 0, keyDim: 2)(
        AttentionInputs(query: Tensor.ones([1, 2, 4])))
    },
    ErrorCase("head-size", "heads of -2") {
      _ = MultiHeadAttention(numHeads: 1, keyDim: -2)(
        AttentionInputs(query: Tensor.ones([1, 2, 4])))
    },
    ErrorCase("attention-rank", "ttention") {
      _ = MultiHeadAttention(numHeads: 1, keyDim: 2)(AttentionInputs(query: rows))
    },
    ErrorCase("permute", "axes") { _ = Permute([2, 2])(rows) },
    ErrorCase("permute-rank", "ermute") { _ = Permute([1, 2, 3])(rows) },
    ErrorCase("repeat-vector", "RepeatVector") { _ = RepeatVector(2)(images) },
    ErrorCase("flatten-scalar", "Flatten") { _ = Flatten()(Tensor(1.0)) },
    ErrorCase("reshape-layer", "Reshape") { _ = Reshape([7])(rows) },
    ErrorCase("prelu-axes", "axes") { _ = PReLU(sharedAxes: [9])(rows) },
    ErrorCase("softmax-layer", "axis 4") { _ = Softmax(axis: 4)(rows) },
    ErrorCase("glu", "split") { _ = GLU()(rows) },
    ErrorCase("mlp-nothing", "MLP") { _ = MLP([])(rows) },
    ErrorCase("sequential", "MultiHeadAttention") {
      _ = Sequential(MultiHeadAttention(numHeads: 1, keyDim: 1))(rows)
    },
    ErrorCase("merge", "Add") { _ = Add()([]) },
    ErrorCase("merge-shapes", "Add") { _ = Add()([rows, Tensor.ones([4, 2])]) },
    ErrorCase("subtract", "Subtract") { _ = Subtract()([rows]) },
    ErrorCase("dot-axes", "Dot") { _ = Dot(axes: 7)([rows, rows]) },
    ErrorCase("concatenate-layer", "oncatenate") { _ = Concatenate()([]) },
    ErrorCase("time-distributed", "TimeDistributed") {
      _ = TimeDistributed(Linear(1))(Tensor(1.0))
    },
    ErrorCase("category", "ategory") { _ = CategoryEncoding(0)(Tensor([0])) },
    ErrorCase("initialize", "its initializer gives shape [1]") {
      _ = try WrongInitial().initialize(rows)
    },
    ErrorCase("input-shape", "a length is -3") { _ = Input(shape: [-3]) },
    ErrorCase("load", "/nowhere") {
      let net = Net()
      _ = net(rows)
      _ = try net.loadWeights(from: "/nowhere")
    },
    ErrorCase("set-variable", "does not fit") {
      let net = Net()
      _ = net(rows)
      net.namedVariables[0].variable.value = Tensor(1.0)
    },
  ]

  /// Training that is asked for what makes no sense.
  static let training: [ErrorCase] = [
    ErrorCase("names", "nosuch") { _ = Model(module: Linear(1), loss: BadLoss()) },
    ErrorCase("no-optimizer", "optimizer") {
      try model(optimizer: nil).fit(x: rows, y: labels, verbose: .silent)
    },
    ErrorCase("forgetful-optimizer", "override update") {
      try model(optimizer: Forgetful()).fit(x: rows, y: labels, verbose: .silent)
    },
    ErrorCase("steps-per-epoch", "stepsPerEpoch is -1: it must be at least 1") {
      try model().fit(x: rows, y: labels, verbose: .silent, stepsPerEpoch: -1)
    },
    ErrorCase("no-steps-per-epoch", "stepsPerEpoch is 0") {
      try model().fit(x: rows, y: labels, verbose: .silent, stepsPerEpoch: 0)
    },
    ErrorCase("validation-steps", "validationSteps is -2") {
      try model().fit(
        x: rows, y: labels, verbose: .silent, validationSplit: 0.5, validationSteps: -2)
    },
    ErrorCase("validation-batch", "validationBatchSize is 0") {
      try model().fit(
        x: rows, y: labels, verbose: .silent, validationSplit: 0.5, validationBatchSize: 0)
    },
    ErrorCase("validation-frequency", "validationFrequency is 0") {
      try model().fit(x: rows, y: labels, verbose: .silent, validationFrequency: 0)
    },
    ErrorCase("validation-split", "validationSplit is nan") {
      try model().fit(x: rows, y: labels, verbose: .silent, validationSplit: .nan)
    },
    ErrorCase("batch-size", "batchSize is -3") {
      try model().fit(x: rows, y: labels, batchSize: -3, verbose: .silent)
    },
    ErrorCase("epochs", "epochs is -1") {
      try model().fit(x: rows, y: labels, epochs: -1, verbose: .silent)
    },
    ErrorCase("evaluate-steps", "steps is -1") {
      _ = try model().evaluate(x: rows, y: labels, steps: -1)
    },
    ErrorCase("evaluate-batch", "batchSize is 0") {
      _ = try model().evaluate(x: rows, y: labels, batchSize: 0)
    },
    ErrorCase("evaluate-nothing", "no samples") {
      _ = try model().evaluate(x: Tensor.ones([0, 3]), y: Tensor.ones([0, 1]))
    },
    ErrorCase("predict-batch", "batchSize is -1") {
      let _: Tensor = try model().predict(x: rows, batchSize: -1)
    },
    ErrorCase("fit-nothing", "no samples") {
      try model().fit(x: Tensor.ones([0, 3]), y: Tensor.ones([0, 1]), verbose: .silent)
    },
    ErrorCase("train-on-nothing", "no samples") {
      try model().trainOnBatch(x: Tensor.ones([0, 3]), y: Tensor.ones([0, 1]))
    },
    ErrorCase("fit-scalar", "batch axis") {
      try model().fit(x: Tensor(1.0), y: Tensor(1.0), verbose: .silent)
    },
    ErrorCase("rows", "numbers of samples differ") {
      try model().fit(x: rows, y: Tensor.ones([3, 1]), verbose: .silent)
    },
    ErrorCase("callback", "position 7 does not exist") {
      try model().fit(x: rows, y: labels, verbose: .silent, callbacks: [BadCallback()])
    },
    ErrorCase("step-callback", "axis 4 does not exist") {
      let callback = LambdaCallback(onTrainBatchEnd: { _, _ in _ = rows.shape[4] })
      try model().fit(x: rows, y: labels, verbose: .silent, callbacks: [callback])
    },
    ErrorCase("encoding", "position 9 does not exist") {
      try model().fit(x: Encoded(), y: labels, verbose: .silent)
    },
    ErrorCase("class-weight", "no weight for class 1") {
      try model().fit(x: rows, y: labels, verbose: .silent, classWeight: [0: 1])
    },
    ErrorCase("class-weight-labels", "classWeight") {
      try model().fit(
        x: rows, y: Tensor.ones([4, 2, 2]), verbose: .silent, classWeight: [0: 1])
    },
    ErrorCase("class-weight-weights", "sampleWeight [3]") {
      try model().fit(
        x: rows, y: labels, verbose: .silent, classWeight: [1: 1], sampleWeight: Tensor.ones([3]))
    },
    ErrorCase("sample-weight", "samples differ") {
      try model().fit(x: rows, y: labels, verbose: .silent, sampleWeight: Tensor.ones([3]))
    },
    ErrorCase("module-in-fit", "in module ") {
      try model(WrongInside()).fit(x: rows, y: labels, verbose: .silent)
    },
    ErrorCase("checkpoint-steps", "saveFrequency is 0 steps") {
      let callback = ModelCheckpoint(path: "/tmp/never", saveFrequency: .steps(0))
      try model().fit(x: rows, y: labels, verbose: .silent, callbacks: [callback])
    },
    ErrorCase("plateau-factor", "factor is 2.0") {
      let callback = ReduceLROnPlateau(factor: 2)
      try model().fit(x: rows, y: labels, verbose: .silent, callbacks: [callback])
    },
    ErrorCase("save-early", "no weights") { try model().saveWeights(to: "/tmp/never") },
    ErrorCase("predict-form", "wants values by name") {
      let _: [String: Tensor] = try model().predict(x: rows)
    },
    ErrorCase("validation-data", "samples differ") {
      let data = try ValidationData(x: rows, y: Tensor.ones([2, 1]))
      try model().fit(x: rows, y: labels, verbose: .silent, validationData: data)
    },
  ]

  /// Tensors that leave the function in which they were traced.
  static let traces: [ErrorCase] = [
    ErrorCase("leak-item", "left the function in which it was traced") {
      let leaked = try leakedTensor()
      _ = leaked.sum().item()
    },
    ErrorCase("leak-print", "left the function in which it was traced") {
      let leaked = try leakedTensor()
      print((leaked + 1).scalars(as: Float.self))
    },
    ErrorCase("leak-into-jit", "left the function in which it was traced") {
      let leaked = try leakedTensor()
      _ = try jit { (x: Tensor) in x + leaked }(rows)
    },
    ErrorCase("leak-into-fit", "left the function in which it was traced") {
      let leaked = try leakedTensor()
      try model(Lambda { ($0 + leaked)[.all, ..<1] }).fit(x: rows, y: labels, verbose: .silent)
    },
    ErrorCase("leak-as-data", "left the function in which it was traced") {
      try model().fit(x: try leakedTensor(), y: labels, verbose: .silent)
    },
    ErrorCase("leak-into-variable", "left the function in which it was traced") {
      let net = Net()
      _ = net(rows)
      let leaked = try leakedTensor()
      net.namedVariables[0].variable.value = leaked[..<3]
    },
    ErrorCase("leak-into-gradient", "left the function in which it was traced") {
      let leaked = try leakedTensor()
      _ = try grad { ($0 * leaked).sum() }(rows).scalars(as: Float.self)
    },
    ErrorCase("values-in-jit", "were asked for while tracing") {
      _ = try jit { (x: Tensor) in x * x.sum().item() }(rows)
    },
    ErrorCase("values-in-fit", "were asked for while tracing") {
      try model(Lambda { $0 * $0.sum().item() }).fit(x: rows, y: labels, verbose: .silent)
    },
    ErrorCase("jit-shape", "add") {
      _ = try jit { (x: Tensor) in x + Tensor.ones([7]) }(rows)
    },
  ]
}

private final class WrongInitial: Module {
  func call(_ x: Tensor) -> Tensor { Linear(3, kernelInitializer: WrongShape())(x) }
}

private struct WrongShape: Initializer {
  func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor { .ones([1]) }
}

/// float32 `[4, 3]`, kept from a compiled function.
private func leakedTensor() throws -> Tensor {
  final class Box {
    var tensor = Tensor(0.0)
  }
  let box = Box()
  _ = try jit { (x: Tensor) in
    box.tensor = x * 2
    return x
  }(rows)
  return box.tensor
}
