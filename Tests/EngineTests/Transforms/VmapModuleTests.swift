import Engine
import TestSupport
import Testing

@Suite("vmap of modules", .seeded) struct VmapModuleTests {
  @Test func `variables that would differ from example to example are an error`() throws {
    final class Counter: Module {
      func call(_ x: Tensor) -> Tensor {
        let total = variable("total", kind: .state)
        total.value = total.value + sum(x)
        return x * total.value
      }
    }
    let module = Counter()
    expectError("variable total would get another value") {
      _ = try vmap { (x: Tensor) in module(x) }(Tensor([1.0, 2]))
    }
    #expect(module(Tensor(1.0)).item() == 1)
  }

  @Test func `a variable that is the same for all examples can be written`() throws {
    final class Counter: Module {
      func call(_ x: Tensor) -> Tensor {
        let calls = variable("calls", kind: .state)
        calls.value = calls.value + 1.0
        return x * calls.value
      }
    }
    let module = Counter()
    let mapped = vmap { (x: Tensor) in module(x) }
    expectClose(try mapped(Tensor([1.0, 2])), [1, 2])
    expectClose(try mapped(Tensor([1.0, 2])), [2, 4])
    let compiled = jit(mapped)
    expectClose(try compiled(Tensor([1.0, 2])), [3, 6])
    expectClose(try compiled(Tensor([1.0, 2])), [4, 8])
  }

  @Test func `every example draws its own random numbers, and the next call others`() throws {
    let layer = Dropout(0.5)
    let mapped = vmap { (x: Tensor) in layer(x) }
    let first = try mapped(.ones([3, 64]))
    let second = try mapped(.ones([3, 64]))
    func row(_ x: Tensor, _ index: Int) -> [Double] { x[index].scalars() }
    #expect(row(first, 0) != row(first, 1) && row(first, 1) != row(first, 2))
    #expect(row(first, 0) != row(second, 0))
    #expect(first.scalars(as: Double.self).allSatisfy { $0 == 0 || $0 == 2 })
  }

  @Test func `what modules log inside is averaged over the examples`() throws {
    final class Inner: Module {
      func call(_ x: Tensor) -> Tensor {
        addLoss("inner", sum(x))
        return x
      }
    }
    final class Outer: Module {
      let inner = Inner()
      func call(_ x: Tensor) -> Tensor {
        (try? vmap { [inner] (x: Tensor) in inner(x) }(x)) ?? x
      }
    }
    let module = Outer()
    let (_, context) = module.run(isTraining: true) { module(Tensor([[1.0, 2], [3, 4]])) }
    #expect(context.notes.losses.map { $0.value.item() } == [5])
  }

  @Test(
    "The gradients of a module's parameters are the same over a batch and mapped over examples",
    arguments: [false, true])
  func parametersOfModule(isCompiled: Bool) throws {
    final class Network: Module {
      func call(_ x: Tensor) -> Tensor {
        let features = MaxPooling2D(2)(gelu(Conv2D(2, kernelSize: 2)(x)))
        return Linear(2)(LayerNormalization()(Flatten()(features)))
      }
    }
    var generator = SeededGenerator(seed: 6)
    let images = generator.uniform([3, 5, 5, 1])
    let module = Network()
    _ = module(images)
    let parameters = module.variables(.parameter)
    func gradients(_ forward: @escaping (Tensor) throws -> Tensor) throws -> [Tensor] {
      let slopes = { (x: Tensor) -> [Tensor] in
        let (value, found, _) = try vjpOfScalar(parameters.map(\.value)) { leaves in
          let overlay = VariableOverlay(Array(zip(parameters, leaves)))
          return (mean(square(try overlay { try forward(x) })), ())
        }
        return [value] + found
      }
      return isCompiled ? try jit(slopes)(images) : try slopes(images)
    }
    let mapped = vmap { (x: Tensor) in squeeze(module(expandDims(x, axis: 0)), axis: 0) }
    let expected = try gradients { module($0) }
    let actual = try gradients { try mapped($0) }
    #expect(actual.count == parameters.count + 1)
    for (a, b) in zip(actual, expected) { expectClose(a, b, atol: 1e-12, rtol: 1e-10) }
  }
}
