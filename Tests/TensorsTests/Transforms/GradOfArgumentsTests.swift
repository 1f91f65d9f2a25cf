import Tensors
import TensorsTestSupport
import Testing

@Suite("Gradients of functions of few arguments")
struct GradOfArgumentsTests {
  private let a = Tensor([1.0, 2])
  private let b = Tensor([3.0, 4])

  @Test("Two arguments: the gradient is by the first")
  func two() throws {
    let f = { (a: Tensor, b: Tensor) in sum(a * square(b)) }
    let (value, gradient) = try valueAndGrad(f)(a, b)
    #expect(value.item() == 41)
    expectClose(gradient, [9, 16])
    expectClose(try grad(f)(a, b), [9, 16])
    expectClose(try vmap(grad(f))(a, b), [9, 16])
    let second = grad(grad { (a: Tensor, b: Tensor) in sum(a * a * b) })
    expectClose(try vmap(second)(a, b), [6, 8])
  }

  @Test("One argument and something besides the value")
  func auxiliary() throws {
    let f = { (a: Tensor) in (sum(a * a), ["doubled": 2 * a]) }
    let (value, auxiliary, gradient) = try valueAndGrad(withAuxiliary: f)(a)
    #expect(value.item() == 5)
    expectClose(try #require(auxiliary["doubled"]), [2, 4])
    expectClose(gradient, [2, 4])
  }
}
