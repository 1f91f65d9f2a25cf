import CKernels

/// The gradient of a kernel, a sum over images, in slices that depend on shapes only: threads share them, and any number of
/// threads gives the same bits.
///
/// The first slice's sum is written where the result goes, the others' to scratch memory, from where they are added in order.
struct SlicedSum {
  /// Slices at most.
  static let most = 4
  /// Filters of a strip.
  private static let strip = 64

  private let slices: Int
  private let count: Int
  private let result: UnsafeMutablePointer<Float>
  private let workspace: Workspace

  /// - Parameters:
  ///   - slices: 2 to ``most``.
  ///   - count: elements of the kernel.
  ///   - result: where its gradient goes.
  ///   - workspace: has room for ``bytes(count:)`` at the start of part 0.
  init(
    slices: Int, count: Int, _ result: UnsafeMutablePointer<Float>, _ workspace: Workspace
  ) {
    (self.slices, self.count) = (slices, count)
    (self.result, self.workspace) = (result, workspace)
  }

  /// Bytes of scratch memory for a kernel of `count` elements.
  static func bytes(count: Int) -> Int {
    Storage.aligned((most - 1) * count * MemoryLayout<Float>.size)
  }

  private func target(_ slice: Int) -> UnsafeMutablePointer<Float> {
    slice == 0
      ? result : workspace.base.assumingMemoryBound(to: Float.self) + (slice - 1) * count
  }

  /// The sum over all items.
  ///
  /// - Parameters:
  ///   - items: the number of images, or tiles of images.
  ///   - multiple: slices begin at multiples of this.
  ///   - filters: of the kernel, which are cut as well, in strips that are worth reading the images again.
  ///   - grain: slices of a strip that are worth a thread.
  ///   - add: writes the sum over some items for some filters, with the scratch memory of a part.
  /// - Returns: the kernel.
  func kernel(
    of items: Int, multiple: Int = 1, filters: Int, grain: Int,
    _ add:
      @escaping (
        _ items: Range<Int>, _ filters: Range<Int>, _ target: UnsafeMutablePointer<Float>,
        _ part: Int
      ) -> Void
  ) -> Kernel {
    let ranges = Workspace.parts(items, threads: slices, multiple: multiple)
    let strips = (filters + Self.strip - 1) / Self.strip
    let sums = workspace.parallel(ranges.count * strips, grain: grain) { units, part in
      for unit in units {
        let (slice, strip) = unit.quotientAndRemainder(dividingBy: strips)
        let first = strip * Self.strip
        add(ranges[slice], first..<min(filters, first + Self.strip), target(slice), part)
      }
    }
    guard ranges.count > 1 else { return sums }
    let addition = workspace.parallel(
      count, grain: Workspace.elementGrain, multiple: 16
    ) { elements, _ in
      for slice in 1..<ranges.count {
        apus_accumulate(
          DType.float32.code, target(slice) + elements.lowerBound, result + elements.lowerBound,
          elements.count)
      }
    }
    return {
      try sums()
      try addition()
    }
  }
}
