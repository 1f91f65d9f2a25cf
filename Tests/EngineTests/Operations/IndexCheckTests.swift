import Engine
import TestSupport
import Testing

@Suite("Indices are checked before they are narrowed")
struct IndexCheckTests {
  /// Wrong numbers of classes, categories or rows of which there are three, of every type, and what the message says.
  private static let wrong: [(Tensor, String)] = [
    (Tensor([1, 4_294_967_299]), "number 4294967299 at position 1"),
    (Tensor([-4_294_967_294, 1]), "number -4294967294 at position 0"),
    (Tensor([Int64.max, 0]), "number 9223372036854775807 at position 0"),
    (Tensor([3, 0]), "number 3 at position 0"), (Tensor([0, -1]), "number -1 at position 1"),
    (Tensor([UInt8(0), 255]), "number 255 at position 1"),
    (Tensor([0.7, 1]), "number 0.7 at position 0"),
    (Tensor([0, -0.5]), "number -0.5 at position 1"),
    (Tensor([0, Double.nan]), "number nan at position 1"),
    (Tensor([0, Double.infinity]), "number inf at position 1"),
    (Tensor([1e20, 0], dtype: .float64), "number 1e+20 at position 0"),
    (Tensor([2.5, 0], dtype: .float64), "number 2.5 at position 0"),
    (Tensor([4_294_967_297.0, 0], dtype: .float64), "number 4294967297 at position 0"),
  ]

  /// The same two numbers in every type.
  private static let right: [Tensor] =
    [Tensor([2, 0])] + [.int64, .uint8, .float32, .float64].map { Tensor([2, 0], dtype: $0) }

  private func expectIndexError(
    _ text: String, _ bound: String = "it must be in 0..<3", _ body: () throws -> Tensor
  ) {
    do {
      let value = try withErrors(body)
      Issue.record("\(text): no error but \(value.isTraced ? "a trace" : "\(value)")")
    } catch {
      guard (error as? EngineError)?.kind == .index else {
        Issue.record("another error: \(error)")
        return
      }
      #expect("\(error)".contains("\(text) does not exist: \(bound)"), "\(error)")
    }
  }

  @Test("By layers and losses, at once and compiled")
  func layersAndLosses() throws {
    let table = Embedding(inputs: 3, outputs: 2)
    let masked = Embedding(inputs: 3, outputs: 2, maskZero: true)
    let readers: [(Tensor) -> Tensor] = [
      { table($0) }, { masked($0) }, { CategoryEncoding(3)($0) },
      { CategoryEncoding(3, output: .oneHot)($0) }, { CategoryEncoding(3, output: .index)($0) },
      { sparseCategoricalCrossentropy($0, .zeros([2, 3]), fromLogits: true) },
      { sparseCategoricalCrossentropy($0, .full([2, 3], 1.0 / 3)) },
    ]
    for reader in readers {
      let expected = reader(Self.right[0])
      for x in Self.right {
        expectClose(reader(x), expected)
        expectClose(try jit(reader)(x), expected)
      }
      for (x, text) in Self.wrong {
        expectIndexError(text) { reader(x) }
        expectIndexError(text) { try jit(reader)(x) }
      }
    }
    #expect(CategoryEncoding(3, output: .index)(Self.right[3]).dtype == .int32)
  }

  @Test("By training and evaluation")
  func training() throws {
    for (y, text) in Self.wrong {
      for runEagerly in [false, true] {
        let model = Model(
          module: Linear(3), loss: SparseCategoricalCrossentropy(fromLogits: true),
          optimizer: SGD(learningRate: 0.1), runEagerly: runEagerly)
        expectIndexError(text) {
          try model.fit(
            x: Tensor.ones([2, 4]), y: y, batchSize: 2, verbose: .silent, shuffle: false)
          return y
        }
        expectIndexError(text) {
          _ = try model.evaluate(x: Tensor.ones([2, 4]), y: y, batchSize: 2)
          return y
        }
      }
    }
  }

  @Test("The row 2^32 + 1 of a table of ten does not exist, with gradients too")
  func largeRow() throws {
    let table = Embedding(inputs: 10, outputs: 4)
    let ids = Tensor([4_294_967_297])
    #expect(ids.dtype == .int64)
    let (text, bound) = ("number 4294967297 at position 0", "it must be in 0..<10")
    expectIndexError(text, bound) { table(ids) }
    expectIndexError(text, bound) { try grad { (w: Tensor) in sum(table(ids) * w) }(Tensor(1.0)) }
    let labels = Tensor([4_294_967_297])
    expectIndexError(text, "it must be in 0..<2") {
      sparseCategoricalCrossentropy(labels, .zeros([1, 2]), fromLogits: true)
    }
  }

