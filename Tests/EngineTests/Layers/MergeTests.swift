import Engine
import TestSupport
import Testing

@Suite("Layers that merge several tensors")
struct MergeTests {
  static let layers: [@Sendable () -> Merge] = [
    { Add() }, { Subtract() }, { Multiply() }, { Average() }, { Maximum() }, { Minimum() },
  ]

  @Test("Inputs that do not fit name the layer, what was expected and what came", arguments: layers)
  func wrongInputs(_ make: @Sendable () -> Merge) {
    let (a, b) = (Tensor.zeros([2, 3]), Tensor.zeros([2, 4]))
    let name = "\(type(of: make()))"
    expectError("\(name): cannot combine [2, 3] and [2, 4]") { _ = make()([a, b]) }
    expectError(
      "\(name): expected tensors [batch, ...] with one batch size, got [2, 3] and [1, 3]"
    ) { _ = make()([a, Tensor.zeros([1, 3])]) }
    expectError("\(name): expected tensors [batch, ...] with one batch size, got [] and []") {
      _ = make()([Tensor(1.0), Tensor(1.0)])
    }
    expectError(name == "Subtract" ? "expected 2 tensors" : "expected one tensor or more") {
      _ = make()([])
    }
  }

  @Test("Subtract takes two")
  func two() {
    let x = Tensor([[1.0]])
    expectError("Subtract: expected 2 tensors, got [1, 1] and [1, 1] and [1, 1]") {
      _ = Subtract()([x, x, x])
    }
    expectClose(Subtract()([x, x * 3]), [-2])
  }

  @Test("Types promote, and the mean of whole numbers has a fraction")
  func types() {
    let (a, b) = (Tensor([[1, 2]]), Tensor([[2, 4]]))
    #expect(Add()([a, b]).dtype == .int32)
    expectClose(Average()([a, b]), [1.5, 3])
    #expect(Multiply()([a, b.cast(to: .float64)]).dtype == .float64)
    expectClose(Maximum()([a, Tensor([[1.5, 1.5]])]), [1.5, 2])
  }

  @Test("Concatenate needs tensors that are equal but along the axis")
  func concatenated() {
    let (a, b) = (Tensor([[1.0, 2]]), Tensor([[3.0]]))
    expectClose(Concatenate()([a, b, a]), Tensor([[1.0, 2, 3, 1, 2]]))
    let expected = "Concatenate: expected tensors that are equal in all lengths but that of axis"
    expectError("\(expected) 0, got [1, 2] and [1, 1]") { _ = Concatenate(axis: 0)([a, b]) }
    expectError("\(expected) 2, got [1, 2] and [1, 1]") { _ = Concatenate(axis: 2)([a, b]) }
    expectError("\(expected) -1, got [1, 2] and [1]") { _ = Concatenate()([a, Tensor([1.0])]) }
    expectError("\(expected) -1, got none") { _ = Concatenate()([]) }
  }

  @Test("Dot needs two tensors with equal vectors, and no vectors along the batch")
  func dot() {
    let (a, b) = (Tensor.zeros([2, 3, 4]), Tensor.zeros([2, 4]))
    #expect(Dot(axes: (-1, -1))([a, b]).shape == [2, 3])
    for layer in [Dot(axes: 1), Dot(axes: (0, 0)), Dot(axes: (3, 1)), Dot(axes: (-3, 1))] {
      expectError("Dot: expected two tensors [batch, ...] with one batch size, and one length") {
        _ = layer([a, b])
      }
    }
    expectError("got [2, 4] and [3, 4]") { _ = Dot(axes: 1)([b, Tensor.zeros([3, 4])]) }
    expectError("got [2, 4]") { _ = Dot(axes: 1)([b]) }
  }

  @Test("Vectors of zeros have the cosine 0, and gradients")
  func zeros() throws {
    let layer = Dot(axes: 1, normalize: true)
    let x = [Tensor.zeros([1, 2]), Tensor([[3.0, 4]])]
    expectClose(layer(x), [0])
    for gradient in try grad({ sum(layer($0)) })(x) {
      #expect(gradient.scalars(as: Float.self).allSatisfy { $0.isFinite })
    }
  }

  @Test("Work in modules that take two tensors, and are told apart by their arguments")
  func hooks() throws {
    final class Pair: Module {
      var axis = -1
      func call(_ x: [Tensor]) -> Tensor {
        Concatenate(axis: axis)([Add()(x), Dot(axes: 1)(x)])
      }
    }
    let pair = Pair()
    let x = [Tensor([[1.0, 2], [3, 4]]), Tensor([[1.0, 1], [1, 1]])]
    expectClose(pair(x), Tensor([[2.0, 3, 3], [4, 5, 7]]))
    #expect(pair.children.map(\.name) == ["concatenate", "add", "dot"])
    pair.axis = 1
    expectError("hook 1 was Concatenate(axis: -1) \"concatenate\" and is now Concatenate(axis: 1)")
    {
      _ = pair(x)
    }
  }
}
