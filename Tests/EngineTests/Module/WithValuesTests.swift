import Engine
import TestSupport
import Testing

/// `with`: a module as a function of its values.
@Suite("A module with other values") struct WithValuesTests {
  private let x = Tensor([[1.0, 2], [3, 5], [-4, 0]])

  private func model() throws -> Sequential {
    let model = Sequential(Linear(3), BatchNormalization(momentum: 0.5), Dropout(0.5))
    try model.initialize(x)
    return model
  }

  private func expectEqual(_ a: ModuleTree, _ b: ModuleTree) throws {
    #expect(a.paths == b.paths)
    for path in a.paths {
      expectClose(
        try #require(a[path]).cast(to: .float64), try #require(b[path]).cast(to: .float64), atol: 0,
        rtol: 0, path)
    }
  }

  @Test("What is written inside is seen inside, and gone afterwards", arguments: [false, true])
  func written(isCompiled: Bool) throws {
    let model = try model()
    _ = model(x)
    let before = model.filter()
    let run = { (tree: ModuleTree) -> ModuleTree in
      model.with(tree) {
        _ = model(x)
        return model.filter(.batchStatistic)
      }
    }
    let inside = isCompiled ? try jit(run)(before) : run(before)
    try expectEqual(model.filter(), before)
    // One step of the statistics: what the module itself does next.
    _ = model(x)
    try expectEqual(inside, model.filter(.batchStatistic))
    #expect(inside.paths.count == 2)
  }

  @Test("Equal values give equal results: keys do not move on outside", arguments: [false, true])
  func pure(isCompiled: Bool) throws {
    let model = try model()
    _ = model(x)
    let tree = model.filter()
    let run = { (tree: ModuleTree) -> Tensor in model.with(tree) { model(x) } }
    let compiled = jit(run)
    let first = isCompiled ? try compiled(tree) : run(tree)
    expectClose(isCompiled ? try compiled(tree) : run(tree), first, atol: 0, rtol: 0)
    try expectEqual(model.filter(), tree)
  }

  @Test("Gradients leave no trace either, through checkpoint and vmap as well")
  func transforms() throws {
    let model = try model()
    _ = model(x)
    let before = model.filter()
    let loss = { (tree: ModuleTree) in model.with(tree) { sum(square(model.checkpointed(x))) } }
    _ = try grad(loss)(before)
    try expectEqual(model.filter(), before)
    _ = try jit { (tree: ModuleTree) in try grad(loss)(tree) }(before)
    try expectEqual(model.filter(), before)
  }

  @Test("Variables that the tree does not have are the module's own")
  func others() throws {
    let model = try model()
    _ = model(x)
    let before = model.filter(.batchStatistic)
    _ = model.with(model.parameters()) { model(x) }
    let after = model.filter(.batchStatistic)
    #expect(
      after.paths.contains { path in
        zip(
          after[path]?.scalars(as: Double.self) ?? [], before[path]?.scalars(as: Double.self) ?? []
        ).contains { $0 != $1 }
      })
  }
}
