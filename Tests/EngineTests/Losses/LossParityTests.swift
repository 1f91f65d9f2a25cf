import Engine
import TestSupport
import Testing

@Suite("Losses agree with Keras")
struct LossParityTests {
  /// Reductions with Keras's names.
  static let reductions: [(String, Reduction)] = [
    ("none", .none), ("sum_over_batch_size", .sumOverBatchSize), ("sum", .sum),
    ("mean_with_sample_weight", .meanWithSampleWeight),
  ]

  @Test("Values under every reduction and weighting", arguments: try LossTable.cases("losses"))
  func values(_ example: FixtureCase) throws {
    let isRounded = example.optional("precision") != nil
    let types: [DType] = isRounded ? [.float32] : [.float32, .float64]
    for dtype in types {
      let tolerance = dtype == .float64 ? 1e-7 : 1e-5
      for weighting in try example["weightings"].elements() {
        let weight = try weighting.optional("sample_weight")?.tensor()
        for (key, reduction) in Self.reductions {
          if reduction == .meanWithSampleWeight {
            // Keras divides by the sum of weights before they are spread over the values: by one of them, here.
            guard weighting.optional(key) != nil, weight?.rank != 0 else { continue }
          }
          let loss = try LossTable.make(example, reduction)
          let value = try loss(
            yTrue: try example["y_true"].tensor(), yPred: try example["y_pred"].tensor(dtype),
            sampleWeight: weight)
          #expect(value.dtype == dtype)
          // Keras 3 gives values [B, 1] for weights [B, 1].
          let expected = try weighting[key].tensor(dtype).reshape(value.shape)
          expectClose(value, expected, atol: tolerance, rtol: tolerance, "\(key) in \(dtype)")
        }
      }
    }
  }

  @Test("Gradients of the mean and of the sum", arguments: try LossTable.cases("losses"))
  func gradients(_ example: FixtureCase) throws {
    for dtype in [DType.float32, .float64] {
      let tolerance = dtype == .float64 ? 1e-7 : 1e-5
      let yTrue = try example["y_true"].tensor()
      for weighting in try example["weightings"].elements() {
        let weight = try weighting.optional("sample_weight")?.tensor()
        for (key, reduction) in [
          ("gradient", Reduction.sumOverBatchSize), ("gradient_of_sum", .sum),
        ] {
          guard let expected = weighting.optional(key) else { continue }
          let loss = try LossTable.make(example, reduction)
          let gradient = try grad { (yPred: Tensor) in
            try loss(yTrue: yTrue, yPred: yPred, sampleWeight: weight)
          }(try example["y_pred"].tensor(dtype))
          expectClose(
            gradient, try expected.tensor(dtype), atol: tolerance, rtol: tolerance,
            "\(key) in \(dtype)")
        }
      }
    }
  }

  @Test(
    "Examples of Keras's documentation",
    arguments: try LossTable.cases("published").filter { try $0["kind"].string() == "loss" })
  func published(_ example: FixtureCase) throws {
    let names = [
      "sum": Reduction.sum, "none": .none, "mean_with_sample_weight": .meanWithSampleWeight,
    ]
    let key = try example.argument("reduction")?.string()
    let loss = try LossTable.make(example, key.flatMap { names[$0] } ?? .auto)
    let update = try example["updates"][0]
    let value = try loss(
      yTrue: try update["y_true"].tensor(), yPred: try update["y_pred"].tensor(),
      sampleWeight: try update.optional("sample_weight")?.tensor())
    // Where versions differ (an epsilon within a logarithm) Keras 3 is followed.
    let expected = try example.optional("pinned") ?? example["expected"]
    expectClose(value, try expected.tensor(), atol: 1e-6, rtol: 2e-6)
  }
}
