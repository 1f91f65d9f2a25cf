import Engine
import Testing

/// A bar with a clock and an output of its own.
private final class Stage {
  let log = TextLog()
  var now = 100.0
  var list: CallbackList {
    get throws {
      if let made { return made }
      let list = CallbackList(
        [], model: model, parameters: parameters,
        progress: ProgressBar(
          verbosity: verbosity, output: log.output(isTerminal: isTerminal, columns: columns),
          color: color, clock: { self.now }))
      made = list
      return list
    }
  }
  private var made: CallbackList?
  let model: ModelStub
  let parameters: RunParameters
  let verbosity: Verbosity
  let isTerminal, color: Bool
  let columns: Int?

  init(
    _ verbosity: Verbosity = .auto, isTerminal: Bool, epochs: Int = 2, steps: Int? = 4,
    columns: Int? = 120, color: Bool = false, model: ModelStub = ModelStub()
  ) {
    self.verbosity = verbosity
    self.isTerminal = isTerminal
    self.columns = columns
    self.color = color
    self.model = model
    parameters = RunParameters(epochs: epochs, steps: steps)
  }

  /// An epoch of 4 steps: the first takes 2 s, the others 12 ms more each.
  func epoch(_ epoch: Int, logs: Logs = ["loss": 0.5, "accuracy": 0.25], steps: Int = 4) throws {
    let list = try list
    if epoch == 0 { try list.trainBegin() }
    try list.epochBegin(epoch)
    for step in 0..<steps {
      now += step == 0 ? 2 : 0.012
      try list.trainBatchEnd(step, step == 0 ? ["loss": 1] : [:])
    }
    now += 1
    try list.epochEnd(epoch, logs)
  }
}

@Suite struct ProgressBarTests {
  @Test func `a rank of mpirun draws a bar only when the launcher has a terminal`() {
    #expect(isTerminalMeant(in: ["TERM": "xterm"]))
    #expect(!isTerminalMeant(in: ["TERM": "dumb"]))
    #expect(!isTerminalMeant(in: ["TERM": "xterm", "OMPI_COMM_WORLD_RANK": "0"]))
    #expect(isTerminalMeant(in: ["OMPI_COMM_WORLD_RANK": "0", "APUS_TERMINAL": "1"]))
  }

