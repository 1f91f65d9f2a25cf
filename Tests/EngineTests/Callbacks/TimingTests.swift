import Engine
import TestSupport
import Testing

@Suite struct TimingTests {
  /// 2.5 s an epoch: half a second before the first step, a second each step (2 of them); 4 more of what follows.
  private func run(_ timing: Timing, _ time: TimeSource, samples: Int?) throws -> History {
    let list = CallbackList(
      [timing], model: ModelStub(),
      parameters: RunParameters(
        epochs: 2, steps: 2, samples: samples, batchSize: samples == nil ? nil : 4,
        verbosity: .silent))
    try list.trainBegin()
    for epoch in 0..<2 {
      try list.epochBegin(epoch)
      time.now += 0.5
      for step in 0..<2 {
        try list.trainBatchBegin(step)
        time.now += 1
        try list.trainBatchEnd(step, [:])
      }
      time.now += 4
      try list.epochEnd(epoch, ["loss": 1])
    }
    try list.trainEnd([:])
    return list.history
  }

  private final class TimeSource {
    var now = 100.0
  }

  @Test func `epochs are timed as a whole, samples by their steps`() throws {
    let time = TimeSource()
    let log = TextLog()
    let timing = Timing(verbose: true, clock: { time.now })
    timing.output = log.output()
    // The second step of 4 has one sample.
    let history = try run(timing, time, samples: 5)
    #expect(history["epoch_seconds"] == [6.5, 6.5])
    #expect(history["samples_per_second"] == [2, 2])
    #expect(timing.epochs.map(\.trainingSeconds) == [2.5, 2.5])
    #expect(timing.epochs.map(\.fastestSeconds) == [6.5, 6.5])
    #expect(log.lines.first == "Epoch 1: 6.500 s, 2.0 samples/s")
    // A second run begins anew.
    _ = try run(timing, time, samples: 5)
    #expect(timing.epochs.count == 2)
  }

  @Test func `without the number of samples none are logged`() throws {
    let time = TimeSource()
    let history = try run(Timing(clock: { time.now }), time, samples: nil)
    #expect(Array(history.history.keys) == ["loss", "epoch_seconds"])
  }

  @Test func `a model says how many samples there are`() throws {
    let timing = Timing()
    let x = Tensor.ones([10, 1])
    let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: SGD())
    try model.fit(
      x: x, y: x, batchSize: 4, epochs: 2, verbose: .silent, callbacks: [timing], stepsPerEpoch: 2)
    let epoch = try #require(timing.epochs.last)
    let rate = try #require(epoch.samplesPerSecond)
    #expect(abs(rate * epoch.trainingSeconds - 8) < 1e-9)
    #expect(epoch.trainingSeconds <= epoch.seconds)
  }
}
