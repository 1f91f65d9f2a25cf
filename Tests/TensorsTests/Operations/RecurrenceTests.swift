import Tensors
import TensorsTestSupport
import Testing

/// One size of problem for comparison with the loop.
private struct Problem: Sendable, CustomTestStringConvertible {
  let kind: RecurrenceCell.Kind
  let batch: Int
  let time: Int
  let units: Int
  var isReversed = false
  var hasMask = false
  var hasDrop = false
  var activation = RecurrenceCell.Activation.tanh
  var gate = RecurrenceCell.Activation.sigmoid

  var testDescription: String {
    "\(kind) of \(units), [\(batch), \(time)], \(activation), \(gate)"
      + (isReversed ? ", backwards" : "") + (hasMask ? ", mask" : "") + (hasDrop ? ", drop" : "")
  }

  /// Sizes around 8 rows, 16 lanes, 64 sequences, and all that may be there.
  static let all: [Problem] = ([.simple, .gru, .lstm] as [RecurrenceCell.Kind]).flatMap { kind in
    [(1, 1, 1), (3, 4, 5), (8, 3, 16), (9, 2, 17), (65, 2, 33), (130, 3, 48)].flatMap {
      batch, time, units in
      [false, true].flatMap { isReversed in
        [false, true].map { isFull in
          Problem(
            kind: kind, batch: batch, time: time, units: units, isReversed: isReversed,
            hasMask: isFull, hasDrop: isFull)
        }
      }
    } + [
      Problem(kind: kind, batch: 3, time: 4, units: 5, activation: .relu, gate: .hardSigmoid),
      Problem(kind: kind, batch: 3, time: 4, units: 5, activation: .linear, gate: .sigmoid),
      Problem(kind: kind, batch: 3, time: 4, units: 5, activation: .sigmoid, gate: .tanh),
    ]
  }

  var gates: Int { kind == .lstm ? 4 : kind == .gru ? 3 : 1 }

  /// Sums, weights, first states, of gated recurrent units the bias, and factors.
  func arguments(_ dtype: DType) -> [Tensor] {
    var draw = SeededGenerator(seed: UInt64(batch * 100 + time * 10 + units))
    var shapes: [Shape] = [[batch, time, gates * units], [units, gates * units], [batch, units]]
    if kind == .gru { shapes.append([units]) }
    if kind == .lstm { shapes.append([batch, units]) }
    shapes.append([batch, units])
    return shapes.enumerated().map { index, shape in
      let scale = index == 1 ? 1 / Double(units).squareRoot() : 1
      return (draw.uniform(shape) * scale).cast(to: dtype)
    }
  }

  var mask: Tensor? {
    guard hasMask else { return nil }
    var draw = SeededGenerator(seed: 5)
    return draw.uniform([batch, time]) .> -0.4
  }

  func fused(_ x: [Tensor]) -> [Tensor] {
    let (outputs, states) = recurrence(
      RecurrenceCell(kind, activation: activation, gate: gate, isReversed: isReversed),
      sums: x[0], weights: x[1], states: kind == .lstm ? [x[2], x[3]] : [x[2]],
      bias: kind == .gru ? x[3] : nil, mask: mask, drop: hasDrop ? x[x.count - 1] : nil)
    return [outputs] + states
  }

  /// The formulas of Keras's cells, step by step.
  func loop(_ x: [Tensor]) -> [Tensor] {
    func apply(_ activation: RecurrenceCell.Activation, _ x: Tensor) -> Tensor {
      switch activation {
      case .linear: x
      case .tanh: tanh(x)
      case .sigmoid: sigmoid(x)
      case .relu: relu(x)
      case .hardSigmoid: clip(x / 6 + 0.5, min: 0, max: 1)
      }
    }
    var (h, c) = (x[2], x[Swift.min(3, x.count - 1)])
    var outputs = [Tensor](repeating: h, count: time)
    for step in 0..<time {
      let t = isReversed ? time - 1 - step : step
      let s = x[0][.all, t]
      let product = matmul(hasDrop ? h * x[x.count - 1] : h, x[1])
      func sums(_ gate: Int) -> Tensor {
        (s + product)[.all, (gate * units)..<((gate + 1) * units)]
      }
      var (next, memory) = (h, c)
      switch kind {
      case .simple: next = apply(activation, sums(0))
      case .gru:
        let (z, r) = (apply(gate, sums(0)), apply(gate, sums(1)))
        let candidate = apply(
          activation, s[.all, (2 * units)...] + r * (product[.all, (2 * units)...] + x[3]))
        next = z * h + (1 - z) * candidate
      case .lstm:
        memory =
          apply(gate, sums(1)) * c + apply(gate, sums(0)) * apply(activation, sums(2))
        next = apply(gate, sums(3)) * apply(activation, memory)
      }
      if let mask {
        let counts = mask[.all, t..<(t + 1)]
        (next, memory) = (select(counts, next, h), select(counts, memory, c))
      }
      (h, c) = (next, kind == .lstm ? memory : c)
      outputs[t] = h
    }
    return [stack(outputs, axis: 1), h] + (kind == .lstm ? [c] : [])
  }
}

