import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about what is asked for by name, and losses.
@Suite("docs/modules.md: inputs and losses", .seeded)
struct LossesGuide {
  private let x = randomUniform([8, 3], key: RandomKey(seed: 1))
  private let y = randomUniform([8, 1], key: RandomKey(seed: 2))

  private func train(
    _ module: AnyModule, _ losses: LossTree?, x: some Encodable, y: some Encodable = Structure.none,
    sampleWeight: Tensor? = nil
  ) throws -> History {
    try Model(module: module, losses: losses, optimizer: SGD(learningRate: 0)).fit(
      x: x, y: y, verbose: .silent, shuffle: false, sampleWeight: sampleWeight)
  }

  // snippet: module-inputs
  struct Pair: Codable { let m, n: Tensor }

  final class TakesTwo: Module {
    func call(_ i: Pair) -> Tensor { Linear(1)(concatenate([i.m, i.n], axis: -1)) }
  }

  final class TakesAll: Module {
    func call(_ i: [String: Tensor]) -> Tensor {
      Linear(1)(concatenate(i.sorted { $0.key < $1.key }.map(\.value), axis: -1))
    }
  }
  // end

  @Test("What modules are given")
  func moduleInputs() throws {
    let (a, b, c) = (x, y, x)
    // snippet: module-inputs-fit
    let model = Model(module: TakesTwo(), loss: MeanSquaredError(), optimizer: SGD())
    try model.fit(x: [a, b], y: y, verbose: .silent)  // by position: m is a, n is b
    try model.fit(x: ["m": a, "n": b, "o": c], y: y, verbose: .silent)  // by name: o is ignored
    // end
    expectError("the input of TakesTwo: Pair takes 2 inputs (m, n)") {
      try model.fit(x: [a, b, c], y: y, verbose: .silent)
    }
    let all = TakesAll()
    _ = try train(all, [MeanSquaredError()], x: ["m": a, "n": b, "o": c], y: y)
    #expect((all.linear.kernel as Tensor).shape == [7, 1])
  }

  // snippet: losses
  struct MSE: Loss {
    struct Inputs: Decodable { let yTrue, yPred: Tensor }
    func call(_ i: Inputs) -> Tensor { mean(square(i.yTrue - i.yPred), axis: -1) }
  }

  struct AutoEncoderLoss: Loss {
    struct Inputs: Decodable { let x, yPred: Tensor }
    func call(_ i: Inputs) -> Tensor { mean(square(i.x - i.yPred), axis: -1) }
  }
  // end

  @Test("Losses ask by name")
  func losses() throws {
    // snippet: autoencoder-fit
    let model = Model(module: Linear(3), loss: AutoEncoderLoss(), optimizer: Adam())
    try model.fit(x: x, epochs: 2, verbose: .silent)  // no y
    // end
    #expect(model.history["loss"].count == 2)
    expectClose(try MSE()(yTrue: y, yPred: y + 2), Tensor(4))

    let message = errorMessage {
      // snippet: misspelt
      struct Misspelt: Loss {
        struct Inputs: Decodable { let yTru, yPred: Tensor }
        func call(_ i: Inputs) -> Tensor { abs(i.yTru - i.yPred) }
      }
      _ = try withErrors { Model(module: Linear(1), loss: Misspelt()) }
      // end
    }
    // output: misspelt-error
    #expect(
      message == """
        loss misspelt asks for "yTru", which is not one of x, yTrue, yPred, sampleWeight, classWeight, training, \
        parameters, states, isTraining, params, state: did you mean "yTrue"?
        """)
    // end

