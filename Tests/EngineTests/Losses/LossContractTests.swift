import Engine
import TestSupport
import Testing

@Suite("Losses keep one contract")
struct LossContractTests {
  /// One case of every class, with random data.
  static func examples() throws -> [FixtureCase] {
    var seen: Set<String> = []
    return try (LossTable.cases("losses") + LossTable.others).filter { example in
      guard let name = example.className else { return false }
      let rank = name == "CTC" ? 3 : 2
      return try example["y_pred"].tensor().rank == rank && seen.insert(name).inserted
    }
  }

  @Test("Every row of the table has a case")
  func everyRowHasOne() throws {
    let names = try Self.examples().compactMap(\.className)
    #expect(names.sorted() == LossTable.rows.keys.sorted())
  }

  @Test("A batch without rows gives 0 and an empty gradient", arguments: try examples())
  func emptyBatch(_ example: FixtureCase) throws {
    let yTrue = try example["y_true"].tensor()[0..<0]
    let yPred = try example["y_pred"].tensor()[0..<0]
    // Nothing at all does not overlap with nothing.
    let isOfSums = ["Dice", "Tversky"].contains(example.className)
    for reduction in [Reduction.sumOverBatchSize, .sum] {
      let loss = try LossTable.make(example, reduction)
      let (value, gradient) = try valueAndGrad { (yPred: Tensor) in
        try loss(yTrue: yTrue, yPred: yPred)
      }(yPred)
      #expect(value.item() == (isOfSums ? 1 : 0))
      #expect(gradient.shape == yPred.shape)
    }
    let loss = try LossTable.make(example, .none)
    #expect(try loss(yTrue: yTrue, yPred: yPred).shape == (isOfSums ? [] : [0]))
  }

  @Test(
    "One row alone gives its value",
    arguments: try examples().filter { !LossTable.aboutBatches.contains($0.className ?? "") })
  func oneRow(_ example: FixtureCase) throws {
    let loss = try LossTable.make(example, .none)
    let yTrue = try example["y_true"].tensor()
    let yPred = try example["y_pred"].tensor()
    let all = try loss(yTrue: yTrue, yPred: yPred)
    #expect(all.shape == [yPred.shape[0]])
    let one = try loss(yTrue: yTrue[2..<3], yPred: yPred[2..<3])
    expectClose(one, all[2..<3])
  }

  @Test("Weights of 0 give 0 and no gradient", arguments: try examples())
  func weightsOfZero(_ example: FixtureCase) throws {
    let loss = try LossTable.make(example, .sumOverBatchSize)
    let yTrue = try example["y_true"].tensor()
    let yPred = try example["y_pred"].tensor()
    let isOfSums = ["Dice", "Tversky"].contains(example.className)
    let weights = isOfSums ? Tensor(0.0) : Tensor.zeros([yPred.shape[0]])
    let (value, gradient) = try valueAndGrad { (yPred: Tensor) in
      try loss(yTrue: yTrue, yPred: yPred, sampleWeight: weights)
    }(yPred)
    #expect(value.item() == 0)
    #expect(gradient.scalars(as: Float.self).allSatisfy { $0 == 0 })
  }

  @Test("Gradients agree with central differences", arguments: try examples())
  func differences(_ example: FixtureCase) throws {
    let yTrue = try example["y_true"].tensor()
    let loss = try LossTable.make(example, .sumOverBatchSize)
    try expectGradient(
      of: { try loss(yTrue: yTrue, yPred: $0[0]) }, at: [try example["y_pred"].tensor(.float64)])
  }

  @Test("A compiled loss gives what it gives at once", arguments: try examples())
  func compiled(_ example: FixtureCase) throws {
    let yTrue = try example["y_true"].tensor()
    let yPred = try example["y_pred"].tensor()
    let loss = try LossTable.make(example, .sumOverBatchSize)
    let function = { (x: [Tensor]) in [try loss(yTrue: x[0], yPred: x[1])] }
    let expected = try function([yTrue, yPred])[0]
    expectClose(try jit(function)([yTrue, yPred])[0], expected)
  }

