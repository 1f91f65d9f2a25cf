import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about modules as trees.
@Suite("docs/modules.md: a module is a tree", .seeded)
struct TreeGuide {
  private let x = randomUniform([15, 3], key: RandomKey(seed: 1))
  private let y = randomUniform([15, 1], key: RandomKey(seed: 2))

  // snippet: net
  final class Net: Module {
    func call(_ x: Tensor) -> Tensor {
      let hidden = BatchNormalization()(Linear(8)(x))
      return Linear(1)(relu(hidden))
    }
  }
  // end

  @Test("Filter, map, merge, with, copy")
  func values() throws {
    // snippet: filter
    let net = try Net().initialize(x)
    let parameters = net.parameters()
    let statistics = net.filter(.batchStatistic)
    let kernels = net.filter { path, variable in path.hasSuffix("kernel") }
    print(kernels.paths, parameters.elementCount)
    // end
    // output: filter-output
    #expect(
      "\(kernels.paths) \(parameters.elementCount)" == """
        ["linear/kernel", "linear_1/kernel"] 57
        """)
    // end
    #expect(statistics.paths.count == 2)

    // snippet: map
    let before: Tensor = parameters.linear.kernel
    net.merge(parameters.map { 0.5 * $0 })
    net.merge(parameters.replacing("linear_1/bias", with: Tensor([1.0])))
    let atHalf = net.with(parameters.map { 0.5 * $0 }) { net(x) }  // net itself does not change
    let twin = net.copy { Net() }
    // end
    expectClose(net.linear.kernel as Tensor, before, atol: 0, rtol: 0)
    #expect((net.linear_1.bias as Tensor).item() == 1)
    #expect(atHalf.shape == [15, 1])
    expectClose(twin.eval()(x), net.eval()(x), atol: 0, rtol: 0)
    #expect(twin !== net)

    expectError("does not fit its shape [3, 8]") {
      net.merge(try Net().initialize(Tensor.ones([1, 5])).parameters())
    }
  }

  @Test("Gradients in the model's shape, and an optimizer")
  func optimizer() throws {
    // snippet: optimizer
    let x = randomUniform([50, 1], key: RandomKey(seed: 1))
    let y = 1.3 * square(x) - 0.3
    let model = MLP([64, 1])
    let optimizer = Adam(learningRate: 4e-3)
    let step = jit { (x: Tensor, y: Tensor) throws -> Tensor in
      let (loss, gradients) = try valueAndGrad(of: model) { mean(square(model(x) - y)) }
      try optimizer.update(gradients, model)
      return loss
    }

    var loss = try step(x, y)
    for _ in 0..<500 { loss = try step(x, y) }
    let predictions = model.eval()(x)
    // end
    #expect(loss.item() < 1e-3)
    expectClose(mean(square(predictions - y)), loss, atol: 1e-3)
  }

  @Test("Freeze, train and eval")
  func freezing() throws {
    let net = try Net().initialize(x)
    let kernel: Tensor = net.linear.kernel
    // snippet: freeze
    let model = Model(module: net, loss: MeanSquaredError(), optimizer: Adam(learningRate: 0.1))
    net.linear.freeze()
    net.batch_normalization.eval()
    try model.fit(x: x, y: y, epochs: 2, verbose: .silent)
    // the first kernel and the running statistics are what they were; linear_1 has been trained
    // end
    expectClose(net.linear.kernel as Tensor, kernel, atol: 0, rtol: 0)
    #expect(
      net.filter(.batchStatistic).part("batch_normalization")["moving_mean"]?.scalars(
        as: Float.self) == [Float](repeating: 0, count: 8))
    #expect((net.linear_1.bias as Tensor).item() != 0)
    #expect(net.trainableVariables.count == 4)
    net.unfreeze()
    #expect(net.trainableVariables.count == 6)
  }

  @Test("The table")
  func table() throws {
    let net = try Net().initialize(x)
    net.linear.freeze()
    // snippet: tabulate
    print(net.tabulate())
    // end
    // output: tabulate-output
    #expect(
      net.tabulate() == """
        Path                 Module              Variables                                                                                Count  Bytes
        ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        (root)               Net                                                                                                              0    0 B
        batch_normalization  BatchNormalization  gamma [8], beta [8], moving_mean [8] batchStatistic, moving_variance [8] batchStatistic     32  128 B
        linear               Linear              kernel [3, 8] frozen, bias [8] frozen                                                       32  128 B
        linear_1             Linear              kernel [8, 1], bias [1]                                                                      9   36 B
        ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        Total: 73 (292 B)
        Trainable: 25 (100 B)
        Not trainable: 48 (192 B)
        """)
    // end
  }

  // snippet: autoencoder
  final class Autoencoder: Module {
    let encoder = Sequential(Linear(4, activation: .tanh), Linear(2))
    let decoder = Sequential(Linear(4, activation: .tanh), Linear(3))

    func call(_ x: Tensor) -> Tensor { decoder(encoder(x)) }
  }
  // end

  @Test("Parts of other models, and weights of other models")
  func sharing() throws {
    // snippet: sharing
    let autoencoder = try Autoencoder().initialize(x)
    let classifier = try Sequential(autoencoder.encoder, Linear(2)).initialize(x)
    let samples = autoencoder.decoder(Tensor.ones([5, 2]))
    // end
    #expect(samples.shape == [5, 3])
    #expect(classifier.variables[0] === autoencoder.encoder.variables[0])
    #expect(classifier.trainableVariables.count == 6)
    #expect(classifier(x).shape == [15, 2])

    // snippet: transfer
    let other = try Sequential(Sequential(Linear(4), Linear(5)), Linear(2)).initialize(x)
    let report = other.transfer(from: autoencoder.filter(.parameter)) { path in
      path.hasPrefix("decoder/") ? nil : path.replacing("encoder/", with: "layers/0/")
    }
    print(report)
    // end
    // output: transfer-report
    #expect(
      "\(report)" == """
        2 transferred
        2 of another shape: layers/0/layers/1/kernel is [4, 5], not [4, 2], layers/0/layers/1/bias is [5], not [2]
        2 not in the source: layers/1/kernel, layers/1/bias
        """)
    // end
  }
}
