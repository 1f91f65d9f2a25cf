import Tensors
import TensorsTestSupport
import Testing

@Suite("Operations that look at memory differently")
struct ViewTests {
  private let x = Tensor.arange(from: 0, to: 24).reshape([2, 3, 4])

  private func sharesMemory(_ a: Tensor, _ b: Tensor) -> Bool { a.storage === b.storage }

  @Test("Reshaping, transposing, slicing and broadcasting copy nothing")
  func viewsShareMemory() {
    let views: [Tensor] = [
      x.reshape([6, 4]), x.reshape([-1]), x.transpose(), x.transpose([1, 0, 2]), x.transposed,
      x[0], x[.all, 1..<3], x[.ellipsis, .stride(by: -2)], x[.newAxis], x.expandDims(axis: 1),
      x[.all, 0..<1].squeeze(), x.broadcast(to: [5, 2, 3, 4]), flip(x), split(x, into: 2)[1],
      stopGradient(x), x.transpose([1, 0, 2])[0].reshape([2, 2, 2]),
    ]
    for view in views { #expect(sharesMemory(view, x), "\(view.shape)") }
  }

  @Test("Only a reshape that strides cannot express copies")
  func reshapeOfTransposed() {
    let copied = x.transpose().reshape([24])
    #expect(!sharesMemory(copied, x))
    expectClose(copied[0..<4], [0, 12, 4, 16])
  }

  @Test("Reshape fills in -1 and keeps the order of elements")
  func reshapes() {
    #expect(x.reshape([4, -1]).shape == [4, 6])
    expectClose(x.reshape([4, -1])[1], [6, 7, 8, 9, 10, 11])
    #expect(Tensor.zeros([0, 3]).reshape([3, 0]).shape == [3, 0])
    #expect(Tensor(5.0).reshape([1, 1]).shape == [1, 1])
  }

  @Test("Transposing puts the axes in the order asked for")
  func transposes() {
    #expect(x.transpose().shape == [4, 3, 2])
    #expect(x.transpose([2, 0, 1]).shape == [4, 2, 3])
    #expect(x.transpose([-1, 0, 1])[3, 1, 2].item() == 23)
    #expect(swapAxes(x, 0, 2)[1, 2, 0].item() == 9)
  }

  @Test("Broadcasting repeats axes of length 1 and new leading axes")
  func broadcasts() {
    expectClose(Tensor([[1.0], [2]]).broadcast(to: [2, 2, 2]), [1, 1, 2, 2, 1, 1, 2, 2])
  }

  @Test("A slice takes every step-th position, backwards for a negative step")
  func slices() {
    let y = Tensor.arange(6)
    expectClose(slice(y, axis: 0, from: 1, to: 5, by: 2), [1, 3])
    expectClose(slice(y, axis: 0, by: -2), [5, 3, 1])
    expectClose(slice(y, axis: 0, from: 4, to: 0, by: -3), [4, 1])
    expectClose(slice(y, axis: 0, from: -2), [4, 5])
    expectClose(slice(y, axis: 0, from: 2, to: 100), [2, 3, 4, 5])
    #expect(slice(y, axis: 0, from: 5, to: 2).shape == [0])
  }

  @Test("Padding puts a value around")
  func pads() {
    expectClose(pad(Tensor([1, 2]), [(1, 2)]), [0, 1, 2, 0, 0])
    expectClose(
      pad(Tensor([[1.0]]), [(0, 1), (1, 0)], value: 7), Tensor([[7.0, 1], [7, 7]]))
    #expect(pad(Tensor([true]), [(1, 0)], value: 1).scalars(as: Bool.self) == [true, true])
  }

  @Test("Concatenation and stacking join along an axis and promote types")
  func joins() {
    let (a, b) = (Tensor([[1.0, 2]]), Tensor([[3, 4]]))
    expectClose(concatenate([a, b]), Tensor([[1.0, 2], [3, 4]]))
    expectClose(concatenate([a, b], axis: -1), Tensor([[1.0, 2, 3, 4]]))
    #expect(concatenate([b, a]).dtype == .float32)
    #expect(stack([a, b], axis: 1).shape == [1, 2, 2])
    #expect(stack([a, b], axis: -1).shape == [1, 2, 2])
    expectClose(stack([a, b], axis: -1), [1, 3, 2, 4])
    expectClose(concatenate([a.transposed, b.transposed], axis: 1), Tensor([[1.0, 3], [2, 4]]))
  }

  @Test("Splitting gives the parts of an axis")
  func splits() {
    let parts = split(Tensor.arange(6), lengths: [1, 0, 5])
    #expect(parts.map(\.shape) == [[1], [0], [5]])
    expectClose(parts[2], [1, 2, 3, 4, 5])
    #expect(split(x, into: 2, axis: -1).map(\.shape) == [[2, 3, 2], [2, 3, 2]])
  }

  @Test("Axes of length 1 come and go; repetitions are by element or as a whole")
  func axes() {
    #expect(x.expandDims(axis: -1).shape == [2, 3, 4, 1])
    #expect(x.expandDims(axis: 1).squeeze(axis: 1).shape == x.shape)
    #expect(Tensor.zeros([1, 2, 1]).squeeze().shape == [2])
    expectClose(repeatElements(Tensor([1, 2]), 2, axis: 0), [1, 1, 2, 2])
    expectClose(tile(Tensor([1, 2]), [2]), [1, 2, 1, 2])
    expectClose(flip(Tensor([[1, 2], [3, 4]]), axes: [1]), [2, 1, 4, 3])
  }
}
