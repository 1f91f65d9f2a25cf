extension Workspace {
  /// How many rows of `columns` numbers are worth a thread of their own.
  static func rowGrain(_ columns: Int) -> Int { 1 + elementGrain / (2 * Swift.max(columns, 1)) }

  /// A kernel that works on the rows of `x` along its last axis, some on each thread; none if rows have no elements.
  ///
  /// - Parameter body: gets the first of its rows and their number.
  func rows(of x: Operand, _ body: @escaping (_ first: Int, _ count: Int) -> Void) -> Kernel {
    let columns = x.shape[-1]
    guard x.elementCount > 0 else { return {} }
    return parallel(x.elementCount / columns, grain: Self.rowGrain(columns)) { items, _ in
      body(items.lowerBound, items.count)
    }
  }
}
