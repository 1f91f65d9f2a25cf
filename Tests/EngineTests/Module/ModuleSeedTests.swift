import Engine
import TestSupport
import Testing

@Suite("Seeds of modules", .seeded)
struct ModuleSeedTests {
  private let x = Tensor.ones([2, 3])

  private func kernel(_ layer: Linear) -> [Float] {
    _ = layer(x)
    return (layer.kernel as Tensor).scalars(as: Float.self)
  }

  private func mask(_ layer: Dropout) -> [Float] {
    layer(Tensor.ones([64])).scalars(as: Float.self)
  }

  @Test("Separately made modules have other weights and other masks")
  func separate() {
    let (a, b) = (Linear(4), Linear(4))
    #expect(kernel(a) != kernel(b))
    let (c, d) = (Dropout(0.5), Dropout(0.5))
    #expect(mask(c) != mask(d))
    #expect(Set([a.seed, b.seed, c.seed, d.seed, 42]).count == 5)
  }

  @Test("setSeed begins the sequence again; without it a run begins as with 42")
  func sequence() {
    let first = (0..<3).map { _ in kernel(Linear(4)) }
    setSeed(42)
    #expect((0..<3).map { _ in kernel(Linear(4)) } == first)
    setSeed(43)
    let other = (0..<3).map { _ in kernel(Linear(4)) }
    #expect(Set(first + other).count == 6)
  }

  @Test("A module takes its seed when it is first used, and keeps it")
  func firstUse() {
    let (early, late) = (Linear(4), Linear(4))
    let first = kernel(late)
    let second = kernel(early)
    let seeds = [late.seed, early.seed]
    #expect(seeds == [late.seed, early.seed])
    setSeed(42)
    #expect([kernel(Linear(4)), kernel(Linear(4))] == [first, second])
  }

  @Test("A model's seed decides the weights of its module, and takes none of the sequence")
  func model() throws {
    func weights() throws -> [Float] {
      let model = Model(module: Sequential(Linear(4), Linear(2)), seed: 5)
      let y: Tensor = try model.predict(x: x)
      return y.scalars(as: Float.self)
    }
    let first = try weights()
    #expect(try weights() == first)
    let next = kernel(Linear(4))
    setSeed(42)
    #expect(kernel(Linear(4)) == next)
  }

  @Test("Parts have the seed of the whole, also when they were made before it")
  func parts() {
    let whole = Sequential(Linear(4), Linear(4))
    whole.seed = 9
    let y = whole(x)
    let (first, second) = (Linear(4), Linear(4))
    // Asked for, and so taken from the sequence; what counts is the whole that it becomes a part of.
    _ = first.seed
    let later = Sequential(first, second)
    later.seed = 9
    expectClose(later(x), y, atol: 0, rtol: 0)
    #expect([first.seed, second.seed] == [9, 9])
  }

  @Test("A graph of layers takes one seed, its layers none")
  func graph() {
    let input = Input(shape: [3])
    let graph = Functional(inputs: input, outputs: Dense(2)(Dropout(0.5)(Dense(4)(input))))
    _ = graph([x]) as Tensor
    let next = Linear(4).seed
    setSeed(42)
    #expect(graph.seed == Linear(4).seed)
    #expect(Linear(4).seed == next)
    let layers = graph.children.map(\.module.seed)
    #expect(layers.allSatisfy { $0 == graph.seed })
  }

  @Test("A copy has the seed and the random state of its original")
  func copies() {
    let layer = Dropout(0.5)
    _ = mask(layer)
    let copy = layer.copy { Dropout(0.5) }
    #expect(copy.seed == layer.seed)
    #expect(mask(copy) == mask(layer))
  }

  @Test("First use in a trace takes a seed as any use does")
  func traced() throws {
    let layer = Linear(4)
    let compiled = jit { (x: Tensor) in layer(x) }
    let y = try compiled(x)
    setSeed(42)
    let again = Linear(4)
    expectClose(again(x), y)
  }
}
