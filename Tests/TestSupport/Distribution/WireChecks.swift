import Engine
import Foundation

/// What gradients are on their way between ranks: the sums of every hook, and training with them.
extension TrainingCheck {
  /// Sums and trainings with each hook.
  public static let wire: [TrainingCheck] =
    Hooks.all.map { hook in
      TrainingCheck(name: "wire-\(hook.name)-sums") { try checkSums(hook) }
    }
    + Hooks.all.flatMap { hook in
      [false, true].map { isEager in
        TrainingCheck(name: "wire-\(hook.name)-training" + (isEager ? "-eagerly" : "")) {
          try checkTraining(hook, runEagerly: isEager)
        }
      }
    } + [
      TrainingCheck(name: "wire-keeps-small-numbers", run: checkSmallNumbers),
      TrainingCheck(name: "wire-rounds-as-it-says", run: checkRounding),
      TrainingCheck(name: "wire-too-large") { try checkOverflow(runEagerly: false) },
      TrainingCheck(name: "wire-too-large-eagerly") { try checkOverflow(runEagerly: true) },
      TrainingCheck(name: "wire-of-one-rank", run: checkOtherHook),
    ] + errorFeedback + rows
}

struct Hooks: Sendable {
  let name: String
  let hook: any GradientHook
  /// The largest error of a number, as a part of the largest number that it is sent with.
  let error: Double

  static let all = [
    Hooks(name: "plain", hook: PlainHook(), error: 0),
    Hooks(name: "bfloat16", hook: .bfloat16, error: 1.0 / 512),
    Hooks(
      name: "bfloat16-rounded", hook: HalfPrecisionHook(.bfloat16, roundsSums: true),
      error: 1.0 / 256),
    Hooks(name: "float16", hook: .float16, error: 1.0 / 4096),
    Hooks(
      name: "float16-rounded", hook: HalfPrecisionHook(.float16, roundsSums: true),
      error: 1.0 / 2048),
    Hooks(name: "int8", hook: .int8, error: 1.0 / 254),
  ]

  /// Runs `body` with small buckets and these messages.
  func inForce<R>(bytes: Int = 2048, _ body: () throws -> R) throws -> R {
    let strategy = FixedStrategy(
      communicator,
      gradientReduction: BucketedAllReduce(limits: BucketLimits(bytes: bytes), hook: hook))
    return try DistributionContext.$strategy.withValue(strategy, operation: body)
  }
}

/// Ranks that reach each other's memory send nothing, and no hook is asked.
var sendsNothing: Bool {
  communicator.size == 1 || (communicator as? any SharingCommunicator)?.sharesMemory == true
}

private func numbers(_ count: Int, of rank: Int, stream: UInt64 = 1) -> [Float] {
  randomNormal([count], key: RandomKey(seed: UInt64(100 + rank), stream: stream).tensor)
    .scalars(as: Float.self)
}

/// Sums of arrays of many lengths, at once and compiled, against those of plain Swift, and the same bits on all ranks.
private func checkSums(_ hooks: Hooks) throws {
  let lengths = [1, 63, 64, 65, 700, 1, 5000, 40_000, 3]
  let own = lengths.enumerated().map {
    Tensor(numbers($0.element, of: communicator.rank, stream: UInt64($0.offset)))
  }
  try hooks.inForce {
    let jitted = jit { (x: [Tensor]) in try reduceGradients(x) }
    for (way, sums) in [
      ("at once", try reduceGradients(own)), ("compiled", try jitted(own)),
      ("compiled, once more", try jitted(own)),
    ] {
      for (index, count) in lengths.enumerated() {
        let all = (0..<communicator.size).map { numbers(count, of: $0, stream: UInt64(index)) }
        let found = sums[index].scalars(as: Float.self)
        let isExact = sendsNothing || count < 64
        let largest = all.joined().map { Double(Swift.abs($0)) }.max() ?? 0
        let tolerance = (isExact ? 0 : hooks.error * Double(communicator.size)) + 1e-6
        for i in 0..<count {
          let expected = all.reduce(0) { $0 + Double($1[i]) }
          try require(
            Swift.abs(Double(found[i]) - expected) <= tolerance * Swift.max(largest, 1),
            "\(way): number \(i) of \(count) is \(found[i]), not \(expected)")
        }
      }
      try agree(
        on: sums.map { "\($0.scalars(as: Float.self).map(\.bitPattern))" }, subject: "sums \(way)",
        communicator: communicator)
    }
  }
}

/// Eight times 256, or its sum from one rank, and beside it numbers that 16 bits of a sum would lose.
private func checkSmallNumbers() throws {
  let size = communicator.size
  for hook in Hooks.all where hook.name == "bfloat16" || hook.name == "float16" {
    let values: [Float] = (0..<size).map { rank in
      size > 8 ? (rank < 8 ? 256 : 0.5) : (rank == 0 ? 2048 : 0.5)
    }
    let sums = try hook.inForce {
      try reduceGradients(Tensor.full([1000], Double(values[communicator.rank])))
    }
    let expected = values.reduce(0, +)
    try require(
      sums.scalars(as: Float.self).allSatisfy { $0 == expected },
      "\(hook.name): the sum of \(values) is \(sums[0].item())")
  }
}

