import OrderedCollections
import Tensors
import TensorsTestSupport
import Testing

private struct Pair: Codable { var m, n: Tensor }

private struct Nested: Codable {
  var name = "net"
  var rate = 0.5
  var steps = 3
  var isOn = true
  var pair = Pair(m: vector(1), n: vector(2, 3))
  var list = [vector(4), vector(5)]
  var grid = [[vector(6)], [], [vector(7), vector(8)]]
  var byName = ["b": vector(9), "a": vector(10)]
  var byNumber = [7: vector(11), 3: vector(12)]
  var absent: Tensor?
  var present: Tensor? = vector(13)
}

private enum Color: String, Codable { case red, green }
private enum Level: Int, Codable { case low, high }
private enum Choice: Codable, Equatable {
  case nothing
  case scaled(by: Double)
}

private class Base: Codable { var base = vector(1) }
private final class Derived: Base {
  var own = vector(2)
  private enum CodingKeys: CodingKey { case own }

  override init() { super.init() }
  required init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    own = try container.decode(Tensor.self, forKey: .own)
    try super.init(from: container.superDecoder())
  }
  override func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(own, forKey: .own)
    try super.encode(to: container.superEncoder())
  }
}

/// Encodes by hand as a list of unlike values, as a tuple would be.
private struct Mixed: Codable {
  var tensor = vector(1)
  var number = 2
  var inner = [vector(3), vector(4)]

  init() {}
  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    tensor = try container.decode(Tensor.self)
    number = try container.decode(Int.self)
    var nested = try container.nestedUnkeyedContainer()
    inner = [try nested.decode(Tensor.self), try nested.decode(Tensor.self)]
  }
  func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(tensor)
    try container.encode(number)
    var nested = container.nestedUnkeyedContainer()
    for tensor in inner { try nested.encode(tensor) }
  }
}

@Suite struct StructureCodingTests {
  @Test func `a tensor is a leaf`() throws {
    guard case .tensor(let tensor) = try StructureEncoder().encode(vector(1, 2)) else {
      Issue.record("not a tensor")
      return
    }
    #expect(tensor.scalars(as: Double.self) == [1, 2])
    #expect(try StructureDecoder().decode(Tensor.self, from: .tensor(tensor)).shape == [2])
  }

  @Test func `a nested struct goes there and back with sorted keys`() throws {
    let expected = """
      {byName: {a: [10.0], b: [9.0]}, byNumber: {3: [12.0], 7: [11.0]}, grid: (([6.0]), (), \
      ([7.0], [8.0])), isOn: true, list: ([4.0], [5.0]), name: "net", pair: {m: [1.0], n: [2.0, 3.0]}, \
      present: [13.0], rate: 0.5, steps: 3}
      """
    #expect(try roundTrip(Nested()) == expected)
  }

  @Test func `enums with raw values and with payload go there and back`() throws {
    #expect(try roundTrip([Color.green, .red]) == "(\"green\", \"red\")")
    #expect(try roundTrip(Level.high) == "1")
    #expect(try roundTrip(Choice.nothing) == "{nothing: {}}")
    #expect(try roundTrip(Choice.scaled(by: 2)) == "{scaled: {by: 2.0}}")
  }

  @Test func `optional elements keep their places`() throws {
    #expect(try roundTrip([vector(1), nil, vector(3)]) == "([1.0], none, [3.0])")
    #expect(try roundTrip(["a": nil, "b": vector(1)]) == "{a: none, b: [1.0]}")
    #expect(try roundTrip(Int?.none) == "none")
  }

  @Test func `a class and its superclass go there and back`() throws {
    #expect(try roundTrip(Derived()) == "{own: [2.0], super: {base: [1.0]}}")
  }

  @Test func `unkeyed containers of unlike values go there and back`() throws {
    #expect(try roundTrip(Mixed()) == "([1.0], 2, ([3.0], [4.0]))")
  }

