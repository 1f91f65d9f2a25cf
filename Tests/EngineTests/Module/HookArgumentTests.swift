import Engine
import TestSupport
import Testing

private struct Plain {
  var a: Int
  var b: Float
}

private struct Deep {
  var name: String
  var parts: [Plain]
  var function: (Int) -> Int = { $0 }
}

private struct OnlyName: Equatable {
  var name: String
  var note: String
  static func == (a: Self, b: Self) -> Bool { a.name == b.name }
}

private enum Choice {
  case none
  case plain(Plain)
}

private class Settings {
  let width: Int
  init(_ width: Int) { self.width = width }
}

private final class MoreSettings: Settings {
  let depth: Int
  init(_ width: Int, _ depth: Int) {
    self.depth = depth
    super.init(width)
  }
}

/// A module that is made anew in every call, with a value of any type.
private final class Given<Value>: Module {
  let value: Value
  init(_ value: Value) {
    self.value = value
    super.init()
  }
  func call(_ x: Tensor) -> Tensor { x }
}

@Suite("What modules are made with is compared by value")
struct HookArgumentTests {
  private let x = Tensor([1, 2], dtype: .float32)

  /// Makes a module twice in the place of one.
  private func make<Value>(_ first: Value, then second: Value) throws {
    let box = Box(first)
    let outer = Making { box.value }
    _ = outer(x)
    _ = outer(x)
    box.value = second
    try withErrors { _ = outer(x) }
  }

  private final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  private final class Making<Value>: Module {
    let make: () -> Value
    init(_ make: @escaping () -> Value) {
      self.make = make
      super.init()
    }
    func call(_ x: Tensor) -> Tensor { Given(make())(x) }
  }

  private func expectSame<Value>(
    _ first: Value, _ second: Value, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: Never.self, sourceLocation: sourceLocation) {
      try make(first, then: second)
    }
  }

  private func expectOther<Value>(
    _ first: Value, _ second: Value, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: EngineError.self, sourceLocation: sourceLocation) {
      try make(first, then: second)
    }
    #expect(
      "\(String(describing: error))".contains("with the same arguments"),
      sourceLocation: sourceLocation)
  }

  @Test("Tensors by shape, type and values")
  func tensors() {
    expectSame(Tensor([1.0, 2]), Tensor([1.0, 2]))
    expectSame(Tensor([1, .nan] as [Float]), Tensor([1, .nan] as [Float]))
    expectSame(transpose(Tensor([[1, 2], [3, 4]])), Tensor([[1, 3], [2, 4]]))
    // More elements than are printed.
    var numbers = [Float](repeating: 1, count: 5000)
    let before = Tensor(numbers)
    expectSame(before, Tensor(numbers))
    numbers[2500] = 2
    expectOther(before, Tensor(numbers))
    expectOther(Tensor([1.0, 2]), Tensor([1.0, 3]))
    expectOther(Tensor([1.0, 2]), Tensor([[1.0, 2]]))
    expectOther(Tensor([1, 2] as [Float]), Tensor([1.0, 2], dtype: .float64))
    expectSame([Tensor([1.0])], [Tensor([1.0])])
    expectOther([Tensor([1.0])], [Tensor([2.0])])
    expectOther(Tensor?.none, Tensor([1.0]))
    expectSame(Optional(Tensor([1.0])), Tensor([1.0]))
  }

  @Test("A tensor that is computed in the call can be an argument, also compiled")
  func computed() throws {
    let module = Lambda { x in Given(exp(x))(x) }
    _ = try module.initialize(x)
    expectClose(module(x), x)
    let compiled = jit { (x: Tensor) in module(x) }
    expectClose(try compiled(x + 1), x + 1)
    expectClose(try compiled(x + 2), x + 2)
    expectClose(module(x), x)
  }

  @Test("Equatable values by ==, NaN by its bits")
  func equatable() {
    expectSame(3, 3)
    expectOther(3, 4)
    expectSame(Double.nan, .nan)
    expectSame(Double?.some(.nan), .nan)
    expectOther("a", "b")
    expectSame(OnlyName(name: "a", note: "1"), OnlyName(name: "a", note: "2"))
    expectOther(OnlyName(name: "a", note: "1"), OnlyName(name: "b", note: "1"))
    let pairs = (0..<20).map { ("\($0)", $0) }
    expectSame(
      Dictionary(uniqueKeysWithValues: pairs), Dictionary(uniqueKeysWithValues: pairs.reversed()))
    expectOther(Dictionary(uniqueKeysWithValues: pairs), ["0": 0])
    expectSame(Set(0..<20), Set((0..<20).reversed()))
    expectOther(Int.self as Any.Type, Double.self)
  }

  @Test("Structs, enums and collections by their parts")
  func parts() {
    expectSame(Plain(a: 1, b: 2), Plain(a: 1, b: 2))
    expectOther(Plain(a: 1, b: 2), Plain(a: 1, b: 3))
    let deep = Deep(name: "a", parts: [Plain(a: 1, b: 2)])
    expectSame(deep, Deep(name: "a", parts: [Plain(a: 1, b: 2)]))
    expectOther(deep, Deep(name: "a", parts: [Plain(a: 1, b: 3)]))
    expectOther(deep, Deep(name: "a", parts: []))
    expectOther(deep, Deep(name: "b", parts: deep.parts))
    expectSame(Choice.plain(Plain(a: 1, b: 2)), .plain(Plain(a: 1, b: 2)))
    expectOther(Choice.plain(Plain(a: 1, b: 2)), .none)
    expectOther(Choice.plain(Plain(a: 1, b: 2)), .plain(Plain(a: 2, b: 2)))
    expectSame(["a": Plain(a: 1, b: 2)], ["a": Plain(a: 1, b: 2)])
    expectOther(["a": Plain(a: 1, b: 2)], ["b": Plain(a: 1, b: 2)])
    expectSame((1, "a"), (1, "a"))
    expectOther((1, "a"), (1, "b"))
    expectOther(1 as Any, 1.0 as Any)
    expectOther(GlorotUniform() as any Initializer, Zeros())
  }

  @Test("Objects by identity, or by their properties")
  func objects() {
    let settings = Settings(3)
    expectSame(settings, settings)
    expectSame(Settings(3), Settings(3))
    expectOther(Settings(3), Settings(4))
    expectSame(MoreSettings(3, 1), MoreSettings(3, 1))
    expectOther(MoreSettings(3, 1), MoreSettings(4, 1))
    expectOther(MoreSettings(3, 1), MoreSettings(3, 2))
    expectOther(Settings(3), MoreSettings(3, 2))
  }

  private final class Person {
    let name: String
    var friends: [Person] = []
    init(_ name: String) { self.name = name }

    /// Everybody knows everybody.
    static func circle(_ names: [String]) -> Person {
      let people = names.map(Person.init)
      for person in people { person.friends = people }
      return people[0]
    }
  }

  @Test("Objects in circles are compared once each")
  func circles() {
    let names = (0..<30).map { "person \($0)" }
    expectSame(Person.circle(names), Person.circle(names))
    expectOther(Person.circle(names), Person.circle(names.dropLast() + ["somebody"]))
  }

  @Test("Closures cannot be compared: they count as the same")
  func closures() {
    expectSame({ $0 + 1 } as (Int) -> Int, { $0 + 2 })
    expectSame(Optional { (x: Int) in x + 1 }, { $0 + 2 })
  }
}
