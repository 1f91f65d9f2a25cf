import Engine
import TestSupport
import Testing

/// Layers of steps that are no operation of their own: one loop, whatever the number of steps, that gives what the steps give
/// one after the other (`unroll`).
@Suite("Recurrent layers as loops", .seeded)
struct RecurrentLoopTests {
  private static func draw(_ shape: Shape, seed: UInt64 = 3) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return generator.uniform(shape, dtype: .float64)
  }

  /// A layer with a direction, with or without all outputs, as a loop or unrolled.
  struct Settings {
    var returnSequences = false
    var goBackwards = false
    var unroll = false
    var stateful = false
  }

  /// A layer that can be called as every recurrent one.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let stateSizes: [Int]
    let make: @Sendable (Settings) -> AnyModule
    let run:
      @Sendable (AnyModule, Tensor, _ mask: Tensor?, _ states: [Tensor]?) -> (
        output: Tensor, states: [Tensor]
      )

    var testDescription: String { name }

    init<Cell: RecurrentCell>(
      _ name: String, _ stateSizes: [Int], _ make: @escaping @Sendable (Settings) -> RNN<Cell>
    ) {
      self.name = name
      self.stateSizes = stateSizes
      self.make = make
      run = { module, x, mask, states in
        guard let layer = module as? RNN<Cell> else { return (x, []) }
        return layer.withState(x, mask: mask, initialState: states)
      }
    }

    init<Cell: RecurrentCell>(
      _ name: String, _ stateSizes: [Int], cell: @escaping @Sendable () -> Cell
    ) {
      self.init(name, stateSizes) { settings in
        RNN(
          cell: cell(), returnSequences: settings.returnSequences,
          goBackwards: settings.goBackwards, stateful: settings.stateful, unroll: settings.unroll)
      }
    }

    static let all = [
      Case("LSTM of softsign", [3, 3]) {
        LSTM(
          3, activation: .softsign, dropout: 0.2, recurrentDropout: 0.2,
          returnSequences: $0.returnSequences, goBackwards: $0.goBackwards,
          stateful: $0.stateful, unroll: $0.unroll)
      },
      Case("GRU that resets before the product", [3]) {
        GRU(
          3, resetAfter: false, dropout: 0.2, recurrentDropout: 0.2,
          returnSequences: $0.returnSequences, goBackwards: $0.goBackwards,
          stateful: $0.stateful, unroll: $0.unroll)
      },
      Case("SimpleRNN of gelu", [3]) {
        SimpleRNN(
          3, activation: .gelu, recurrentDropout: 0.2, returnSequences: $0.returnSequences,
          goBackwards: $0.goBackwards, stateful: $0.stateful, unroll: $0.unroll)
      },
      Case("LSTM as one operation", [3, 3]) {
        LSTM(
          3, returnSequences: $0.returnSequences, goBackwards: $0.goBackwards,
          stateful: $0.stateful, unroll: $0.unroll)
      },
      Case("a cell of one's own", [3], cell: { Decay() }),
      Case("stacked cells", [3, 3, 3], cell: { Stacked() }),
      Case("noise at each step", [3], cell: { Noisy() }),
    ]
  }

  /// A cell of one's own.
  private final class Decay: AnyModule, RecurrentCell {
    let units = 3
    let stateSizes = [3]
    let change = Linear(3)

    func sequence(_ x: Tensor) -> RecurrentSequence {
      let rate = parameter("rate", shape: [3], initializer: Constant(0.5), dtype: x.dtype)
      return RecurrentSequence(inputs: x) { [self] x, states in
        let h = rate * states[0] + gelu(change(x))
        return (h * 2, [h])
      }
    }

    func fresh() -> Decay { Decay() }
  }

  /// Two cells, one on what the other gives.
  private final class Stacked: AnyModule, RecurrentCell {
    let units = 3
    let stateSizes = [3, 3, 3]
    let first = LSTMCell(3)
    let second = GRUCell(3)

    func sequence(_ x: Tensor) -> RecurrentSequence {
      RecurrentSequence(inputs: x) { [self] x, states in
        let a = first(RecurrentStep(value: x, states: Array(states[..<2])))
        let b = second(RecurrentStep(value: a.value, states: [states[2]]))
        return (b.value, (a.states ?? []) + (b.states ?? []))
      }
    }

    func fresh() -> Stacked { Stacked() }
  }

  /// Other elements of the state are dropped at each step.
  private final class Noisy: AnyModule, RecurrentCell {
    let units = 3
    let stateSizes = [3]
    let drop = Dropout(0.5)
    let change = Linear(3)

    func sequence(_ x: Tensor) -> RecurrentSequence {
      RecurrentSequence(inputs: x) { [self] x, states in
        let h = drop(states[0]) + tanh(change(x))
        return (h, [h])
      }
    }

    func fresh() -> Noisy { Noisy() }
  }

  @Test(
    "A loop gives what its steps give, and so do its gradients, while training too",
    arguments: Case.all)
  func agreesWithUnrolled(_ row: Case) throws {
    let x = Self.draw([2, 5, 4])
    let mask = Tensor([[1.0, 1, 0, 1, 1], [0, 1, 1, 0, 0]]).cast(to: .bool)
    let states = row.stateSizes.enumerated().map { Self.draw([2, $1], seed: UInt64(9 + $0)) }
    for number in 0..<8 {
      let isMasked = number & 4 != 0
      let results = try [false, true].map { unroll in
        let layer = row.make(
          Settings(
            returnSequences: number & 1 != 0, goBackwards: number & 2 != 0, unroll: unroll))
        layer.seed = 5
        func run(_ x: Tensor) throws -> [Tensor] {
          let (output, last) = row.run(
            layer, x, isMasked ? mask : nil, number & 1 != 0 ? states : nil)
          return [output] + last
        }
        let given = try jit(run)(x)
        let (value, gradients) = try valueAndGrad(of: layer) {
          try run(x).reduce(Tensor(0, dtype: .float64)) { $0 + sum(square($1)) }
        }
        let slope = try grad { (x: Tensor) in sum(sin(try run(x)[0])) }(x)
        return given + [value, slope] + gradients.values
      }
      #expect(results[0].count > 3)
      for (a, b) in zip(results[0], results[1]) {
        expectClose(a, b, atol: 1e-13, rtol: 1e-12, "variant \(number)")
      }
    }
  }

  @Test("A graph does not grow with the number of steps", arguments: Case.all)
  func graphSize(_ row: Case) throws {
    let layer = row.make(Settings(returnSequences: true))
    let counts = try [6, 60].map { steps in
      let x = Self.draw([2, steps, 4])
      _ = row.run(layer, x, nil, nil)
      return try Trace.record([x.spec]) {
        try [grad { (x: Tensor) in sum(row.run(layer, x, nil, nil).output) }($0[0])]
      }.nodes.count
    }
    #expect(counts[0] == counts[1])
  }

  @Test("A stateful loop goes on where it ended, compiled", arguments: Case.all.dropLast())
  func stateful(_ row: Case) throws {
    let x = Self.draw([2, 6, 4])
    let layers = [false, true].map {
      row.make(Settings(returnSequences: true, stateful: $0))
    }
    for layer in layers {
      layer.seed = 5
      layer.eval()
    }
    let whole = row.run(layers[0], x, nil, nil).output
    let compiled = jit { (x: Tensor) in row.run(layers[1], x, nil, nil).output }
    let halves = [try compiled(x[.all, ..<3]), try compiled(x[.all, 3...])]
    expectClose(concatenate(halves, axis: 1), whole, atol: 1e-14)
  }

  /// A cell that logs what a loop cannot hold.
  private final class Logging: AnyModule, RecurrentCell {
    let units = 2
    let stateSizes = [2]

    func sequence(_ x: Tensor) -> RecurrentSequence {
      RecurrentSequence(inputs: x) { [self] x, states in
        addLoss("sum", sum(x))
        return (x, [states[0] + x])
      }
    }

    func fresh() -> Logging { Logging() }
  }

  @Test("A cell that logs a loss at each step logs each of them")
  func logging() throws {
    let x = Self.draw([1, 3, 2])
    let layer = RNN(cell: Logging())
    let context = layer.run(isTraining: true) { layer(x) }.context
    #expect(context.notes.losses.count == 3)
    for (step, loss) in context.notes.losses.enumerated() {
      expectClose(loss.value, sum(x[.all, step]), atol: 1e-14)
    }
  }
}