@Suite("Recurrent layers as one operation")
struct RecurrenceTests {
  @Test("Values and gradients are those of the loop", arguments: Problem.all)
  private func loop(_ problem: Problem) throws {
    for dtype in [DType.float64, .float32] {
      let arguments = problem.arguments(dtype)
      func both(_ function: @escaping ([Tensor]) -> [Tensor]) throws -> [Tensor] {
        let cotangents = function(arguments).enumerated().map { index, y in
          var draw = SeededGenerator(seed: UInt64(index))
          return draw.uniform(y.shape).cast(to: dtype)
        }
        return function(arguments)
          + (try grad { (x: [Tensor]) in
            zip(function(x), cotangents).reduce(Tensor(0, dtype: dtype)) { $0 + sum($1.0 * $1.1) }
          }(arguments))
      }
      let tolerance = dtype == .float64 ? 1e-11 : 3e-5
      let (expected, actual) = (try both(problem.loop), try both(problem.fused))
      let compiled = try jit { (x: [Tensor]) in problem.fused(x) }(arguments)
      for (index, (a, b)) in zip(actual + compiled, expected + expected[..<compiled.count])
        .enumerated()
      {
        expectClose(a, b, atol: tolerance, rtol: tolerance, "\(dtype), result \(index)")
      }
    }
  }

  @Test("Any number of threads gives the same bits")
  func threads() throws {
    let problem = Problem(kind: .lstm, batch: 70, time: 20, units: 40)
    let arguments = Array(problem.arguments(.float32).dropLast())
    let cell = RecurrenceCell(.lstm, activation: .tanh, gate: .sigmoid, isReversed: false)
    func run(_ primitive: any Primitive, _ inputs: [Tensor], threads: Int) throws -> [Tensor] {
      let workspace = Workspace(pool: ThreadPool(threads: threads))
      let results = try primitive.infer(inputs.map(\.spec)).map { spec in
        Tensor(
          [Double](repeating: .nan, count: spec.shape.elementCount), shape: spec.shape,
          dtype: .float32)
      }
      let kernel = primitive.prepare(
        inputs.compactMap(\.operand), results.compactMap(\.operand), workspace)
      workspace.reserve()
      try kernel()
      return results
    }
    func both(threads: Int) throws -> [Tensor] {
      let forward = try run(
        Recurrence(cell: cell, hasMask: false, hasDrop: false), arguments, threads: threads)
      let rule = RecurrenceGradient(
        cell: cell, hasMask: false, hasDrop: false, arrives: [true, false, false])
      let inputs =
        [arguments[1], forward[2], forward[0], arguments[2], forward[3], arguments[3], forward[0]]
      return forward + (try run(rule, inputs, threads: threads))
    }
    let expected = try both(threads: 1)
    for threads in 2...3 {
      for (a, b) in zip(try both(threads: threads), expected) {
        expectClose(a, b, atol: 0, rtol: 0)
      }
    }
  }

  @Test("A graph has as many operations for many steps as for few")
  func size() throws {
    let counts = try [2, 50].map { time in
      let problem = Problem(kind: .gru, batch: 2, time: time, units: 3)
      let specs = problem.arguments(.float32).map(\.spec)
      return try Trace.record(specs) { x in
        try grad { (x: [Tensor]) in sum(problem.fused(x)[1]) }(x)
      }.nodes.count
    }
    #expect(counts[0] == counts[1])
  }

  @Test("Examples of vmap, with weights of their own and shared, are those one by one")
  func examples() throws {
    let problem = Problem(kind: .lstm, batch: 3, time: 4, units: 5, hasMask: true)
    let x = problem.arguments(.float64)
    var draw = SeededGenerator(seed: 8)
    let sums = draw.uniform([2, 3, 4, 20])
    let weights = draw.uniform([2, 5, 20])
    let shared = try vmap { (s: Tensor) in problem.fused([s] + x[1...])[0] }(sums)
    let own = try vmap { (s: Tensor, w: Tensor) in problem.fused([s, w] + x[2...])[0] }(
      sums, weights)
    for index in 0..<2 {
      expectClose(
        shared[index], problem.fused([sums[index]] + x[1...])[0], atol: 1e-14, rtol: 1e-14)
      expectClose(
        own[index], problem.fused([sums[index], weights[index]] + x[2...])[0], atol: 1e-14,
        rtol: 1e-14)
    }
  }

  @Test("What does not fit is described")
  func mistakes() {
    let cell = RecurrenceCell(.lstm, activation: .tanh, gate: .sigmoid, isReversed: false)
    let states = [Tensor.zeros([2, 3]), .zeros([2, 3])]
    expectError("sums [2, 4, 10] must be [batch, time, 4 · units] with one step at least") {
      _ = recurrence(cell, sums: .zeros([2, 4, 10]), weights: .zeros([3, 12]), states: states)
    }
    expectError("[3, 12]") {
      _ = recurrence(cell, sums: .zeros([2, 4, 12]), weights: .zeros([3, 9]), states: states)
    }
  }
}
