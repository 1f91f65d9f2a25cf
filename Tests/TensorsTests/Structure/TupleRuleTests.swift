import Tensors
import TensorsTestSupport
import Testing

private struct One: Decodable { let m: Tensor }
private struct Two: Decodable { let m, n: Tensor }
private struct Three: Decodable { let m, n, o: Tensor }
private struct WithOptional: Decodable {
  let m: Tensor
  let n: Tensor?
}
private struct Labels: Decodable { let a, b: Tensor }
private struct Outer: Decodable { let labels: Labels }

@Suite struct TupleRuleTests {
  let decoder = StructureDecoder(name: "x")

  private func list(_ count: Int) -> Structure {
    .list((0..<count).map { .tensor(Tensor(Double($0))) })
  }

  @Test func `a list goes to fields by position`() throws {
    let two = try decoder.decode(Two.self, from: list(2))
    #expect(two.m.item() == 0 && two.n.item() == 1)
  }

  @Test func `a dictionary goes to fields by name and extras are ignored`() throws {
    let two = try decoder.decode(
      Two.self,
      from: ["o": .constant(.string("?")), "n": .tensor(vector(1)), "m": .tensor(vector(2))])
    #expect(two.m.item() == 2 && two.n.item() == 1)
  }

  @Test func `a list must have exactly as many values as the type takes`() {
    #expect(
      errorMessage { try decoder.decode(Two.self, from: list(3)) }
        == "Two takes 2 inputs (m, n) but x has 3")
    #expect(
      errorMessage { try decoder.decode(Three.self, from: list(2)) }
        == "Three takes 3 inputs (m, n, o) but x has 2")
    #expect(
      errorMessage { try decoder.decode(One.self, from: list(2)) }
        == "One takes 1 input (m) but x has 2")
    #expect(
      errorMessage { try decoder.decode(Outer.self, from: ["labels": list(3)]) }
        == "Labels takes 2 inputs (a, b) but x/labels has 3")
  }

  @Test func `the asker is named`() {
    let decoder = StructureDecoder(asker: "module mlp", name: "x")
    #expect(
      errorMessage { try decoder.decode(Two.self, from: list(3)) }
        == "module mlp takes 2 inputs (m, n) but x has 3")
    #expect(
      errorMessage { try decoder.decode(Outer.self, from: ["labels": list(3)]) }
        == "module mlp: Labels takes 2 inputs (a, b) but x/labels has 3")
    #expect(
      errorMessage { try decoder.decode(Tensor.self, from: list(2)) }
        == "module mlp: Tensor wants one tensor, but x is a list of 2")
  }

  @Test func `optional fields at the end may be absent`() throws {
    let one = try decoder.decode(WithOptional.self, from: list(1))
    #expect(one.n == nil)
    let two = try decoder.decode(WithOptional.self, from: list(2))
    #expect(two.n?.item() == 1)
    #expect(
      errorMessage { try decoder.decode(WithOptional.self, from: list(3)) }
        == "WithOptional takes 2 inputs (m, n) but x has 3")
  }

  @Test func `one tensor is a list of one, and a list of one tensor is a tensor`() throws {
    #expect(try decoder.decode(One.self, from: .tensor(vector(5))).m.item() == 5)
    #expect(try decoder.decode(Tensor.self, from: [.tensor(vector(6))]).item() == 6)
    #expect(
      errorMessage { try decoder.decode(Two.self, from: .tensor(vector(1))) }
        == "Two takes 2 inputs (m, n) but x is one tensor")
  }

  @Test func `a missing name is named with what there is and what is near`() {
    let values: Structure = ["mm": .tensor(vector(1)), "n": .tensor(vector(2))]
    #expect(
      errorMessage { try decoder.decode(Two.self, from: values) } == """
        Two asks for "m", but x is a dictionary with keys mm, n: did you mean "mm"?
        """)
  }

  @Test func `a dictionary type cannot be made of a list`() {
    #expect(
      errorMessage { try decoder.decode([String: Tensor].self, from: list(2)) }
        == "Dictionary<String, Tensor> wants values by name, but x is a list of 2")
  }
}
