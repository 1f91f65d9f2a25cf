extension Workspace {
  /// How many rows of `columns` numbers are worth a thread of their own.
  static func rowGrain(_ columns: Int) -> Int { 1 + elementGrain / (2 * Swift.max(columns, 1)) }

  /// A kernel that works on the rows of `x` along its last axis, some on each thread; none if rows have no elements.
  ///
  /// - Parameters:
  ///   - x: `[..., columns]`.
  ///   - body: gets the first of its rows and their number.
  /// - Returns: the kernel.
  func rows(of x: Operand, _ body: @escaping (_ first: Int, _ count: Int) -> Void) -> Kernel {
    let columns = x.shape[-1]
    guard x.elementCount > 0 else { return {} }
    return parallel(x.elementCount / columns, grain: Self.rowGrain(columns)) { items, _ in
      body(items.lowerBound, items.count)
    }
  }

  /// A kernel that makes the images `y` from those of `x` (first axes of equal length), some on each thread; none if `y`
  /// has no elements.
  ///
  /// - Parameters:
  ///   - x: what is read.
  ///   - y: what is written.
  ///   - body: gets which images are its own, and where they begin in `x` and in `y`.
  /// - Returns: the kernel.
  func images(
    from x: Operand, to y: Operand,
    _ body:
      @escaping (
        _ images: Range<Int>, _ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer
      ) -> Void
  ) -> Kernel {
    guard y.elementCount > 0 else { return {} }
    let count = y.shape[0]
    let (from, to) = (x.elementCount / count, y.elementCount / count)
    return parallel(count, grain: 1 + Self.elementGrain / Swift.max(from, to)) { images, _ in
      let first = images.lowerBound
      body(
        images, x.pointer + first * from * x.dtype.size, y.pointer + first * to * y.dtype.size)
    }
  }
}
