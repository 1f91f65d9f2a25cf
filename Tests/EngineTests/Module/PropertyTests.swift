import Engine
import Synchronization
import TestSupport
import Testing

/// Every kind of property that can hold modules.
private class Holding: AnyModule, Callable {
  var one = Linear(2)
  var maybe: Linear?
  var list = [Linear(2), Linear(2)]
  var maybes: [Linear?] = [nil, nil]
  var named = ["a": Linear(2)]
  var any: any AnyModule & Callable<Tensor, Tensor> = Linear(2)
  var anything: Any = 1
  var object: AnyObject?
  var objects: [any AnyModule & Callable<Tensor, Tensor>] = []

  /// What is no module.
  var text = "text"
  var numbers = [1.0, 2]
  var closure: (Int) -> Int = { $0 }
  lazy var late = Linear(7)

  func call(_ x: Tensor) -> Tensor {
    var modules: [any AnyModule & Callable<Tensor, Tensor>] = [one, any]
    modules += list
    modules += maybes.compactMap { $0 }
    modules += [maybe].compactMap { $0 }
    modules += named.sorted { $0.key < $1.key }.map(\.value)
    modules += objects
    modules += [anything, object as Any].compactMap { $0 as? Linear }
    return modules.reduce(Tensor.zeros([1])) { $0 + sum($1(x)) }
  }
}

private final class Derived<Element: AnyModule>: Holding {
  var own: Element
  init(_ own: Element) {
    self.own = own
    super.init()
  }
}

/// A reference that does not hold, and memory that cannot be copied: `Mirror` looks at these.
private final class Odd: Module {
  weak var parent: AnyModule?
  let lock = Mutex(3)
  var body = Linear(2)
  func call(_ x: Tensor) -> Tensor { body(x) }
}

private final class OwnMirror: Module, CustomReflectable {
  var hidden = Linear(2)
  var customMirror: Mirror { Mirror(self, children: ["shown": hidden]) }
  func call(_ x: Tensor) -> Tensor { hidden(x) }
}

@Suite("Properties that hold modules")
struct PropertyTests {
  private let x = Tensor([[1, 2, 3]], dtype: .float32)
  private typealias Change = (name: String, change: (Holding) -> Void, children: [String])

  private static let names = ["one", "list/0", "list/1", "named/a", "any"]

  @Test("Whatever is put into a property is noticed at the next call, eagerly and compiled")
  func changes() throws {
    let changes: [Change] = [
      ("one", { $0.one = Linear(3) }, Self.names),
      ("maybe", { $0.maybe = Linear(3) }, ["one", "maybe", "list/0", "list/1", "named/a", "any"]),
      ("an element in place", { $0.list[1] = Linear(3) }, Self.names),
      (
        "one more", { $0.list.append(Linear(3)) },
        ["one", "list/0", "list/1", "list/2", "named/a", "any"]
      ),
      ("one less", { $0.list.removeLast() }, ["one", "list/0", "named/a", "any"]),
      (
        "nil in a list", { for index in 0..<2 { $0.maybes[index] = Linear(3) } },
        ["one", "list/0", "list/1", "maybes/0", "maybes/1", "named/a", "any"]
      ),
      ("a value of a dictionary", { $0.named["a"] = Linear(3) }, Self.names),
      (
        "a new name", { $0.named["b"] = Linear(3) },
        ["one", "list/0", "list/1", "named/a", "named/b", "any"]
      ),
      ("an existential", { $0.any = Linear(3) }, Self.names),
      ("anything", { $0.anything = Linear(3) }, Self.names + ["anything"]),
      ("an object", { $0.object = Linear(3) }, Self.names + ["object"]),
      ("existentials", { $0.objects = [Linear(3)] }, Self.names + ["objects/0"]),
    ]
    for (name, change, children) in changes {
      let module = Holding()
      _ = module(x)
      #expect(module.children.map(\.name) == Self.names)
      let compiled = jit { (x: Tensor) in module(x) }
      _ = try compiled(x)
      _ = try compiled(x)
      #expect(compiled.cacheCount == 1)
      change(module)
      let result = try compiled(x)
      #expect(compiled.cacheCount == 2, "\(name)")
      #expect(module.children.map(\.name) == children, "\(name)")
      expectClose(module(x), result, "\(name)")
      #expect(
        module.trainableVariables.count == 2 * children.count, "\(name): \(module.variables)")
    }
  }

  @Test("Properties of base classes and of generic types are found, and others are left alone")
  func inherited() {
    let module = Derived(Sequential(Linear(2)))
    module.text = "other"
    module.numbers.append(3)
    module.closure = { $0 + 1 }
    module.object = Text("no module")
    _ = module(x)
    #expect(module.children.map(\.name) == Self.names + ["own"])
    #expect(module.child("own") === module.own)
    // A lazy property is not made by looking at it.
    #expect(!module.children.contains { $0.name.contains("late") })
  }

  @Test("Weak references and what cannot be copied do no harm")
  func odd() {
    let module = Odd()
    let y = module(x)
    expectClose(module(x), y, atol: 0, rtol: 0)
    #expect(module.children.map(\.name) == ["body"])
    module.body = Linear(4)
    #expect(module(x).shape == [1, 4])
    let hooks = Lambda { x in Odd()(x) }
    _ = hooks(x)
    #expect(hooks(x).shape == [1, 2])
  }

  @Test("A mirror of its own is asked")
  func mirror() {
    let module = OwnMirror()
    _ = module(x)
    #expect(module.children.map(\.name) == ["shown"])
  }

  private final class Text {
    let text: String
    init(_ text: String) { self.text = text }
  }
}