    // snippet: custom-loss
    let mae = CustomLoss("mae", \.yTrue, \.yPred) { yTrue, yPred in
      mean(abs(yTrue - yPred), axis: -1)
    }
    // end
    expectClose(try mae(yTrue: y, yPred: y - 3), Tensor(3))
  }

  // snippet: partitioned
  struct SomeComplexFunction: Loss {
    struct Inputs: Decodable { let x, yTrue, yPred: Tensor }
    func call(_ i: Inputs) -> [String: Tensor] {
      [
        "a": mean(square(i.yTrue - i.yPred), axis: -1),
        "b": mean(abs(i.x), axis: -1),
        "c": 0.1 * abs(i.yPred[.all, 0]),
      ]
    }
  }
  // end

  @Test("Losses in parts")
  func partitioned() throws {
    let history = try train(Linear(1), LossTree(SomeComplexFunction()), x: x, y: y)
    // output: partitioned-names
    #expect(
      history.history.keys.joined(separator: ", ") == """
        loss, some_complex_function_loss/a, some_complex_function_loss/b, some_complex_function_loss/c
        """)
    // end
    let half = try train(
      Linear(1), LossTree(SomeComplexFunction()), x: x, y: y,
      sampleWeight: Tensor.full([8], 0.5))
    for part in ["a", "b", "c"] {
      let name = "some_complex_function_loss/\(part)"
      expectClose(half[name], history[name].map { 0.5 * $0 })
    }
  }

  // snippet: several
  final class TwoHeads: Module {
    struct Outputs: Codable { let keyA, keyB: Tensor }
    func call(_ x: Tensor) -> Outputs {
      Outputs(keyA: sigmoid(Linear(1)(x)), keyB: Linear(1)(x))
    }
  }

  struct Joint: Loss {
    struct Labels: Decodable { let a, b: Tensor }
    struct Inputs: Decodable {
      let yTrue: Labels
      let yPred: TwoHeads.Outputs
    }

    func call(_ i: Inputs) -> Tensor {
      square(i.yTrue.a + i.yTrue.b - i.yPred.keyA - i.yPred.keyB)
    }
  }
  // end

  @Test("Several outputs and labels")
  func several() throws {
    let labels = (y .> 0.5).cast(to: .float32)
    let joint = try train(TwoHeads(), [Joint()], x: x, y: ["a": labels, "b": y])
    #expect(joint["loss"].count == 1)
    // snippet: on
    let model = Model(
      module: TwoHeads(),
      losses: [
        BinaryCrossentropy(weight: 10, on: "keyA"),
        MeanSquaredError(weight: 1, on: "keyB"),
      ],
      optimizer: Adam())
    try model.fit(x: x, y: ["keyA": labels, "keyB": y], verbose: .silent)  // both [batch, 1]
    // end
    #expect(
      Array(model.history.history.keys) == [
        "loss", "binary_crossentropy_loss", "mean_squared_error_loss",
      ])
    let module = try TwoHeads().initialize(x)
    let outputs = module(x)
    let history = try train(
      module, [BinaryCrossentropy(weight: 10, on: "keyA"), MeanSquaredError(on: "keyB")], x: x,
      y: ["keyA": labels, "keyB": y])
    let binary = try BinaryCrossentropy()(yTrue: labels, yPred: outputs.keyA).item()
    let squared = try MeanSquaredError()(yTrue: y, yPred: outputs.keyB).item()
    expectClose(history["loss"], [10 * binary + squared])

    // snippet: nested-names
    let mse = MeanSquaredError(on: "keyB")
    let losses: LossTree = [
      "a": .named(["b": .list([mse, mse]), "c": mse]), "d": mse,
    ]
    // end
    let nested = try train(TwoHeads(), losses, x: x, y: ["keyA": labels, "keyB": y])
    // output: nested-names-output
    #expect(
      nested.history.keys.joined(separator: ", ") == """
        loss, a_loss/b/mean_squared_error, a_loss/b/mean_squared_error_1, a_loss/c/mean_squared_error, d_loss/mean_squared_error
        """)
    // end
  }

  @Test("Weights and reduction")
  func weights() throws {
    // snippet: reduction
    let yTrue = Tensor([[1.0], [2.0], [3.0], [4.0]])
    let yPred = Tensor([[0.0], [0.0], [0.0], [0.0]])
    let weights = Tensor([1.0, 0.5, 0, 0])
    let loss = try MSE()(yTrue: yTrue, yPred: yPred, sampleWeight: weights)
    // (1·1 + 0.5·4 + 0 + 0) / 4 = 0.75: divided by the number of values, not by the sum of weights
    // end
    expectClose(loss, Tensor(0.75))

    // snippet: class-weight
    let model = Model(
      module: Linear(3), loss: SparseCategoricalCrossentropy(fromLogits: true), optimizer: Adam())
    try model.fit(
      x: x, y: Tensor([0, 1, 2, 0, 1, 2, 0, 1]), verbose: .silent,
      classWeight: [0: 1, 1: 2, 2: 0.5], sampleWeight: Tensor.ones([8]))
    // end
    #expect(model.history["loss"].count == 1)
    let steps = try reduceLoss(
      Tensor([[1.0, 2], [3, 4]]), sampleWeight: Tensor([1.0, 0.5]), reduction: .sum)
    #expect(steps.item() == 6.5)
  }

  @Test("Regularisation")
  func regularisation() throws {
    // snippet: regularisation
    let module = Sequential(
      Linear(8, activation: .relu, kernelRegularizer: L2(1e-4), activityRegularizer: L1(1e-3)),
      Linear(1))
    let model = Model(
      module: module, losses: [MeanSquaredError(), RegularizationLoss(L2(1e-4))],
      optimizer: Adam())
    // end
    let history = try model.fit(x: x, y: y, verbose: .silent)
    // output: regularisation-names
    #expect(
      history.history.keys.joined(separator: ", ") == """
        loss, mean_squared_error_loss, l2_regularization_loss, regularization_loss
        """)
    // end
  }
}
