extension ElementwiseProgram {
  /// Two programs around the addition of an input: `after(before + input)` is what this program computes.
  ///
  /// For `relu((x + b) + r)` split at `x`: `b + r` and `relu`.
  ///
  /// - Parameter input: read by one operation, once.
  /// - Returns: what the input is added to, or nil when it is not added to anything first; and what becomes of the sum,
  ///   which has the input's number, or nil for nothing.
  func split(
    at input: Int
  ) -> (before: ElementwiseProgram?, after: ElementwiseProgram?) {
    var current = Source.input(input)
    var addends: [Source] = []
    var dtype = DType.float32
    while let (operation, other) = onlyAddition(of: current) {
      addends.append(other)
      dtype = operations[operation].outputType
      current = .operation(operation)
    }
    var before = Extract(self)
    var sum: Source?
    for addend in addends {
      let part = before.copy(addend)
      sum = sum.map { before.add($0, part, dtype) } ?? part
    }
    let isCopied = if case .input = sum { true } else { false }
    if isCopied, let sum {
      before.program = .copy(dtype)
      before.program.operations[0].sources = [sum]
    }
    let last = Source.operation(operations.count - 1)
    var after = Extract(self)
    after.known[current] = .input(input)
    if current != last { _ = after.copy(last) }
    return (sum == nil ? nil : before.program, current == last ? nil : after.program)
  }

  /// The operation that reads a source, and what it adds to it: if there is one operation only, and it is an addition.
  private func onlyAddition(of source: Source) -> (operation: Int, other: Source)? {
    let readers = operations.indices.filter { operations[$0].sources.contains(source) }
    guard readers.count == 1, operations[readers[0]].primitive is AddOperation else {
      return nil
    }
    let sources = operations[readers[0]].sources
    guard sources[0] != sources[1] else { return nil }
    return (readers[0], sources[0] == source ? sources[1] : sources[0])
  }

  /// Some operations of a program as a program of their own.
  private struct Extract {
    let whole: ElementwiseProgram
    var program = ElementwiseProgram(operations: [])
    var known: [Source: Source] = [:]

    init(_ whole: ElementwiseProgram) { self.whole = whole }

    /// Adds what a source needs, and gives where it is.
    mutating func copy(_ source: Source) -> Source {
      if let known = known[source] { return known }
      guard case .operation(let index) = source else { return source }
      var operation = whole.operations[index]
      operation.sources = operation.sources.map { copy($0) }
      program.operations.append(operation)
      known[source] = .operation(program.operations.count - 1)
      return .operation(program.operations.count - 1)
    }

    mutating func add(_ a: Source, _ b: Source, _ dtype: DType) -> Source {
      program.operations.append(
        Operation(
          primitive: AddOperation(), sources: [a, b], inputTypes: [dtype, dtype],
          outputType: dtype))
      return .operation(program.operations.count - 1)
    }
  }
}