  @Test func `an ordered dictionary is a dictionary, not a list of keys and values`() throws {
    let value: OrderedDictionary<String, Tensor> = ["b": vector(1), "a": vector(2)]
    #expect(try roundTrip(value) == "{a: [2.0], b: [1.0]}")
  }

  @Test func `a structure is its own encoding`() throws {
    let structure: Structure = ["z": [.tensor(vector(1)), .none], "a": .constant(.int(3))]
    #expect(try roundTrip(structure) == "{z: ([1.0], none), a: 3}")
    #expect(try roundTrip(["k": structure]) == "{k: {z: ([1.0], none), a: 3}}")
  }

  @Test func `dictionaries come out sorted, whatever their random order`() throws {
    for seed in 0..<100 {
      var generator = SystemRandomNumberGenerator()
      var dictionary: [String: [String: Tensor]] = [:]
      for _ in 0..<8 {
        let key = "k\(UInt8.random(in: 0...255, using: &generator))"
        dictionary[key] = ["b\(seed)": vector(1), "a": vector(2)]
      }
      let structure = try StructureEncoder().encode(dictionary)
      guard case .dictionary(let values) = structure else {
        Issue.record("not a dictionary")
        return
      }
      #expect(Array(values.keys) == dictionary.keys.sorted())
      #expect(
        structure.leaves.map(\.path.pathDescription).prefix(2).map { $0.hasSuffix("/a") }
          == [true, false])
    }
  }

  @Test func `what has no fixed order cannot be encoded`() {
    #expect(
      errorMessage { try StructureEncoder().encode(["ids": Set([1, 2])]) }
        == "ids: Set<Int> has no fixed order: use an array")
    #expect(
      errorMessage { try StructureEncoder().encode([Color.red: vector(1)]) }.hasSuffix(
        "use keys of type String or Int, or make Color conform to CodingKeyRepresentable"))
    #expect(
      errorMessage { try StructureEncoder().encode([UInt64.max]) }.hasPrefix(
        "0: 18446744073709551615"))
  }

  @Test func `numbers can be read from tensors with one element, and tensors from numbers`() throws
  {
    struct Numbers: Decodable { let a: Double, b: Int, c: Float, d: Bool, e: Tensor, f: Tensor }
    let numbers = try StructureDecoder().decode(
      Numbers.self,
      from: [
        "a": .tensor(Tensor(1.5)), "b": .tensor(Tensor(4)), "c": .constant(.int(2)),
        "d": .tensor(Tensor(true)), "e": .constant(.double(0.25)), "f": .constant(.bool(true)),
      ])
    #expect(numbers.a == 1.5 && numbers.b == 4 && numbers.c == 2 && numbers.d)
    #expect(numbers.e.item() == 0.25 && numbers.e.shape == [])
    #expect(numbers.f.dtype == .bool)
  }

  @Test func `values of another kind are named with their path`() {
    let decoder = StructureDecoder(name: "x")
    #expect(
      errorMessage {
        try decoder.decode([String: [Tensor]].self, from: ["a": [.tensor(vector(1)), .none]])
      }
        == "Tensor wants one tensor, but x/a/1 is absent")
    #expect(
      errorMessage { try decoder.decode([Int].self, from: [.constant(.double(1.5))]) }
        == "Int wants a whole number (Int), but x/0 is the number 1.5")
    #expect(
      errorMessage { try decoder.decode(Double.self, from: .tensor(vector(1, 2))) }
        == "Double wants a number, but x is a tensor float32[2]")
    #expect(
      errorMessage { try decoder.decode([Tensor].self, from: ["a": .tensor(vector(1))]) }
        == "Array<Tensor> wants a list, but x is a dictionary with key a")
    #expect(
      errorMessage { try decoder.decode(Color.self, from: .constant(.string("blue"))) }
        == "Cannot initialize Color from invalid String value blue")
  }
}
