import Engine
import TestSupport
import Testing

private final class Autoencoder: Module {
  let encoder = Sequential(Linear(4, activation: .tanh), Linear(2))
  let decoder = Sequential(Linear(4, activation: .tanh), Linear(3))

  func call(_ x: Tensor) -> Tensor { decoder(encoder(x)) }
}

private final class Classifier: Module {
  let encoder: any AnyModule & Callable<Tensor, Tensor>
  init(encoder: some AnyModule & Callable<Tensor, Tensor>) {
    self.encoder = encoder
    super.init()
  }
  func call(_ x: Tensor) -> Tensor { Linear(2, name: "head")(encoder(x)) }
}

private final class Twice: Module {
  let shared = Linear(3, useBias: false)
  func call(_ x: Tensor) -> Tensor { shared(shared(x)) }
}

@Suite("Modules are cut out, reused and shared", .seeded)
struct SharingTests {
  private let x = Tensor([[0.5, -1, 2], [1, 0, -0.5]], dtype: .float32)

  @Test("A part of one model is a part of another: one set of weights")
  func reuse() throws {
    let autoencoder = Autoencoder()
    _ = autoencoder(x)
    let classifier = Classifier(encoder: autoencoder.encoder)
    let model = Model(
      module: classifier, loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.5))
    let before = autoencoder.encoder.parameters()
    try model.fit(x: x, y: Tensor([0, 1]), epochs: 3, verbose: .silent)
    #expect(
      classifier.parameters().paths == [
        "encoder/layers/0/kernel", "encoder/layers/0/bias", "encoder/layers/1/kernel",
        "encoder/layers/1/bias", "head/kernel", "head/bias",
      ])
    let after = autoencoder.encoder.parameters()
    #expect(
      after["layers/0/kernel"]?.scalars(as: Float.self)
        != before["layers/0/kernel"]?.scalars(as: Float.self))
    // The decoder by itself makes samples.
    #expect(autoencoder.decoder(Tensor.ones([5, 2])).shape == [5, 3])
  }

  @Test("A module that was made in another one's call is trained where it is called")
  func cutOutHook() throws {
    let source = Lambda { x in Linear(3)(Linear(4)(x)) }
    _ = source(x)
    let part = source.linear
    let user = Lambda { (z: Tensor) -> Tensor in
      guard let linear = part as? Linear else { return z }
      return Linear(1, name: "head")(linear(z))
    }
    let z = Tensor.ones([2, 4])
    _ = user(z)
    #expect(user.trainableVariables.count == 4)
    let gradients = try grad(of: user) { sum(user(z)) }
    #expect(gradients.values.allSatisfy { $0.scalars(as: Float.self).contains { $0 != 0 } })
  }

  @Test("A module used twice has one set of weights and its gradients add up")
  func shared() throws {
    let module = try Twice().initialize(x)
    #expect(module.parameters().paths == ["shared/kernel"])
    let kernel: Tensor = module.shared.kernel
    let gradient = try grad(of: module) { sum(module(x)) }
    // y = x K K: the gradient with respect to one K, the other one held, is summed over both places.
    let expected =
      try grad { (first: Tensor) in sum(matmul(matmul(x, first), kernel)) }(kernel)
      + grad { (second: Tensor) in sum(matmul(matmul(x, kernel), second)) }(kernel)
    expectClose(try #require(gradient["shared/kernel"]), expected)
  }

  @Test(
    "A module put into a property later takes the place of the old one, also in a model that was trained"
  )
  func replaced() throws {
    final class Net: Module {
      var body = Linear(4)
      var head = Linear(2, name: "old")
      func call(_ x: Tensor) -> Tensor { head(body(x)) }
    }
    let net = Net()
    let model = Model(module: net, loss: MeanSquaredError(), optimizer: Adam(learningRate: 0.1))
    try model.fit(x: x, y: Tensor.ones([2, 2]), epochs: 1, verbose: .silent)
    let old = net.head
    let before = old.parameters()
    net.head = Linear(3)
    try model.fit(x: x, y: Tensor.ones([2, 3]), epochs: 2, verbose: .silent)
    #expect(net.parameters().paths == ["body/kernel", "body/bias", "head/kernel", "head/bias"])
    #expect((net.head.kernel as Tensor).shape == [4, 3])
    expectClose(old.kernel as Tensor, try #require(before["kernel"]), atol: 0, rtol: 0)
    // A part that was trained elsewhere comes with its weights.
    let trained = Linear(4)
    let expected = trained(x)
    net.body = trained
    let output: Tensor = try model.predict(x: x)
    expectClose(output, net.head(expected))
    #expect(net.children.map(\.name) == ["body", "head"])
    #expect(net.trainableVariables.count == 4)
  }

  @Test("Lists of modules grow and shrink, also between calls of fit")
  func lists() throws {
    final class Net: Module {
      var blocks = [Linear(3), Linear(3)]
      var extra: Linear?
      func call(_ x: Tensor) -> Tensor {
        let y = blocks.reduce(x) { $1($0) }
        return Linear(1, name: "head")(extra.map { $0(y) } ?? y)
      }
    }
    let net = Net()
    let model = Model(module: net, loss: MeanSquaredError(), optimizer: Adam())
    func names() throws -> [String] {
      try model.fit(x: x, y: Tensor.ones([2, 1]), verbose: .silent)
      return net.children.map(\.name)
    }
    #expect(try names() == ["blocks/0", "blocks/1", "head"])
    let last = net.blocks.removeLast()
    #expect(try names() == ["blocks/0", "head"])
    let predictions: Tensor = try model.predict(x: x)
    net.blocks.append(last)
    net.blocks.append(Linear(3))
    net.extra = Linear(3)
    #expect(try names() == ["blocks/0", "blocks/1", "blocks/2", "extra", "head"])
    #expect(net.child("blocks/1") === last)
    let others: Tensor = try model.predict(x: x)
    #expect(predictions.scalars(as: Float.self) != others.scalars(as: Float.self))
  }

  @Test("A loop of one's own trains what was put into a property")
  func replacedInLoop() throws {
    final class Net: Module {
      var head = Linear(2)
      func call(_ x: Tensor) -> Tensor { Sequential(head, Lambda { 2 * $0 })(x) }
    }
    let net = Net()
    let update = jit { (x: Tensor) throws -> Tensor in
      let (loss, gradients) = try valueAndGrad(of: net) { sum(square(net(x))) }
      net.setParameters(net.parameters() - 0.01 * gradients)
      return loss
    }
    // The new head begins as the old one did: after two updates they differ.
    for _ in 0..<2 { _ = try update(x) }
    let old = net.head
    let kernel: Tensor = old.kernel
    net.head = Linear(2)
    _ = try update(x)
    let fresh: Tensor = net.head.kernel
    #expect(fresh.scalars(as: Float.self) != kernel.scalars(as: Float.self))
    expectClose(old.kernel as Tensor, kernel, atol: 0, rtol: 0)
    _ = try update(x)
    #expect((net.head.kernel as Tensor).scalars(as: Float.self) != fresh.scalars(as: Float.self))
    #expect(update.cacheCount == 2, "\(update.cacheDescription)")
  }

  @Test("A compiled function inside with sees the other values, and inside collecting its hooks")
  func compiledInside() throws {
    let module = Lambda { (x: Tensor) -> Tensor in Linear(1, kernelRegularizer: L2(1))(x) }
    _ = module(x)
    let compiled = jit { (x: Tensor) in module(x) }
    let own = try compiled(x)
    let zeros = module.parameters().map { 0 * $0 }
    expectClose(try module.with(zeros) { try compiled(x) }, 0 * own)
    for _ in 0..<2 {
      let logs = try module.collecting { try compiled(x) }.logs
      #expect(logs.loss.item() > 0)
    }
  }

  @Test("A fresh module in a copy does not get the original's weights")
  func replacedInCopy() {
    final class Net: Module {
      var head = Linear(2)
      func call(_ x: Tensor) -> Tensor { head(x) }
    }
    let teacher = Net()
    _ = teacher(x)
    teacher.merge(teacher.parameters().map { 0 * $0 + 7 })
    let student = teacher.copy { Net() }
    student.head = Linear(2)
    _ = student(x)
    #expect(!(student.head.kernel as Tensor).scalars(as: Float.self).contains(7))
  }

  @Test("Dictionaries among a module's arguments have no order")
  func unordered() {
    final class Branches: Module {
      let named: [String: Linear]
      let rates: [String: Double]
      init(_ names: [String]) {
        named = Dictionary(uniqueKeysWithValues: names.map { ($0, Linear(2)) })
        rates = Dictionary(uniqueKeysWithValues: names.map { ($0, 0.5) })
        super.init()
      }
      func call(_ x: Tensor) -> Tensor {
        named.sorted { $0.key < $1.key }.map { $0.value(x) }.reduce(Tensor(0.0), +)
      }
    }
    let module = Lambda { (x: Tensor) -> Tensor in
      Branches((0..<8).map { "branch\($0)" })(x)
    }
    let first = module(x)
    for _ in 0..<8 { expectClose(module(x), first, atol: 0, rtol: 0) }
  }

  @Test("A callback can freeze and unfreeze from one epoch to the next")
  func gradualUnfreezing() throws {
    let module = Sequential(Linear(3), Linear(1))
    try module.initialize(x)
    module.layers[0].freeze()
    let before = module.parameters()
    let model = Model(module: module, loss: MeanSquaredError(), optimizer: Adam(learningRate: 0.1))
    nonisolated(unsafe) var wasFrozen = false
    let callback = LambdaCallback(onEpochBegin: { epoch, _ in
      guard epoch == 2 else { return }
      wasFrozen =
        module.filter()["layers/0/kernel"]?.scalars(as: Float.self)
        == before["layers/0/kernel"]?.scalars(as: Float.self)
      module.unfreeze()
    })
    try model.fit(
      x: x, y: Tensor.ones([2, 1]), batchSize: 2, epochs: 4, verbose: .silent,
      callbacks: [callback])
    #expect(wasFrozen)
    #expect(
      module.filter()["layers/0/kernel"]?.scalars(as: Float.self)
        != before["layers/0/kernel"]?.scalars(as: Float.self))
  }

  @Test("Weights are transferred by path, and a report says what matched")
  func transfer() throws {
    let autoencoder = try Autoencoder().initialize(x)
    let classifier = try Classifier(encoder: Sequential(Linear(4), Linear(5))).initialize(x)
    let report = classifier.transfer(from: autoencoder.filter(.parameter)) {
      $0.hasPrefix("decoder/layers/0") ? $0 : $0.hasPrefix("encoder/") ? $0 : nil
    }
    #expect(
      report.transferred.map(\.target) == ["encoder/layers/0/kernel", "encoder/layers/0/bias"])
    #expect(
      report.mismatched.map(\.paths.target) == ["encoder/layers/1/kernel", "encoder/layers/1/bias"])
    #expect(report.mismatched[0].found == [4, 2] && report.mismatched[0].expected == [4, 5])
    #expect(report.missing == ["head/kernel", "head/bias"])
    #expect(report.unexpected == ["decoder/layers/0/kernel", "decoder/layers/0/bias"])
    #expect(!report.isComplete)
    expectClose(
      try #require(classifier.filter()["encoder/layers/0/kernel"]),
      try #require(autoencoder.filter()["encoder/layers/0/kernel"]), atol: 0, rtol: 0)
    #expect(
      "\(report)" == """
        2 transferred
        2 of another shape: encoder/layers/1/kernel is [4, 5], not [4, 2], encoder/layers/1/bias is [5], not [2]
        2 not in the source: head/kernel, head/bias
        2 not in the module: decoder/layers/0/kernel, decoder/layers/0/bias
        """)
    #expect(try Autoencoder().initialize(x).transfer(from: autoencoder.filter()).isComplete)
  }
}
