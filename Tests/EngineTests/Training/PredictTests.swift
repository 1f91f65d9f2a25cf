import Engine
import TestSupport
import Testing

@Suite struct PredictTests {
  private let x = randomNormal([6, 3], key: RandomKey(seed: 1).tensor)

  /// Outputs that are not a row for each sample; the first one has as many elements as a batch has samples.
  static let forms: [(name: String, body: @Sendable (Tensor) -> Tensor)] = [
    ("mean over the batch", { mean($0, axis: 0) }),
    ("mean that keeps the axis", { mean($0, axis: 0, keepDims: true) }),
    ("one number", { mean($0) }),
    ("all pairs of samples", { matmul($0, $0.transposed) }),
    ("features first", { $0.transposed }),
    ("each sample twice", { concatenate([$0, $0], axis: 0) }),
    ("constant", { _ in Tensor.ones([3, 2]) }),
  ]

  @Test(arguments: [false, true])
  func `an output without a row for each sample is an error in several batches`(
    eagerly: Bool
  ) throws {
    for form in Self.forms {
      let model = Model(module: Lambda { form.body($0) }, runEagerly: eagerly)
      let error = #expect(throws: EngineError.self, "\(form.name)") {
        let _: Tensor = try model.predict(x: x, batchSize: 3)
      }
      #expect("\(String(describing: error))".contains("does not have one row for each sample"))
      // Alone and in one batch there is nothing to put together.
      let whole: Tensor = try model.predict(x: x, batchSize: 6)
      expectClose(whole, form.body(x))
      let once: Tensor = try model.predictOnBatch(x: x)
      expectClose(once, form.body(x))
    }
  }

  @Test func `the error names the output`() throws {
    struct Outputs: Codable {
      var rows: Tensor
      var centre: Tensor
    }
    final class Both: Module {
      func call(_ x: Tensor) -> Outputs { Outputs(rows: x, centre: mean(x, axis: 0)) }
    }
    expectError("output centre of Both does not have one row for each sample") {
      let _: Outputs = try Model(module: Both()).predict(x: x, batchSize: 4)
    }
  }

  @Test func `rows that differ from batch to batch are an error`() throws {
    final class Growing: Module {
      var calls = 0
      func call(_ x: Tensor) -> Tensor {
        calls += 1
        // Variables are made, the first batch is run, one sample more is traced; the second batch has a step of its own.
        return calls < 4 ? x : concatenate([x, x], axis: 1)
      }
    }
    let model = Model(module: Growing(), runEagerly: true)
    expectError("gives rows of [\"float32 [3]\"] for the first batch and of [\"float32 [6]\"]") {
      let _: Tensor = try model.predict(x: x, batchSize: 4)
    }
  }

  @Test func `a module for one size of batch predicts in batches of this size`() throws {
    let model = Model(
      module: Lambda { x in
        x.shape[0] == 3
          ? x * 2 : fail(EngineError.invalidArgument(message: "three samples, please"))
      })
    let y: Tensor = try model.predict(x: x, batchSize: 3)
    expectClose(y, x * 2)
  }

  @Test func `without samples there are no rows`() throws {
    let model = Model(module: Linear(2))
    let none: Tensor = try model.predict(x: x[0..<0])
    #expect(none.shape == [0, 2])
  }
}
