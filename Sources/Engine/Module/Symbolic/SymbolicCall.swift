import OrderedCollections
import Tensors

/// A layer called on symbolic tensors.
enum SymbolicCall {
  /// Whether layers run on shapes alone now, so that initial values need not be drawn yet.
  @TaskLocal static var isRunning = false

  /// The lengths that stand for open ones, in two runs that are compared: of the batch and of all other axes.
  ///
  /// Prime numbers do not agree by accident; lengths that many numbers divide are tried when a layer takes no primes.
  fileprivate static let lengths = [
    [(batch: 2, other: 67), (batch: 3, other: 131)],
    [(batch: 240, other: 240), (batch: 480, other: 480)],
  ]
}

extension AnyModule {
  /// Records a call on symbolic tensors.
  ///
  /// - Returns: nil after a failure, which is reported.
  func node(on inputs: KerasStructure) -> KerasNode? {
    guard !inputs.tensors.contains(where: \.isInvalid) else { return nil }
    leaveCreator()
    do {
      let (form, outputs) = try inferOutputs(inputs)
      return KerasNode(self, inputs: inputs, form: form, outputs: outputs)
    } catch {
      fail(error)
      return nil
    }
  }

  /// The results of a call on symbolic tensors, `count` of them.
  func connected(to inputs: KerasStructure, count: Int = 1) -> [KerasTensor] {
    guard let node = node(on: inputs) else {
      return [KerasTensor](repeating: .invalid, count: count)
    }
    let found = node.outputTensors
    guard found.count == count else {
      fail(
        EngineError.structure(
          message: "\(title) gives \(found.count) tensors, not \(count): say in which form they "
            + "are wanted, as in let outputs: KerasStructure = layer(x)"))
      return [KerasTensor](repeating: .invalid, count: count)
    }
    return found
  }

  /// Runs `call` on shapes alone, twice: lengths of the results that differ are open.
  private func inferOutputs(
    _ inputs: KerasStructure
  ) throws -> (form: Structure, outputs: [KerasSpec]) {
    let isFresh = variables.isEmpty
    var first: (any Error)?
    let hasOpenLengths = inputs.tensors.contains { $0.shape.contains(nil) }
    for lengths in SymbolicCall.lengths {
      do {
        let runs = try lengths.map { try abstractRun(inputs, batch: $0.batch, other: $0.other) }
        return try Self.compared(runs[0], runs[1])
      } catch {
        if isFresh { scope.forgetVariables() }
        first = first ?? described(error, inputs, lengths[0].batch, lengths[0].other)
        if !hasOpenLengths { break }
      }
    }
    throw first ?? EngineError.model(message: "\(title) could not be called")
  }

  private func abstractRun(
    _ inputs: KerasStructure, batch: Int, other: Int
  ) throws -> (form: Structure, specs: [TensorSpec]) {
    let tensors = inputs.tensors
    let specs = tensors.map { TensorSpec($0.filledShape(batch: batch, other: other), $0.dtype) }
    var form = Structure.none
    var found: [TensorSpec] = []
    // A root of its own: what random layers need belongs to the model that will be called.
    let root = Scope(path: "", typeName: typeName, parent: nil, seed: 0)
    let context = ModuleContext(root: root, isTraining: scope.isTraining)
    _ = try SymbolicCall.$isRunning.withValue(true) {
      try Trace.record(specs) { traced in
        var rest = traced[...]
        let values = inputs.map { _ in rest.popFirst() ?? .invalid }
        let output = try CallFrame.outside { try context { try call(structure: values) } }
        form = output.map { _ in Tensor(0) }
        found = output.tensors.map(\.spec)
        return output.tensors
      }
    }
    return (form, found)
  }

  private static func compared(
    _ a: (form: Structure, specs: [TensorSpec]), _ b: (form: Structure, specs: [TensorSpec])
  ) throws -> (Structure, [KerasSpec]) {
    let ranksAgree = zip(a.specs, b.specs).allSatisfy { $0.shape.rank == $1.shape.rank }
    guard a.specs.count == b.specs.count, ranksAgree else {
      throw EngineError.structure(
        message: "the number of results, or of their axes, depends on an open length")
    }
    let specs = zip(a.specs, b.specs).map { a, b in
      KerasSpec(shape: zip(a.shape, b.shape).map { $0 == $1 ? $0 : nil }, dtype: a.dtype)
    }
    return (a.form, specs)
  }

  /// The error with the layer's name, and with the shapes as the caller knows them.
  private func described(
    _ error: any Error, _ inputs: KerasStructure, _ batch: Int, _ other: Int
  ) -> any Error {
    guard var error = error as? EngineError else { return error }
    let shapes = inputs.tensors.map(\.shape)
    let isOpenInside = inputs.tensors.contains(where: \.isOpenInside)
    let list = shapes.map { "\(shape: $0)" as ErrorText }.joined(", ")
    if error.kind == .hook, variables.isEmpty, isOpenInside {
      return EngineError.model(
        message:
          "\(title): the shape of a variable depends on an open length of the input \(list): "
          + "give Input(shape:) that length")
    }
    if error.kind == .shape, error.operation == typeName {
      (error.operation, error.places) = ("", [])
    }
    var text = error.errorText.mapShapes { shape in
      if let input = inputs.tensors.first(where: {
        $0.filledShape(batch: batch, other: other).dimensions == shape
      }) {
        return input.shape
      }
      // The shape of something that was made of an input.
      guard isOpenInside, shape.contains(other) else { return shape }
      return shape.enumerated().map { axis, length in
        length == other || (axis == 0 && length == batch) ? nil : length
      }
    }
    if !shapes.allSatisfy(text.shapes.contains) { text += "; the input is \(list)" }
    return EngineError.model(message: "\(title): \(text)")
  }
}

extension KerasTensor {
  /// Whether an axis other than that of the batch is open.
  fileprivate var isOpenInside: Bool { shape.dropFirst().contains(nil) }

  fileprivate func filledShape(batch: Int, other: Int) -> Shape {
    Shape(shape.enumerated().map { axis, length in length ?? (axis == 0 ? batch : other) })
  }
}

extension Scope {
  /// Takes back what a call that failed has made.
  fileprivate func forgetVariables() {
    variables.removeAll()
    isFilled = false
    for child in children.values { child.scope.forgetVariables() }
  }
}
