import Engine
import TestSupport
import Testing

@Suite("Small layers", .seeded)
struct SmallLayerTests {
  @Test("Inputs and arguments that make no sense are errors that name the layer")
  func errors() {
    let matrix = Tensor.zeros([2, 6])
    expectError("GroupNormalization: groups must be positive, or -1 for one a channel, got 0") {
      _ = GroupNormalization(groups: 0)
    }
    expectError("GroupNormalization: expected channels on axis -1 for 4 equal groups, got [2, 6]") {
      _ = GroupNormalization(groups: 4)(matrix)
    }
    for axis in [0, 2, -2] {
      let expected = "[batch, ..., channels] with channels on axis \(axis)"
      expectError("GroupNormalization: expected \(expected), got [2, 6]") {
        _ = GroupNormalization(groups: 2, axis: axis)(matrix)
      }
    }
    expectError("InstanceNormalization: expected [batch, ..., channels]") {
      _ = InstanceNormalization()(Tensor([1.0]))
    }
    expectError("groupNorm: 4 groups do not share 6 channels") {
      _ = groupNorm(matrix, groups: 4)
    }
    expectError("RMSNormalization: expected a shape with axes [2], got [2, 6]") {
      _ = RMSNormalization(axes: [2])(matrix)
    }
    expectError("UnitNormalization: expected a shape with axes [-3], got [2, 6]") {
      _ = UnitNormalization(axes: [-3])(matrix)
    }
    expectError("PReLU: expected [batch, ...] with axes [2], got [2, 6]") {
      _ = PReLU(sharedAxes: [2])(matrix)
    }
    expectError("Permute: axes must be 1, 2, ... in some order, got [0, 1]") {
      _ = Permute([0, 1])
    }
    expectError("Permute: expected [batch, ...] with 2 axes after the batch, got [2, 6]") {
      _ = Permute([2, 1])(matrix)
    }
    expectError("RepeatVector: count must be positive, got 0") { _ = RepeatVector(0) }
    expectError("RepeatVector: expected [batch, features], got [2]") {
      _ = RepeatVector(2)(Tensor([1.0, 2]))
    }
    expectError("MLP: needs one layer at least") { _ = MLP([]) }
    expectError("does not fall into 2 equal parts") { _ = GLU()(Tensor([[1.0, 2, 3]])) }
  }

  @Test("MLP is Linear layers with the activation between them")
  func mlp() {
    let layer = MLP([3, 2, 1], activation: .tanh)
    let x = Tensor([[1.0, -2]])
    let y = layer(x)
    #expect(
      layer.namedVariables.map(\.path) == [
        "linear/kernel", "linear/bias", "linear_1/kernel", "linear_1/bias", "linear_2/kernel",
        "linear_2/bias",
      ])
    let kernels = layer.trainableVariables.filter { $0.path.hasSuffix("kernel") }.map(\.value)
    let expected = matmul(tanh(matmul(tanh(matmul(x, kernels[0])), kernels[1])), kernels[2])
    expectClose(y, expected)
    let bare = MLP([2], useBias: false)
    #expect(bare(x).shape == [1, 2])
    #expect(bare.trainableVariables.count == 1)
  }

  @Test("A group of one channel is an instance, one group is the sample")
  func groups() {
    var generator = SeededGenerator(seed: 4)
    let x = generator.uniform([2, 3, 4])
    expectClose(
      InstanceNormalization(epsilon: 1e-3)(x), GroupNormalization(groups: 4)(x), atol: 0, rtol: 0)
    expectClose(
      groupNorm(x, groups: 1).reshape([2, 12]), layerNorm(x.reshape([2, 12])), atol: 1e-12)
    expectClose(
      groupNorm(x.transpose([0, 2, 1]), groups: 2, axis: 1).transpose([0, 2, 1]),
      groupNorm(x, groups: 2), atol: 1e-12)
  }

  @Test("Hooks are told apart by what their base class was given, too")
  func configuration() {
    final class Block: Module {
      var axis = 1
      func call(_ x: Tensor) -> Tensor { InstanceNormalization(axis: axis)(x) }
    }
    let block = Block()
    _ = block(Tensor.ones([1, 3, 3]))
    block.axis = 2
    expectError("hook 1 was InstanceNormalization(groups: -1, axis: 1") {
      _ = block(Tensor.ones([1, 3, 3]))
    }
  }

  @Test("Vectors of zeros stay zeros, with gradients")
  func zeros() throws {
    let x = Tensor([[0.0, 0], [3, 4]])
    expectClose(UnitNormalization()(x), [0, 0, 0.6, 0.8])
    expectClose(RMSNormalization()(x)[0], [0, 0])
    for layer: @Sendable (Tensor) -> Tensor in [
      { UnitNormalization()($0) }, { RMSNormalization()($0) },
    ] {
      let gradient = try grad { sum(layer($0)) }(x)
      #expect(gradient.scalars(as: Float.self).allSatisfy { $0.isFinite })
    }
  }

  @Test("Activations have Keras's names")
  func names() throws {
    let x = Tensor([-1.5, 0.25, 2])
    expectClose(ActivationFunction.named("hard_swish")(x), HardSiLU()(x), atol: 0, rtol: 0)
    expectClose(Activation("leaky_relu")(x), [-0.3, 0.25, 2])
    let layer = Linear(1, activation: "tanh")
    #expect(layer.activation == .tanh)
    expectError("there is no activation \"rleu\" among celu, elu, ") {
      _ = Linear(1, activation: "rleu")
    }
  }

  @Test("Layers of one function give what the function gives")
  func functions() {
    var generator = SeededGenerator(seed: 8)
    let x = generator.uniform([3, 4], from: -4, to: 4)
    let pairs: [(Activation, ActivationFunction)] = [
      (Tanh(), .tanh), (Sigmoid(), .sigmoid), (LogSigmoid(), .logSigmoid),
      (HardSigmoid(), .hardSigmoid), (HardTanh(), .hardTanh), (Softsign(), .softsign),
      (ReLU6(), .relu6), (ELU(alpha: 0.5), .elu(alpha: 0.5)), (SELU(), .selu),
      (CELU(alpha: 0.5), .celu(alpha: 0.5)), (Softplus(), .softplus), (SiLU(), .silu),
      (HardSiLU(), .hardSiLU), (Mish(), .mish), (GLU(), .glu), (TanhShrink(), .tanhShrink),
      (SoftShrink(threshold: 1), .softShrink(threshold: 1)),
      (HardShrink(threshold: 1), .hardShrink(threshold: 1)),
    ]
    for (layer, function) in pairs {
      expectClose(layer(x), function(x), atol: 0, rtol: 0, function.name)
    }
  }

  @Test("UnitNormalization does not overflow", arguments: [1.0, 1e30])
  func unitNormalization(scale: Double) {
    let x = Tensor([[5 * scale], [12 * scale]])
    expectClose(UnitNormalization(axes: [0])(x), [5.0 / 13, 12.0 / 13], rtol: 1e-6)
  }
}
