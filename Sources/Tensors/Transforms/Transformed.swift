/// A function that a transform has made: it is called as `f(x, y)` and can be given to the next transform.
///
/// Not a closure, because Swift does not let an expression call a closure of any number of arguments that it has just
/// made: `vmap(f)(xs, ys)` works with this.
public struct Transformed<each Argument: Codable, Result> {
  let body: (repeat each Argument) throws -> Result

  /// A function to be transformed.
  public init(_ body: @escaping (repeat each Argument) throws -> Result) { self.body = body }

  /// The result for these arguments. Throws what the function throws.
  public func callAsFunction(_ arguments: repeat each Argument) throws -> Result {
    try body(repeat each arguments)
  }
}