/// Bit for bit: numbers rounded to 16 bits, added in float32 in the order of ranks, and rounded again where sums travel in 16 bits.
private func checkRounding() throws {
  func rounded(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
  }
  let (count, size) = (3000, communicator.size)
  let all = (0..<size).map { numbers(count, of: $0) }
  for (index, roundsSums) in [(1, false), (2, true)] {
    let found = try Hooks.all[index].inForce {
      try reduceGradients(Tensor(all[communicator.rank])).scalars(as: Float.self)
    }
    for i in 0..<count {
      var expected = all[0][i]
      if !sendsNothing {
        expected = all.dropFirst().reduce(rounded(all[0][i])) { $0 + rounded($1[i]) }
        // Two ranks send all to each other, and no sums.
        if roundsSums, size > 2 { expected = rounded(expected) }
      } else if size > 1 {
        expected = all.dropFirst().reduce(expected) { $0 + $1[i] }
      }
      try requireEqual(found[i], expected, "number \(i), sums rounded: \(roundsSums)")
    }
  }
}

private func makeModel(runEagerly: Bool) -> Model {
  Model(
    module: MLP([70, 40, 3], activation: .tanh), loss: MeanSquaredError(),
    optimizer: SGD(learningRate: 0.05, momentum: 0.5), seed: 4, runEagerly: runEagerly)
}

private let x = randomNormal([240, 9], key: RandomKey(seed: 8))
private let y = tanh(x[0..., 0..<3]) + x[0..., 3..<6]

/// 20 steps within a hundredth of one process, of each parameter with 16 bits and of the whole with 8, and the same bits on all ranks.
private func checkTraining(_ hooks: Hooks, runEagerly: Bool) throws {
  func train() throws -> Model {
    let model = makeModel(runEagerly: runEagerly)
    model.driftInterval = 3
    try model.fit(x: x, y: y, batchSize: 24, epochs: 2, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  let model = try hooks.inForce { try train() }
  if hooks.hook is Int8Hook {
    let pairs = zip(model.module.trainableVariables, expected.module.trainableVariables)
    let largest = pairs.map { max(abs($1.value)).item() }.max() ?? 0
    for (own, other) in pairs {
      let difference = max(abs(own.value - other.value)).item()
      try require(
        difference <= 1e-2 * largest,
        "\(own.path) differs by \(difference), the largest weight is \(largest)")
    }
  } else {
    try requireSameWeights(model, expected, tolerance: hooks.error == 0 ? 1e-5 : 1e-2)
  }
  try requireSameOnAllRanks(model)
}

/// A gradient that float16 does not hold ends the step on all ranks, with the number and the parameter, before anything is written.
private func checkOverflow(runEagerly: Bool) throws {
  guard !sendsNothing else { return }
  let hooks = Hooks.all[3]
  let last = communicator.size - 1
  // The gradient of the last rank alone is beyond 65504.
  let rows = Tensor((0..<4 * communicator.size).map { $0 / 4 == last ? Float(1e6) : 1 })
  let ones = rows.reshape([4 * communicator.size, 1]) * Tensor.ones([1, 100])
  func model(_ policy: NonFinitePolicy) -> Model {
    let model = Model(
      module: Linear(1, useBias: false), loss: MeanAbsoluteError(),
      optimizer: SGD(learningRate: 1e-9), seed: 4, runEagerly: runEagerly)
    model.nonFinite = policy
    return model
  }
  func fit(_ model: Model) throws {
    try model.fit(
      x: ones, y: Tensor.full([4 * communicator.size, 1], -1e9), batchSize: 4 * communicator.size,
      verbose: .silent, shuffle: false)
  }
  try hooks.inForce {
    let stopped = model(.stop)
    let error = try requireError("a gradient beyond float16") { try fit(stopped) }
    try require(
      "\(error)".contains("rank \(last): ") && "\(error)".contains("too large for float16"),
      "the error must name the rank and the format: \(error)")
    if !runEagerly {
      try require("\(error)".contains("the gradient of kernel is "), "no name: \(error)")
    }
    try agree(on: ["\(error)"], subject: "the error", communicator: communicator)
    let skipping = model(.skipStep)
    try fit(skipping)
    try requireEqual(skipping.skippedSteps, 1, "steps that were skipped")
    let ignoring = model(.ignore)
    let unnoticed = try requireError("a gradient beyond float16 that nobody looks for") {
      try fit(ignoring)
    }
    try require("\(unnoticed)".contains("too large for float16"), "\(unnoticed)")
    try agree(on: ["\(unnoticed)"], subject: "the error", communicator: communicator)
  }
  // The range of float32.
  let model = model(.stop)
  try Hooks.all[1].inForce { try fit(model) }
  try requireSameOnAllRanks(model)
}

/// Ranks with other messages do not begin.
private func checkOtherHook() throws {
  guard communicator.size > 1 else { return }
  let isLast = communicator.rank == communicator.size - 1
  for (hook, text) in [(Hooks.all[1], "HalfPrecisionHook"), (Hooks.all[3], "float16")] {
    let error = try requireError("another hook on one rank") {
      try (isLast ? hook : Hooks.all[hook.name == "float16" ? 1 : 0]).inForce {
        _ = try makeModel(runEagerly: false).fit(x: x, y: y, batchSize: 24, verbose: .silent)
      }
    }
    try require(
      "\(error)".contains("gradients.hook") && "\(error)".contains(text),
      "the error must name the setting: \(error)")
  }
}