  @Test("The weight multiplies the loss and the name comes from the type or from the user")
  func options() throws {
    let yTrue = Tensor([[0.0, 2]])
    let yPred = Tensor([[1.0, 0]])
    #expect(try MeanSquaredError(weight: 3)(yTrue: yTrue, yPred: yPred).item() == 7.5)
    #expect(
      try MeanAbsoluteError(on: "b")(
        yTrue: ["a": yPred, "b": yTrue], yPred: ["a": yPred, "b": yPred]
      ).item() == 1.5)
    #expect(MeanSquaredError().name == "mean_squared_error")
    #expect(SparseCategoricalCrossentropy().name == "sparse_categorical_crossentropy")
    #expect(MeanSquaredError(name: "mse").name == "mse")
  }

  @Test("Labels without an axis fit predictions with one column, and the other way round")
  func ranks() throws {
    let loss = MeanSquaredError(reduction: .none)
    let labels = Tensor([1.0, 2, 3])
    let predictions = Tensor([[1.0], [0], [0]])
    expectClose(try loss(yTrue: labels, yPred: predictions), [0, 4, 9])
    expectClose(try loss(yTrue: predictions, yPred: labels), [0, 4, 9])
    expectClose(try loss(yTrue: labels, yPred: Tensor([1.0, 0, 0])), [0, 4, 9])
    let integers = try loss(yTrue: Tensor([1, 2, 3]), yPred: predictions)
    #expect(integers.dtype == .float32)
    expectClose(integers, [0, 4, 9])
  }

  @Test("Weights of samples apply to labels and predictions of rank 1")
  func weightsOfRankOne() throws {
    let value = try MeanAbsoluteError()(
      yTrue: Tensor([1.0, 2]), yPred: Tensor([0.0, 0]), sampleWeight: Tensor([1.0, 0.5]))
    #expect(value.item() == 1)
  }

  @Test("Shapes that do not fit are an error that names both")
  func wrongShapes() {
    let labels = Tensor([1.0, 2, 3])
    expectError("labels [3] do not fit predictions [3, 3]") {
      _ = try MeanSquaredError()(yTrue: labels, yPred: Tensor.zeros([3, 3]))
    }
    expectError("begins with Sparse") {
      _ = try CategoricalCrossentropy()(yTrue: labels, yPred: Tensor.zeros([3, 4]))
    }
    expectError("labels [2, 3] do not fit predictions [4, 3]") {
      _ = try Huber()(yTrue: Tensor.zeros([2, 3]), yPred: Tensor.zeros([4, 3]))
    }
    expectError("class numbers [4, 3] do not fit predictions [4, 3]") {
      _ = try SparseCategoricalCrossentropy()(
        yTrue: Tensor.zeros([4, 3]), yPred: Tensor.zeros([4, 3]))
    }
    expectError("weights of shape [2] do not fit values of shape [3]") {
      _ = try MeanSquaredError()(
        yTrue: labels, yPred: Tensor.zeros([3, 1]), sampleWeight: Tensor([1.0, 1]))
    }
  }

  @Test("A label that is no class is an error that names it", arguments: [-1, 3, 10])
  func labelOutOfRange(_ label: Int) {
    expectError("number \(label) at position 1 does not exist: it must be in 0..<3") {
      _ = try SparseCategoricalCrossentropy(fromLogits: true)(
        yTrue: Tensor([0, label, 2]), yPred: Tensor.zeros([3, 3]))
    }
  }

  @Test("A function of values named by key paths is a loss")
  func custom() throws {
    let loss = CustomLoss("mse", \.yTrue, \.yPred, weight: 2) { yTrue, yPred in
      mean(square(yTrue - yPred), axis: -1)
    }
    #expect(loss.name == "mse")
    let value = try loss(yTrue: Tensor([[1.0], [2]]), yPred: Tensor([[0.0], [0]]))
    #expect(value.item() == 5)
    let copy = CustomLoss("copy", \.x, \.yPred) { x, yPred in abs(x - yPred) }
    #expect(try copy(x: Tensor([1.0]), yPred: Tensor([3.0])).item() == 2)
    expectError("yTrue is asked for as one tensor and is absent") {
      _ = try loss(yPred: Tensor([[0.0]]))
    }
    expectError("yTrue is asked for as one tensor and is a list of 2") {
      _ = try loss(yTrue: [Tensor([1.0]), Tensor([1.0])], yPred: Tensor([[0.0]]))
    }
  }
}
