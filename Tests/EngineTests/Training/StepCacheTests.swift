import Engine
import Foundation
import TestSupport
import Testing

/// Bytes of this process that are in memory.
private func residentBytes() -> Int {
  let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  let pages = text?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  return (pages ?? 0) * 4096
}

/// Runs `rounds` rounds and expects that the last ones take no more memory than those before.
///
/// In a process of its own: others would take memory meanwhile.
private func expectFlat(
  rounds: Int, _ body: (_ round: Int) throws -> Void,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var live: [Int] = []
  var resident: [Int] = []
  for round in 0..<rounds {
    try body(round)
    live.append(StorageStatistics.liveBytes)
    resident.append(residentBytes())
  }
  let half = rounds / 2
  #expect(live[rounds - 1] <= live[half], "\(live)", sourceLocation: sourceLocation)
  #expect(
    resident[rounds - 1] - resident[half] < 6 << 20, "\(resident)", sourceLocation: sourceLocation)
}

@Suite struct StepCacheTests {
  @Test func `200 sizes of batches leave memory as it was`() async {
    await #expect(processExitsWith: .success) {
      let model = Model(module: Sequential(Linear(64, activation: .relu), Linear(8)))
      let x = Tensor.ones([200, 64])
      try expectFlat(rounds: 6) { _ in
        for size in 1...200 {
          let _: Tensor = try model.predict(x: x[0..<size], batchSize: size)
        }
      }
    }
  }

  @Test func `other class weights at every step need no other plan`() async {
    await #expect(processExitsWith: .success) {
      let model = Model(
        module: Linear(2), loss: SparseCategoricalCrossentropy(fromLogits: true),
        optimizer: SGD())
      try expectFlat(rounds: 6) { round in
        for step in 0..<300 {
          try model.trainOnBatch(
            x: Tensor.ones([4, 3]), y: Tensor([0, 1, 0, 1]),
            classWeight: [0: 1, 1: 1 + Double(300 * round + step)])
        }
      }
    }
  }

  @Test func `other constants in the data leave memory as it was`() async {
    await #expect(processExitsWith: .success) {
      struct Input: Codable {
        var x: Tensor
        @Static var factor: Double
      }
      final class Scale: Module {
        func call(_ input: Input) -> Tensor { Linear(32)(input.x * input.factor) }
      }
      let model = Model(module: Scale())
      let scale = jit { (input: Input) in sum(input.x * input.factor) }
      let x = Tensor.ones([4, 32])
      try expectFlat(rounds: 6) { round in
        for step in 0..<150 {
          let input = Input(x: x, factor: Double(150 * round + step))
          let y: Tensor = try model.predict(x: input)
          #expect(y.shape == [4, 32])
          #expect(try scale(input).item() == 128 * input.factor)
        }
      }
      #expect(scale.cacheCount == 64)
    }
  }

  @Test func `plans that were discarded are not missed`() throws {
    func train(limit: Int, ahead: Bool) throws -> [Double] {
      let model = Model(
        module: Linear(2), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
      model.stepCacheLimit = limit
      model.prefetcher = ahead ? Prefetcher() : nil
      let x = randomNormal([22, 3], key: RandomKey(seed: 1).tensor)
      let y = randomNormal([22, 2], key: RandomKey(seed: 2).tensor)
      // Other shapes in between throw the plan out that is being used, and that a batch is copied for.
      let between = LambdaCallback(onTrainBatchEnd: { step, _ in
        let _: Tensor = try model.predict(x: x[0..<step + 1])
        try model.trainOnBatch(x: x[0..<step + 2], y: y[0..<step + 2], resetMetrics: false)
      })
      let history = try model.fit(
        x: x, y: y, batchSize: 5, epochs: 3, verbose: .silent, callbacks: [between],
        validationData: ValidationData(x: x[0..<7], y: y[0..<7]), shuffle: false)
      return (history.history["loss"] ?? []) + (history.history["val_loss"] ?? [])
    }
    let expected = try train(limit: 32, ahead: false)
    #expect(expected.count == 6)
    for ahead in [false, true] { #expect(try train(limit: 1, ahead: ahead) == expected) }
  }

  /// Plans of one function share memory: what one leaves there is nothing to another.
  @Test func `plans of different shapes take turns`() throws {
    func body(_ x: Tensor) -> Tensor { sum(exp(matmul(x, transpose(x)) / 50)) + mean(tanh(x)) }
    let compiled = jit { (x: Tensor) in body(x) }
    var generator = SeededGenerator(seed: 2)
    let inputs = [3, 40, 7, 90, 12].map { generator.uniform([$0, 5], dtype: .float32) }
    for _ in 0..<3 {
      for x in inputs { expectClose(try compiled(x), body(x), rtol: 1e-5) }
    }
  }

  @Test func `a smaller plan takes no memory of its own`() throws {
    let compiled = jit { (x: Tensor) in sum(matmul(exp(x), tanh(x))) }
    _ = try compiled(.ones([300, 300]))
    let before = StorageStatistics.allocations { _ = try? compiled(.ones([300, 300])) }
    #expect(before < 8)
    let arena = Arena()
    let plans = try [100, 300, 200].map { size in
      try Plan(
        try Trace.record([TensorSpec([size, size], .float32)]) {
          [matmul(exp($0[0]), tanh($0[0]))]
        },
        arena: arena)
    }
    // The block of 300 is there when 200 asks for one, and holds it.
    let alone = try StorageStatistics.allocations {
      _ = try Plan(
        try Trace.record([TensorSpec([150, 150], .float32)]) { [matmul(exp($0[0]), tanh($0[0]))] })
    }
    let shared = try StorageStatistics.allocations {
      _ = try Plan(
        try Trace.record([TensorSpec([150, 150], .float32)]) { [matmul(exp($0[0]), tanh($0[0]))] },
        arena: arena)
    }
    #expect(shared < alone)
    withExtendedLifetime(plans) {}
  }
}
