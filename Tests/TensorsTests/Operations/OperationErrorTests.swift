import Tensors
import TensorsTestSupport
import Testing

@Suite("Messages of wrong shapes and types")
struct OperationErrorTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let message: String
    let run: @Sendable () -> Tensor

    init(_ name: String, _ message: String, _ run: @escaping @Sendable () -> Tensor) {
      testDescription = name
      self.message = message
      self.run = run
    }
  }

  @Test(
    "A mistake is described by operation, values and what would be right",
    arguments: [
      Mistake(
        "broadcast",
        "add: cannot combine [2, 3] and [4]: axis -1 has lengths 3 and 4, which must be equal or "
          + "one of them 1"
      ) { Tensor.zeros([2, 3]) + Tensor.zeros([4]) },
      Mistake("reshape", "reshape: cannot give [2, 3] of 6 elements the shape [4] of 4") {
        Tensor.zeros([2, 3]).reshape([4])
      },
      Mistake(
        "reshape with -1",
        "reshape: cannot give [2, 3] of 6 elements the shape [4, -1]: one length may be -1, and "
          + "the others must divide the number of elements"
      ) { Tensor.zeros([2, 3]).reshape([4, -1]) },
      Mistake("transpose", "transpose: axes [0, 0] are not an order of the 2 axes of [2, 3]") {
        Tensor.zeros([2, 3]).transpose([0, 0])
      },
      Mistake(
        "broadcastTo",
        "broadcastTo: cannot repeat [2, 3] to [4, 3]: aligned at the last axis, every length must "
          + "be equal or 1"
      ) { Tensor.zeros([2, 3]).broadcast(to: [4, 3]) },
      Mistake("squeeze", "squeeze: axis 0 of [2, 3] has length 2, not 1") {
        Tensor.zeros([2, 3]).squeeze(axis: 0)
      },
      Mistake(
        "concatenate",
        "concatenate: cannot join [2, 3] and [2, 4] along axis 0: all other lengths must be equal"
      ) { concatenate([Tensor.zeros([2, 3]), Tensor.zeros([2, 4])]) },
      Mistake("concatenate nothing", "concatenate: needs at least one tensor") { concatenate([]) },
      Mistake(
        "split", "split: axis 0 of [5] does not fall into 2 equal parts"
      ) { split(Tensor.zeros([5]), into: 2)[1] },
      Mistake("slice", "slice: the step must not be 0") { slice(Tensor([1.0]), axis: 0, by: 0) },
      Mistake("take", "take: indices must be int32, int64 or uint8, got float32") {
        take(Tensor([1.0]), Tensor([0.0]))
      },
      Mistake(
        "takeAlong",
        "takeAlong: indices for axis 1 of [2, 3] must have shape [2], got [3]"
      ) { takeAlong(Tensor.zeros([2, 3]), Tensor([0, 0, 0])) },
      Mistake(
        "softmax", "softmax: axis -1 does not exist in shape []: it is that of a scalar"
      ) { softmax(Tensor(1.0)) },
      Mistake("oneHot", "oneHot: depth must not be negative, got -1") {
        oneHot(Tensor([1]), depth: -1)
      },
    ])
  func mistakes(_ mistake: Mistake) {
    var text = ""
    do {
      _ = try withErrors { mistake.run() }
    } catch let error as EngineError {
      text = error.description
    } catch {
      text = "\(error)"
    }
    #expect(text == mistake.message)
  }

  @Test("The first mistake is reported, not what follows from it")
  func firstMistake() {
    #expect(
      throws: EngineError.shape(
        operation: "reshape", message: "cannot give [2] of 2 elements the shape [3] of 3")
    ) {
      try withErrors {
        let wrong = Tensor.zeros([2]).reshape([3])
        return matmul(wrong, Tensor.zeros([4, 4]))[5, 5] + sum(wrong, axis: 7)
      }
    }
  }
}
