import Tensors
import TensorsTestSupport
import Testing

@Suite("Subscripts and indices")
struct IndexingTests {
  private let x = Tensor.arange(24).reshape([2, 3, 4])

  @Test("An integer takes an axis away, negative from the end")
  func positions() {
    expectClose(x[1, -1, 0], [20])
    #expect(x[1].shape == [3, 4])
    #expect(x[1, -1, 0].shape == [])
  }

  @Test("Ranges keep an axis and are cut off at its ends")
  func ranges() {
    #expect(x[0..<1].shape == [1, 3, 4])
    expectClose(x[0, 1...2, 0], [4, 8])
    expectClose(x[0, 1..., 0], [4, 8])
    expectClose(x[0, ..<2, 0], [0, 4])
    expectClose(x[0, ...1, 0], [0, 4])
    expectClose(x[0, -2 ..< -1, 0], [4])
    expectClose(x[0, -2 ... -1, 0], [4, 8])
    #expect(x[0, 2..<9].shape == [1, 4])
  }

  @Test("Strided ranges, whole axes, new axes and the ellipsis follow NumPy")
  func namedEntries() {
    expectClose(x[0, 0, .stride(by: -1)], [3, 2, 1, 0])
    expectClose(x[0, 0, .stride(from: 1, by: 2)], [1, 3])
    expectClose(x[0, 0, .stride(from: -1, to: 0, by: -2)], [3, 1])
    #expect(x[.all, .newAxis, 0].shape == [2, 1, 4])
    expectClose(x[.ellipsis, -1], [3, 7, 11, 15, 19, 23])
    #expect(x[0, .ellipsis, 1..<3].shape == [3, 2])
    #expect(x[0, 0, 0, .ellipsis, .newAxis].shape == [1])
  }

  @Test("A tensor of indices replaces its axis by its own axes")
  func tensorIndices() {
    #expect(x[Tensor([[1, 0], [0, 1]])].shape == [2, 2, 3, 4])
    expectClose(x[0, Tensor([2, 0]), 1..<3], [9, 10, 1, 2])
    expectClose(x[.ellipsis, Tensor(-1)], [3, 7, 11, 15, 19, 23])
  }

  @Test("take gathers entries of an axis")
  func takes() {
    #expect(take(x, Tensor([[0, 2]]), axis: 1).shape == [2, 1, 2, 4])
    expectClose(take(Tensor([5.0, 6, 7]), Tensor([2, -3, 2])), [7, 5, 7])
    #expect(take(x, Tensor([Int]()), axis: -1).shape == [2, 3, 0])
    expectClose(take(Tensor([5, 6]), Tensor([UInt8(1)])), [6])
    expectClose(take(x.transpose(), Tensor([1]))[0], [1, 13, 5, 17, 9, 21])
  }

  @Test("scatterAdd adds entries up, in the place of take")
  func scatters() {
    expectClose(scatterAdd(Tensor([1.0, 2, 3]), Tensor([2, 0, 2]), length: 4), [2, 0, 4, 0])
    #expect(
      scatterAdd(Tensor.zeros([2, 3, 4]), Tensor([0, 1, 1]), length: 5, axis: 1).shape == [2, 5, 4])
  }

  @Test("takeAlong picks one entry a place")
  func takesAlong() {
    let y = Tensor([[1.0, 2, 3], [4, 5, 6]])
    expectClose(takeAlong(y, Tensor([2, 0])), [3, 4])
    expectClose(takeAlong(y, Tensor([0, 1, -1]), axis: 0), [1, 5, 6])
  }

  @Test("oneHot marks each index; others give zeros")
  func oneHots() {
    expectClose(
      oneHot(Tensor([1, 0, 3]), depth: 3), Tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]))
    #expect(oneHot(Tensor([[1]]), depth: 2, dtype: .bool).shape == [1, 1, 2])
  }

  @Test("An index out of bounds is an error that names position, value and bound")
  func outOfBounds() {
    #expect(
      throws: EngineError.index(
        operation: "take",
        message: "index 3 at position 1 does not exist: it must be in -3..<3")
    ) { try withErrors { take(Tensor([1.0, 2, 3]), Tensor([0, 3])) } }
    #expect(
      throws: EngineError.index(
        operation: "takeAlong",
        message: "index -4 at position 0 does not exist: it must be in -3..<3")
    ) { try withErrors { takeAlong(Tensor([[1.0, 2, 3]]), Tensor([-4])) } }
    #expect(
      throws: EngineError.index(
        operation: "subscript",
        message: "position 2 does not exist in axis 0 of shape [2, 3, 4]: it must be in -2..<2")
    ) { try withErrors { x[2] } }
    #expect(
      throws: EngineError.index(
        operation: "subscript", message: "4 entries are too many for shape [2, 3, 4] of 3 axes")
    ) { try withErrors { x[0, 0, 0, 0] } }
    #expect(
      throws: EngineError.index(
        operation: "subscript",
        message: """
          a bool tensor cannot select: the shape would depend on values; use select or multiply
          """)
    ) { try withErrors { x[Tensor([true, false])] } }
  }
}