  @Test("One-hot rows of no number at all are errors; numbers outside stay rows of zeros")
  func oneHotRows() throws {
    for x in Self.right { expectClose(oneHot(x, depth: 3), [0, 0, 1, 1, 0, 0]) }
    let outside = Tensor([4_294_967_299, -4_294_967_294])
    expectClose(oneHot(outside, depth: 3), [0, 0, 0, 0, 0, 0])
    for x in [Tensor([0.7]), Tensor([Double.nan])] {
      expectIndexError(
        "number \(x.item().isNaN ? "nan" : "0.7") at position 0", "it must be a whole"
      ) {
        oneHot(x, depth: 3)
      }
      expectIndexError("at position 0", "it must be a whole") {
        try jit { oneHot($0, depth: 3) }(x)
      }
    }
  }

  @Test("In functions of examples that are mapped over a batch")
  func mapped() throws {
    let (x, large) = (Tensor([[1.0, 2, 3], [4, 5, 6]]), Tensor([[4_294_967_297], [0]]))
    let taken = try vmap { take($0, $1) }(x, Tensor([[-1], [0]], dtype: .int64))
    expectClose(taken, [3, 4])
    expectIndexError("number 4294967297 at position 0") { try vmap { take($0, $1) }(x, large) }
    expectIndexError("number -4294967293 at position 1") {
      try vmap { take($0, $1) }(x, Tensor([[0], [-4_294_967_296]]))
    }
  }

  @Test("Inputs of functional models and variables take what their type holds")
  func functional() throws {
    let ids = Input(shape: [2], dtype: .int32)
    let model = Functional(inputs: ids, outputs: Embedding(inputs: 10, outputs: 3)(ids))
    let output: Tensor = model(Tensor([[1.0, 2]], dtype: .float64))
    #expect(output.shape == [1, 2, 3])
    for (x, text) in [
      (Tensor([[1, 4_294_967_299]]), "number 4294967299 at position 1"),
      (Tensor([[0.7, 1]]), "number 0.7 at position 0"),
      (Tensor([[0, Double.nan]]), "number nan at position 1"),
    ] {
      expectIndexError(text, "it must be a whole number that int32 holds") { model(x) }
      expectIndexError(text, "it must be a whole number that int32 holds") {
        try jit { model($0) as Tensor }(x)
      }
    }
    final class Memory: Module {
      func call(_ x: Tensor) -> Tensor {
        let last = variable("last", kind: .state, dtype: .int32)
        last.value = x
        return last.value
      }
    }
    let memory = Memory()
    #expect(memory(Tensor(Int64(7))).item() == 7)
    expectIndexError("number 4294967299 at position 0", "it must be a whole number that int32") {
      memory(Tensor(4_294_967_299))
    }
  }

  @Test("Class weights are for whole numbers")
  func classWeights() throws {
    let model = Model(
      module: Linear(2), loss: SparseCategoricalCrossentropy(fromLogits: true),
      optimizer: SGD(learningRate: 0.1))
    for (y, text) in [
      (Tensor([0, Double.nan]), "label nan (sample 1) is not whole"),
      (Tensor([0.7, 1]), "label 0.7"),
      (Tensor([1e300, 1], dtype: .float64), "label 1e+300 (sample 0) is not whole"),
      (Tensor([4_294_967_297, 1]), "no weight for class 4294967297 (sample 0)"),
    ] {
      do {
        try model.fit(
          x: Tensor.ones([2, 4]), y: y, batchSize: 2, verbose: .silent,
          classWeight: [0: 1, 1: 2])
        Issue.record("\(text): no error")
      } catch { #expect("\(error)".contains(text), "\(error)") }
    }
  }

  @Test("Accuracy compares integers without rounding")
  func accuracy() throws {
    let labels = Tensor([16_777_217, 16_777_216])
    let metric = Accuracy()
    let result = try metric(yTrue: labels, yPred: Tensor([16_777_216, 16_777_216]))
    #expect(result.item() == 0.5)
    let votes = try CategoricalAccuracy()(
      yTrue: Tensor([[16_777_216, 16_777_217]]), yPred: Tensor([[0.0, 1]]))
    #expect(votes.item() == 1)
    let sparse = SparseCategoricalAccuracy()
    for (y, text) in Self.wrong {
      expectIndexError(text) { try sparse(yTrue: y, yPred: Tensor.zeros([2, 3])) }
    }
  }

  @Test("Axes longer than int32 counts have no positions in int32")
  func positions() {
    let long = Tensor.zeros([3_000_000_000], dtype: .uint8)
    for body in [{ argmax(long) }, { argmin(long, axis: 0) }, { argsort(long) }] {
      #expect(throws: EngineError.self) { try withErrors { _ = body() } }
    }
  }

  @Test("A class number that does not exist is an error that names it", arguments: [-1, 3])
  func wrongLabel(_ label: Int) {
    let error = #expect(throws: EngineError.self) {
      try withErrors {
        sparseCategoricalCrossentropy(Tensor([0, label]), Tensor.zeros([2, 3]), fromLogits: true)
      }
    }
    #expect(
      "\(String(describing: error))".contains("number \(label) at position 1 does not exist"))
  }
}
