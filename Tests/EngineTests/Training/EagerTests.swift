import Engine
import TestSupport
import Testing

/// Asks for values, as code that is being debugged does.
private final class Looks: Module {
  func call(_ x: Tensor) -> Tensor {
    let y = Linear(1, useBias: false, kernelInitializer: Ones())(x)
    return mean(x).item() > 0.4 ? y : -y
  }
}

/// Counts batches in a property, as in a metric of PyTorch.
private final class Counts: Metric {
  struct Inputs: Decodable { let yPred: Tensor }
  var seen = 0.0
  func update(_ inputs: Inputs) { seen += 1 }
  func result() -> Tensor { Tensor(seen) }
}

@Suite("Steps that run eagerly") struct EagerTests {
  @Test("A module may ask for values from the first batch on")
  func values() throws {
    let model = Model(
      module: Looks(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1),
      runEagerly: true)
    let large = Tensor([[1.0], [1]])
    #expect(
      try model.evaluate(x: large, y: large)["loss"] == 0,
      "kernel 1 on positive inputs")
    let small = Tensor([[-1.0], [-1]])
    // -(-1) = 1, and 1 - (-1) = 2.
    #expect(try model.evaluate(x: small, y: small)["loss"] == 4)
    // d/dw (w - 0)^2 = 2 at w = 1: one step to 0.8.
    try model.fit(x: large, y: Tensor.zeros([2, 1]), batchSize: 2, epochs: 1, verbose: .silent)
    #expect(abs(model.module.namedVariables[0].variable.value.item() - 0.8) < 1e-6)
  }

  @Test("What changes a property while a step is compiled is found")
  func properties() {
    let metric = Counts()
    let watch = PropertyWatch([metric])
    #expect(watch.changed.isEmpty)
    metric.seen += 1
    #expect(watch.changed == ["Counts.seen"])
  }
}
