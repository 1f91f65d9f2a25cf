import Engine
import TestSupport
import Testing

@Suite("Recurrent layers", .seeded)
struct RecurrentTests {
  private static func sequence(_ shape: Shape = [2, 5, 3], seed: UInt64 = 3) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return generator.uniform(shape, dtype: .float64)
  }

  @Test("A padded sequence ends with the output and states of the one without padding")
  func padding() {
    let x = Self.sequence()
    let mask = Tensor([[1.0, 1, 1, 0, 0], [1, 1, 1, 0, 0]]).cast(to: .bool)
    let layer = LSTM(4)
    let (short, states) = layer.withState(x[.all, ..<3])
    let (padded, same) = layer.withState(x, mask: mask)
    expectClose(padded, short, atol: 1e-15)
    for (a, b) in zip(states, same) { expectClose(b, a, atol: 1e-15) }
  }

  @Test("A sequence that is masked from its start gives zeros until it begins")
  func maskedStart() {
    let x = Self.sequence([1, 3, 2])
    let mask = Tensor([[0.0, 1, 1]]).cast(to: .bool)
    let layer = GRU(4, returnSequences: true)
    let y = layer(x, mask: mask)
    expectClose(y[.all, 0], Tensor.zeros([1, 4]), atol: 0, rtol: 0)
    expectClose(y[.all, 1...], layer(x[.all, 1...]), atol: 1e-15)
  }

  @Test("Two halves with the states handed over, or kept, are the whole")
  func halves() throws {
    let x = Self.sequence()
    let layer = GRU(4, returnSequences: true)
    let whole = layer(x)
    let (first, states) = layer.withState(x[.all, ..<2])
    let second = layer(x[.all, 2...], initialState: states)
    expectClose(concatenate([first, second], axis: 1), whole, atol: 1e-15)

    let keeping = GRU(4, returnSequences: true, stateful: true)
    keeping.seed = layer.seed
    for _ in 0..<2 {
      let parts = [keeping(x[.all, ..<2]), keeping(x[.all, 2...])]
      expectClose(concatenate(parts, axis: 1), whole, atol: 1e-15)
      keeping.resetStates()
    }
    let compiled = jit { (x: Tensor) in keeping(x) }
    let parts = [try compiled(x[.all, ..<2]), try compiled(x[.all, 2..<4])]
    expectClose(concatenate(parts, axis: 1), whole[.all, ..<4], atol: 1e-14)
    expectError("GRU: expected batches of 2 as at the first call, since it keeps states") {
      _ = keeping(Self.sequence([3, 1, 3]))
    }
  }

  @Test("Backwards is forwards on the reversed sequence")
  func backwards() {
    let x = Self.sequence()
    let layers = [false, true].map { SimpleRNN(4, returnSequences: true, goBackwards: $0) }
    layers[1].seed = layers[0].seed
    let reversed = x[.all, .stride(by: -1)]
    expectClose(layers[1](x), layers[0](reversed), atol: 1e-15)
    let mask = Tensor([[1.0, 1, 1, 0, 0], [0, 1, 1, 1, 1]]).cast(to: .bool)
    let context = layers[1].run(isTraining: false) { layers[1](x, mask: mask) }.context
    #expect(
      context.notes.outputMask?.scalars(as: Bool.self)
        == mask[.all, .stride(by: -1)].scalars(as: Bool.self))
  }

  @Test("A cell called step by step gives what the layer gives")
  func cells() throws {
    let x = Self.sequence()
    func check<Cell: RecurrentCell>(_ cell: Cell) {
      let whole = RNN(cell: cell, returnSequences: true)(x)
      var states: [Tensor]?
      for time in 0..<x.shape[1] {
        let next = cell(RecurrentStep(value: x[.all, time], states: states))
        expectClose(next.value, whole[.all, time], atol: 1e-15)
        states = next.states
      }
    }
    check(SimpleRNNCell(4))
    check(GRUCell(4))
    check(GRUCell(4, resetAfter: false))
    check(LSTMCell(4))
    check(RunningSum())
  }

  /// A cell of one's own: a scaled sum of what came so far.
  final class RunningSum: AnyModule, RecurrentCell {
    let units = 3
    let stateSizes = [3]

    func sequence(_ x: Tensor) -> RecurrentSequence {
      let scale = parameter("scale", shape: [3], initializer: Constant(0.5), dtype: x.dtype)
      return RecurrentSequence(inputs: x * scale) { ($0 + $1[0], [$0 + $1[0]]) }
    }

    func fresh() -> RunningSum { RunningSum() }
  }

  @Test("A cell of one's own makes a layer, also one in both directions")
  func customCell() {
    let x = Self.sequence()
    let layer = Bidirectional(RNN(cell: RunningSum()))
    expectClose(layer(x), concatenate([sum(x, axis: 1), sum(x, axis: 1)], axis: -1) * 0.5)
    #expect(
      layer.namedVariables.map(\.path) == ["forward/cell/scale", "backward/cell/scale"])
  }

  @Test("Drops the same inputs and the same part of the state at every step, when training")
  func dropout() {
    let x = Tensor.ones([4, 3, 16])
    let dropping = SimpleRNN(
      8, activation: .linear, recurrentInitializer: Zeros(), dropout: 0.5, returnSequences: true)
    let y = dropping(x)
    expectClose(y[.all, 1], y[.all, 0])
    expectClose(y[.all, 2], y[.all, 0])
    dropping.eval()
    #expect((abs(dropping(x) - y) .> 1e-3).any().scalars(as: Bool.self) == [true])
    dropping.train()
    #expect((abs(dropping(x) - y) .> 1e-3).any().scalars(as: Bool.self) == [true])

    let forgetting = SimpleRNN(
      64, activation: .linear, kernelInitializer: Zeros(), recurrentInitializer: IdentityMatrix(),
      recurrentDropout: 0.5, returnSequences: true)
    let h = forgetting(x, initialState: [.ones([4, 64])])
    #expect(Set(h[.all, 0].scalars(as: Float.self)) == [0, 2])
    expectClose(h[.all, 1], h[.all, 0] * 2)
    expectClose(h[.all, 2], h[.all, 0] * 4)
  }

  @Test("The forget gate's bias is 1 at first, unless asked otherwise")
  func forgetBias() {
    let layers = [true, false].map { LSTM(2, unitForgetBias: $0) }
    for layer in layers { _ = layer(Self.sequence()) }
    let bias = layers.map { $0.namedVariables.last?.variable.value.scalars(as: Double.self) }
    #expect(bias == [[0, 0, 1, 1, 0, 0, 0, 0], [Double](repeating: 0, count: 8)])
  }

  @Test("Penalties of all three weights are added to the loss")
  func regularizers() {
    let layer = SimpleRNN(
      2, kernelInitializer: Ones(), recurrentInitializer: Ones(), biasInitializer: Ones(),
      kernelRegularizer: L1(1), recurrentRegularizer: L1(10), biasRegularizer: L1(100))
    let context = layer.run(isTraining: true) { layer(Self.sequence([1, 2, 3])) }.context
    #expect(context.notes.losses.map { $0.value.item() as Double } == [6, 40, 200])
  }

  @Test("A layer is one product and one operation for all steps, whatever their number")
  func oneOperation() throws {
    let layer = LSTM(4)
    let counts = try [20, 30].map { steps in
      let x = Self.sequence([2, steps, 3])
      _ = layer(x)
      return try Trace.record([x.spec]) { [layer($0[0])] }.nodes
    }
    #expect(counts[0].count == counts[1].count)
    #expect(counts[0].filter { $0.primitive is MatMul }.count == 1)
  }

  @Test("An activation that the one operation does not know gives what a loop gives")
  func otherActivations() {
    let x = Self.sequence()
    let mask = Tensor([[1.0, 1, 0, 1, 1], [0, 1, 1, 0, 0]]).cast(to: .bool)
    let ownTanh = ActivationFunction("own") { tanh($0) }
    func check<Cell: RecurrentCell>(_ fused: RNN<Cell>, _ loop: RNN<Cell>) {
      loop.seed = fused.seed
      for states in [nil, fused.cell.stateSizes.map { Tensor.ones([2, $0], dtype: .float64) }] {
        for mask in [nil, mask] {
          let (a, first) = fused.withState(x, mask: mask, initialState: states)
          let (b, second) = loop.withState(x, mask: mask, initialState: states)
          expectClose(a, b, atol: 1e-14)
          for (a, b) in zip(first, second) { expectClose(a, b, atol: 1e-14) }
        }
      }
    }
    for goBackwards in [false, true] {
      for returnSequences in [false, true] {
        check(
          LSTM(4, returnSequences: returnSequences, goBackwards: goBackwards),
          LSTM(
            4, activation: ownTanh, returnSequences: returnSequences, goBackwards: goBackwards))
        check(
          GRU(4, returnSequences: returnSequences, goBackwards: goBackwards),
          GRU(
            4, activation: ownTanh, returnSequences: returnSequences, goBackwards: goBackwards))
        check(
          SimpleRNN(4, returnSequences: returnSequences, goBackwards: goBackwards),
          SimpleRNN(
            4, activation: ownTanh, returnSequences: returnSequences, goBackwards: goBackwards))
      }
    }
  }

  @Test("States are given as a list behind the output, and as such through jit")
  func returnState() throws {
    let layer = LSTM(4, returnState: true)
    let x = Self.sequence()
    let result = layer(SequenceInputs(x: x))
    let compiled = try jit { (x: Tensor) in layer(SequenceInputs(x: x)) }(x)
    #expect(compiled.states?.count == 2)
    expectClose(compiled.output, result.output, atol: 1e-14)
    expectClose(result.output, result.states?[0] ?? .zeros([]), atol: 0, rtol: 0)
  }

  @Test("What does not fit is an error that says what was expected")
  func errors() {
    let layer = LSTM(4)
    expectError("LSTM: expected [batch, time, features], got [2, 3]") {
      _ = layer(Tensor.zeros([2, 3]))
    }
    expectError("LSTM: expected [batch, time, features] with one step at least, got [2, 0, 3]") {
      _ = layer(Tensor.zeros([2, 0, 3]))
    }
    expectError("LSTM: expected a mask [batch, time] = [2, 5], got [2, 4]") {
      _ = layer(Self.sequence(), mask: .ones([2, 4]))
    }
    expectError("LSTMCell: expected states [2, 4], [2, 4], got [2, 4]") {
      _ = layer(Self.sequence(), initialState: [.zeros([2, 4])])
    }
    expectError("the input of LSTM: SequenceInputs asks for \"x\"") {
      _ = try layer.call(structure: ["sequence": .tensor(Self.sequence())])
    }
    expectError("GRUCell: expected [batch, features], got [2, 5, 3]") {
      _ = GRUCell(4)(RecurrentStep(value: Self.sequence()))
    }
    expectError("GRUCell: units must be positive, got 0") { _ = GRU(0) }
    expectError("GRUCell: recurrentDropout must be in 0..<1, got 1.0") {
      _ = GRU(1, recurrentDropout: 1)
    }
    expectError("Bidirectional: the layers must go different ways and return the same") {
      _ = Bidirectional(GRU(1), backward: GRU(1))
    }
    expectError(
      "TimeDistributed: expected [batch, time, ...] with a shape of each step, got [2, 3]"
    ) {
      _ = TimeDistributed(Linear(1))(Tensor.zeros([2, 3]))
    }
    expectError("Masking: expected [batch, time, features], got [2, 3]") {
      _ = Masking()(Tensor.zeros([2, 3]))
    }
  }

  @Test("Layers made in a call are told apart by their settings")
  func hooks() {
    var units = 2
    let module = Lambda { x in GRU(units)(x) }
    _ = module(Self.sequence())
    #expect(module.namedVariables.first?.path == "gru/cell/kernel")
    expectClose(module(Self.sequence()), module(Self.sequence()), atol: 0, rtol: 0)
    units = 3
    expectError("modules must be made in the same order with the same arguments") {
      _ = module(Self.sequence())
    }
  }
}