  @Test func `a terminal gets a bar that is drawn in place`() throws {
    let stage = Stage(isTerminal: true)
    try stage.epoch(0)
    #expect(
      stage.log.text == "Epoch 1/2\n"
        + "\r1/4 ━━━━━─────────────── 6s 2s/step - loss: 1.0000\u{1B}[K"
        + "\r4/4 ━━━━━━━━━━━━━━━━━━━━ 3s 12ms/step - loss: 0.5000 - accuracy: 0.2500\u{1B}[K\n")
  }

  @Test func `the bar is drawn at most twenty times a second`() throws {
    let stage = Stage(isTerminal: true, epochs: 1, steps: 1000)
    let list = try stage.list
    try list.trainBegin()
    try list.epochBegin(0)
    for step in 0..<500 {
      stage.now += 0.001
      try list.trainBatchEnd(step, [:])
    }
    let drawings = stage.log.text.count { $0 == "\r" }
    #expect(drawings == 10)
    #expect(stage.log.text.hasPrefix("\r   1/1000 ────────────────────"), "one epoch has no title")
  }

  @Test func `colours show what is left`() throws {
    let stage = Stage(isTerminal: true, epochs: 1, color: true)
    try stage.epoch(0)
    #expect(
      stage.log.text.contains(
        "1/4 \u{1B}[32m━━━━━\u{1B}[90m━━━━━━━━━━━━━━━\u{1B}[0m 6s"))
  }

  @Test(arguments: [Verbosity.auto, .bar, .line])
  func `elsewhere there is one line an epoch without control characters`(
    _ verbosity: Verbosity
  ) throws {
    let stage = Stage(verbosity, isTerminal: false)
    try stage.epoch(0)
    try stage.epoch(1, logs: ["loss": 1e-5, "val_loss": -2])
    #expect(
      stage.log.text == """
        Epoch 1/2 - 4/4 - 3s - 12ms/step - loss: 0.5000 - accuracy: 0.2500
        Epoch 2/2 - 4/4 - 3s - 12ms/step - loss: 1.0000e-05 - val_loss: -2.0000

        """)
    #expect(stage.log.text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 })
  }

  @Test func `silence is silent`() throws {
    let stage = Stage(.silent, isTerminal: true)
    try stage.epoch(0)
    #expect(stage.log.text.isEmpty)
  }

  @Test func `without a known number of steps there is no bar at first`() throws {
    let stage = Stage(isTerminal: true, steps: nil)
    try stage.epoch(0)
    #expect(stage.log.text.contains("\r1/Unknown 2s 2s/step - loss: 1.0000\u{1B}[K"))
    #expect(stage.log.text.contains("\r4/4 ━━━━━━━━━━━━━━━━━━━━ 3s 12ms/step"))
    stage.log.clear()
    try stage.epoch(1)
    #expect(stage.log.text.contains("\r1/4 ━━━━━─────"))
  }

  @Test(arguments: [20, 40, 60])
  func `a line that is drawn over fits the terminal`(_ columns: Int) throws {
    let stage = Stage(isTerminal: true, epochs: 1, columns: columns)
    try stage.epoch(0)
    let first = stage.log.text.split(separator: "\u{1B}")[0].dropFirst()
    #expect(first.count < columns, "\(first)")
    #expect(stage.log.text.hasSuffix("loss: 0.5000 - accuracy: 0.2500\u{1B}[K\n"))
  }

  @Test func `an epoch that ends early shows how far it came`() throws {
    let stage = Stage(isTerminal: false, epochs: 1)
    try stage.epoch(0, steps: 2)
    #expect(stage.log.text == "2/4 - 3s - 12ms/step - loss: 0.5000 - accuracy: 0.2500\n")
  }

  @Test func `messages get a line of their own`() throws {
    let log = TextLog()
    let output = log.output(isTerminal: true)
    output.write("\rbar")
    output.line("message")
    output.line("another")
    #expect(log.text == "\rbar\nmessage\nanother\n")
  }

  @Test func `evaluation has a line, validation within fit has none`() throws {
    let stage = Stage(isTerminal: false, epochs: 1)
    let list = try stage.list
    func evaluate() throws {
      try list.testBegin()
      for step in 0..<4 {
        stage.now += 0.5
        try list.testBatchEnd(step, [:])
      }
      try list.testEnd(["loss": 0.125])
    }
    try evaluate()
    #expect(stage.log.text == "4/4 - 2s - 500ms/step - loss: 0.1250\n")
    stage.log.clear()
    try list.trainBegin()
    try list.epochBegin(0)
    try evaluate()
    #expect(stage.log.text.isEmpty)
  }

  @Test func `rank 0 decides and prints`() throws {
    // Rank 0 says `bar` (2), although this rank is to be silent: logs are read when rank 0 needs them.
    let model = ModelStub(communicator: TwoRanks(rank: 1, other: 2))
    let stage = Stage(.silent, isTerminal: true, steps: 40, model: model)
    let list = try stage.list
    try list.trainBegin()
    #expect(list.batchLogSteps(40).stride == 2, "a twentieth of the steps")
    try stage.epoch(1)
    #expect(stage.log.text.isEmpty)
  }

  @Test(arguments: [
    (0.1234, "0.1234"), (12.0, "12.0000"), (0.0011, "0.0011"), (0.001, "1.0000e-03"),
    (-0.5, "-0.5000"), (0, "0.0000e+00"), (.nan, "nan"), (1e9, "1000000000.0000"),
  ])
  func `values look as in Keras`(_ value: Double, _ expected: String) throws {
    let stage = Stage(.line, isTerminal: false, epochs: 1)
    try stage.epoch(0, logs: ["loss": value])
    #expect(stage.log.text.hasSuffix("loss: \(expected)\n"))
  }

  @Test(arguments: [
    (1.6, "2s/step"), (0.25, "250ms/step"), (0.00034, "340us/step"), (0, "0s/step"),
  ])
  func `times of steps look as in Keras`(_ seconds: Double, _ expected: String) throws {
    let stage = Stage(.line, isTerminal: false, epochs: 1)
    let list = try stage.list
    try list.trainBegin()
    try list.epochBegin(0)
    for step in 0..<4 {
      stage.now += seconds
      try list.trainBatchEnd(step, [:])
    }
    try list.epochEnd(0, [:])
    #expect(stage.log.text.hasSuffix("\(expected)\n"))
  }

  @Test(arguments: [(0.5, "2s"), (20, "1:20"), (1000, "1:06:40")])
  func `the time that is left looks as in Keras`(_ seconds: Double, _ expected: String) throws {
    let stage = Stage(.bar, isTerminal: true, epochs: 1, steps: 5)
    let list = try stage.list
    try list.trainBegin()
    try list.epochBegin(0)
    stage.now += seconds
    try list.trainBatchEnd(0, [:])
    #expect(stage.log.text.contains(" \(expected) "))
  }
}
