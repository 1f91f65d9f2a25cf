import Engine
import TestSupport
import Testing

private struct Usual: Decodable { let yTrue, yPred: Tensor }
private struct Autoencoder: Decodable { let x, yPred: Tensor }
private struct Weighted: Decodable {
  struct Labels: Decodable { let a, b: Tensor }
  let yTrue: Labels
  let yPred: [String: Tensor]
  let sampleWeight: Tensor?
  let training: Bool
}
private struct Older: Decodable {
  let isTraining: Bool
  let params, state: Structure
}

@Suite struct InjectionTests {
  private func full() -> InjectionContext {
    var context = InjectionContext()
    context.x = .tensor(vector(1))
    context.yTrue = ["a": .tensor(vector(2)), "b": .tensor(vector(3)), "c": .tensor(vector(4))]
    context.yPred = ["out": .tensor(vector(5))]
    context.training = .constant(.bool(true))
    context.parameters = ["w": .tensor(vector(6))]
    context.states = [:]
    return context
  }

  @Test func `values are given by name, to typed fields`() throws {
    let inputs = try full().inputs(Weighted.self, asker: "loss weighted")
    #expect(inputs.yTrue.a.item() == 2 && inputs.yTrue.b.item() == 3)
    #expect(inputs.yPred["out"]?.item() == 5)
    #expect(inputs.sampleWeight == nil)
    #expect(inputs.training)
  }

  @Test func `no labels are needed when none are asked for`() throws {
    var context = InjectionContext()
    context.x = .tensor(vector(1))
    context.yPred = .tensor(vector(2))
    #expect(try context.inputs(Autoencoder.self, asker: "loss a").yPred.item() == 2)
  }

  @Test func `older names work`() throws {
    let older = try full().inputs(Older.self, asker: "metric m")
    #expect(older.isTraining)
    #expect(treeText(older.params) == "{w: [6.0]}")
    #expect(treeText(older.state) == "{}")
  }

  @Test func `a missing value is explained`() {
    var context = InjectionContext()
    context.x = .tensor(vector(1))
    context.yTrue = Structure.none
    context.yPred = .tensor(vector(2))
    #expect(
      errorMessage { try context.inputs(Usual.self, asker: "loss mean_squared_error") } == """
        loss mean_squared_error asks for "yTrue", but fit was given no y; there is x, yPred
        """)
    context.caller = "evaluate"
    #expect(
      errorMessage { try context.inputs(Weighted.self, asker: "loss w") }
        == "loss w asks for \"yTrue\", but evaluate was given no y; there is x, yPred")
    #expect(throws: EngineError.self) { try context.inputs(Older.self, asker: "metric m") }
  }

  @Test func `an unknown name is explained`() {
    struct Wrong: Decodable { let y_pred: Tensor }
    #expect(
      errorMessage { try full().inputs(Wrong.self, asker: "loss wrong") } == """
        loss wrong asks for "y_pred", which is not one of x, yTrue, yPred, sampleWeight, classWeight, \
        training, parameters, states, isTraining, params, state: did you mean "yPred"?
        """)
  }

  @Test func `a value of another form is named with its path`() {
    #expect(
      errorMessage { try full().inputs(Usual.self, asker: "loss l") } == """
        loss l: Tensor wants one tensor, but yTrue is a dictionary with keys a, b, c; what is about one output says which: \
        on: "a", for example
        """)
    var context = full()
    context.yTrue = [.tensor(vector(1)), .tensor(vector(2)), .tensor(vector(3))]
    #expect(
      errorMessage { try context.inputs(Weighted.self, asker: "loss l") }
        == "loss l: Labels takes 2 inputs (a, b) but yTrue has 3")
  }

  @Test func `on: narrows labels and outputs`() throws {
    var context = full()
    context.yPred = ["a": .tensor(vector(5))]
    let narrowed = try context.narrowed(to: "a", asker: "loss l")
    #expect(try narrowed.inputs(Usual.self, asker: "loss l").yTrue.item() == 2)
    #expect(
      errorMessage { try context.narrowed(to: "b", asker: "loss l") } == """
        loss l: on: yPred/b: there is no b in the structure, which is a dictionary with key a
        """)
  }

  @Test func `a dictionary of structures gets everything there is`() throws {
    let all = try full().inputs([String: Structure].self, asker: "loss l")
    #expect(all.keys.sorted() == ["parameters", "states", "training", "x", "yPred", "yTrue"])
  }
}
