import Engine
import Foundation
import TestSupport
import Testing

@Suite("Errors are data", .seeded)
struct ErrorDataTests {
  private func error(_ body: () throws -> Void) throws -> EngineError {
    try #require(throws: EngineError.self) { try withErrors(body) }
  }

  @Test("An argument out of its range: which, what it must be, what it was")
  func argument() throws {
    let error = try error { _ = Dropout(1.5)(Tensor.ones([2])) }
    #expect(error.kind == .invalidArgument && error.operation == "Dropout")
    #expect(error.problem == .requirement(of: "rate", must: "be in 0..<1", found: "1.5"))
    #expect(error.places == [] && error.file == nil && error.hint == nil)
  }

  @Test("Axes, scalar types, shapes and names")
  func kinds() throws {
    let x = Tensor.ones([2, 3])
    #expect(try error { _ = sum(x, axis: 7) }.problem == .axis(7, shape: [2, 3]))
    #expect(try error { _ = x.shape[-3] }.problem == .axis(-3, shape: [2, 3]))
    #expect(
      try error { _ = apply(SortOperation(axis: 0, descending: false), [Tensor([true])]) }.problem
        == .unsupported(.bool))
    let product = try error { _ = matmul(x, Tensor.ones([4, 5])) }
    guard case .text(let text) = product.problem else {
      Issue.record("\(product.problem)")
      return
    }
    #expect(text.shapes == [[2, 3], [4, 5]])
    let name = try error { _ = ActivationFunction.named("rleu") }
    guard case .name("rleu", kind: "activation", holder: nil, let known) = name.problem else {
      Issue.record("\(name.problem)")
      return
    }
    #expect(known.contains("relu"))
    #expect(name.description.hasSuffix(": did you mean \"relu\"?"))
  }

  @Test("A place in a file: line, column, byte")
  func file() throws {
    let table = TemporaryFolder.path("errors.csv")
    try "1,2\n3,x\n".write(toFile: table, atomically: true, encoding: .utf8)
    let cell = try error { _ = try CSV.read(table, label: .first, header: .absent) }
    #expect(cell.kind == .file && cell.file == .init(table, line: 2, column: .number(2)))
    #expect(cell.problem == .expectation("a number", found: "\"x\""))
    #expect(cell.description == "\(table): line 2, column 2: expected a number, found \"x\"")
    let images = TemporaryFolder.path("errors.idx")
    try Data([1, 2, 8, 1]).write(to: URL(fileURLWithPath: images))
    let magic = try error { _ = try IDX.read(images) }
    #expect(magic.kind == .file && magic.file == .init(images, byte: 0))
  }

  private final class Inner: Module {
    func call(_ x: Tensor) -> Tensor { x.reshape([7]) }
  }

  private final class Outer: Module {
    func call(_ x: Tensor) -> Tensor { Inner(name: "inner")(x) }
  }

  @Test("Where it happened: the module in whose call it was")
  func places() throws {
    let error = try error { _ = Outer()(Tensor.ones([2, 3])) }
    #expect(error.places == [.module("inner")] && error.operation == "reshape")
    #expect(error.description == "in module inner: \(error.root)")
    #expect(error.root.places == [])
  }

  @Test("A call on symbolic tensors names the shapes that the caller knows")
  func symbolic() throws {
    let x = Input(shape: [nil, 3])
    let error = try error {
      let _: KerasTensor = Sequential(Linear(2), GlobalMaxPooling2D(), name: "net")(x)
    }
    guard case .text(let text) = error.problem else {
      Issue.record("\(error.problem)")
      return
    }
    #expect(text.shapes.contains([nil, nil, 3]), "\(error)")
    #expect(text.shapes.contains([nil, nil, 2]), "what the first layer makes of it: \(error)")
  }

  @Test("Texts keep shapes in arrays, specs and errors, and join their words")
  func texts() {
    let shapes: [Shape] = [[2, 3], [4]]
    let spec = TensorSpec([5], .int32)
    let text: ErrorText = "of \(shapes) and \(spec), \(1 + 1) \(shape: [nil, 3])"
    #expect(text.description == "of [[2, 3], [4]] and int32 [5], 2 [nil, 3]")
    #expect(text.shapes == [[2, 3], [4], [5], [nil, 3]])
    let inner = EngineError.shape(operation: "conv", message: "of \(shapes[0])")
    let outer: ErrorText = "layer 0: \(inner)"
    #expect(outer.parts == [.text("layer 0: conv: of "), .shape([2, 3])])
    #expect(("a\(1)" as ErrorText) + "b" == "a1b")
  }
}
