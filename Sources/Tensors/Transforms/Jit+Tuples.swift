/// A ``Jitted`` function that gives a tuple.
public struct JittedTuple<each Argument: Codable, Result> {
  private let function: (repeat each Argument) throws -> Result
  private let description: () -> String
  private let count: () -> Int

  fileprivate init<Parts: Codable>(
    _ jitted: Jitted<repeat each Argument, Parts>, _ tuple: @escaping (Parts) -> Result
  ) {
    function = { (arguments: repeat each Argument) in
      tuple(try jitted(repeat each arguments))
    }
    description = { jitted.cacheDescription }
    count = { jitted.cacheCount }
  }

  /// See ``Jitted/callAsFunction(_:)``.
  public func callAsFunction(_ arguments: repeat each Argument) throws -> Result {
    try function(repeat each arguments)
  }

  /// See ``Jitted/cacheDescription``.
  public var cacheDescription: String { description() }

  /// How many plans there are.
  public var cacheCount: Int { count() }
}

private struct Two<First: Codable, Second: Codable>: Codable {
  let first: First
  let second: Second
}

private struct Three<First: Codable, Second: Codable, Third: Codable>: Codable {
  let first: First
  let second: Second
  let third: Third
}

/// Compiles a function that gives two results. See ``Jitted``.
public func jit<each Argument: Codable, First: Codable, Second: Codable>(
  cacheLimit: Int = 64, file: String = #fileID, line: UInt = #line,
  _ function: @escaping (repeat each Argument) throws -> (First, Second)
) -> JittedTuple<repeat each Argument, (First, Second)> {
  let parts = { (arguments: repeat each Argument) in
    let (first, second) = try function(repeat each arguments)
    return Two(first: first, second: second)
  }
  return JittedTuple(Jitted(parts, cacheLimit: cacheLimit, place: "\(file):\(line)")) {
    ($0.first, $0.second)
  }
}

/// Compiles a function that gives three results. See ``Jitted``.
public func jit<each Argument: Codable, First: Codable, Second: Codable, Third: Codable>(
  cacheLimit: Int = 64, file: String = #fileID, line: UInt = #line,
  _ function: @escaping (repeat each Argument) throws -> (First, Second, Third)
) -> JittedTuple<repeat each Argument, (First, Second, Third)> {
  let parts = { (arguments: repeat each Argument) in
    let (first, second, third) = try function(repeat each arguments)
    return Three(first: first, second: second, third: third)
  }
  return JittedTuple(Jitted(parts, cacheLimit: cacheLimit, place: "\(file):\(line)")) {
    ($0.first, $0.second, $0.third)
  }
}

/// Says why a function cannot be compiled.
@available(
  *, unavailable,
  message: """
    arguments and results of jit must be Codable, which a tuple or a closure cannot be: take the parts one by one, as in \
    { (a: Tensor, b: Tensor) in ... }, or in a Codable struct, and give a Codable value or a tuple of two or three
    """
)
public func jit<Argument, Result>(
  cacheLimit: Int = 64, file: String = #fileID, line: UInt = #line,
  _ function: @escaping (Argument) throws -> Result
) -> (Argument) throws -> Result { function }
