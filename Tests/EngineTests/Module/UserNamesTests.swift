// Not @testable: a module of a user's sees public names only.
import Engine
import Testing

/// Stored properties with the names that users pick.
private final class Picked: Module {
  let seed: Int
  let children: [Linear]
  let variables = ["x", "y"]
  let trainableVariables = 2
  let name = "picked"
  let size = 3
  let rate = 0.5
  let scope = "outer"
  let hidden = Linear(3)
  let input = Linear(4)
  let output: Linear
  let parent = "none"
  let state = 0
  let states = [1, 2]
  let weights = [0.5]
  let parameters = ["w"]
  let mode = "sum"
  let mask = true
  let losses = ["mse"]
  let metrics = ["mae"]
  let path = "a/b"
  let depth = 2
  let layers = [Linear(2)]
  let training = true
  let trainable = true
  let frozen = false
  let copy = 1
  let filter = 3
  let train = 0.8
  let eval = 0.2
  let call = "me"
  let run = 4
  let hash = 9
  let description = "a user's module"

  init(seed: Int) {
    self.seed = seed
    children = [Linear(5), Linear(6)]
    output = Linear(1)
  }

  func call(_ x: Tensor) -> Tensor {
    output(children.reduce(layers[0](input(hidden(x)))) { $1($0) })
  }
}

@Suite("A module's own properties") struct UserNamesTests {
  @Test("may have the names that users pick, and work as properties do")
  func names() throws {
    let module = Picked(seed: 7)
    let y = module(.ones([2, 3]))
    #expect(y.shape == [2, 1])
    #expect(module.seed == 7 && module.name == "picked" && module.variables == ["x", "y"])
    // The base class has its own under the same names.
    let base: AnyModule = module
    #expect(
      base.children.map(\.name)
        == ["children/0", "children/1", "hidden", "input", "output", "layers/0"])
    #expect(base.variables.count == 12)
    #expect(base.seed != 7)
    #expect(base.trainableVariables.count == 12)
  }

  @Test("do not change how the module is trained, saved or seeded")
  func training() throws {
    func weights(_ seed: UInt64) throws -> [Float] {
      let module = Picked(seed: 1)
      let model = Model(
        module: module, loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: seed)
      try model.fit(x: Tensor.ones([4, 3]), y: Tensor.ones([4, 1]), verbose: .silent)
      return model.variables[0].value.scalars(as: Float.self)
    }
    let (first, second, other) = (try weights(3), try weights(3), try weights(4))
    #expect(first == second)
    #expect(first != other)
  }
}
