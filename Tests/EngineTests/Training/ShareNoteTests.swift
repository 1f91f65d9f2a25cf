import Engine
import TestSupport
import Testing

@Suite("Shares that differ under Keras's scaling") struct ShareNoteTests {
  /// What two ranks that do the same say after training, by rank 0.
  private func messages(
    rows: Int, _ scaling: LossScaling = .replicas, ranks: Int = 2, mask: Bool = false
  ) throws -> [String] {
    let (logger, store) = WarningLog.logger()
    let strategy = FixedStrategy(EqualRanks(size: ranks), lossScaling: scaling)
    try DistributionContext.$strategy.withValue(strategy) {
      final class Masked: Module {
        func call(_ x: Tensor) -> Tensor {
          setMask(x[0..., 0..., 0] .> 0)
          return x
        }
      }
      let model = Model(
        module: mask ? Sequential(Masked(), Linear(1)) : Sequential(Linear(1)),
        loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
      model.shareNote = ShareNote(logger: logger)
      let x = Tensor.ones(mask ? [rows, 2, 3] : [rows, 3])
      let y = Tensor.ones(mask ? [rows, 2, 1] : [rows, 1])
      for _ in 0..<2 {
        try model.trainOnBatch(x: x, y: y)
        _ = try model.testOnBatch(x: x, y: y)
      }
    }
    return store.messages.withLock { $0 }
  }

  @Test("are mentioned once, with the other setting")
  func mentioned() throws {
    let found = try messages(rows: 3)
    #expect(found.count == 1)
    let text = try #require(found.first)
    #expect(text.hasPrefix("notice: 2 ranks have shares of 2 and 1 samples of a batch of 3"))
    #expect(text.contains("lossScaling: .globalBatch"))
    let masked = try messages(rows: 4, mask: true)
    #expect(masked.count == 1 && masked[0].contains("mask"))
  }

  @Test("are not mentioned where there is nothing to say")
  func silent() throws {
    #expect(try messages(rows: 4).isEmpty)
    #expect(try messages(rows: 3, .globalBatch).isEmpty)
    #expect(try messages(rows: 4, .globalBatch, mask: true).isEmpty)
    #expect(try messages(rows: 3, ranks: 1).isEmpty)
  }
}
