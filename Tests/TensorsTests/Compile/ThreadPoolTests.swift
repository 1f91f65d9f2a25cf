import Synchronization
import Tensors
import TensorsTestSupport
import Testing

private final class Total: Sendable {
  let value = Atomic<Int>(0)
}

@Suite struct ThreadPoolTests {
  @Test(arguments: [0, -1, ComputeThreads.most + 1, 100_000])
  func `a number of threads that no machine has is an error`(count: Int) {
    let before = ComputeThreads.count
    #expect(
      throws: EngineError.invalidArgument(
        message: "ComputeThreads.set: \(count) threads are asked for; there can be 1 to 1024")
    ) { try withErrors { ComputeThreads.set(count) } }
    #expect(ComputeThreads.count == before)
  }

  @Test(arguments: [1, 2, 3, 7])
  func `parts cover everything once, in order`(threads: Int) {
    for count in [0, 1, 2, 15, 16, 17, 100, 1000] {
      for (grain, multiple) in [(1, 1), (10, 1), (1, 16), (40, 16)] {
        let parts = Workspace.parts(count, threads: threads, grain: grain, multiple: multiple)
        #expect(parts.flatMap(Array.init) == Array(0..<count))
        #expect(parts.count <= threads)
        #expect(parts.allSatisfy { !$0.isEmpty && $0.lowerBound % multiple == 0 })
        // Parts differ by one multiple at most, and hold a grain unless everything is less.
        let lengths = parts.map(\.count)
        if let longest = lengths.max(), let shortest = lengths.min() {
          #expect(longest - shortest <= multiple + multiple - 1)
          #expect(parts.count == 1 || shortest >= grain - multiple)
        }
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5])
  func `every part runs once at every run, with scratch memory of its own`(threads: Int) throws {
    try ComputeThreads.with(threads) {
      let workspace = Workspace()
      workspace.require(bytes: 1000)
      let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: 1000)
      defer { counts.deallocate() }
      counts.initialize(repeating: 0)
      let kernel = workspace.parallel(1000) { range, part in
        let scratch = workspace.base(part: part).assumingMemoryBound(to: UInt8.self)
        for index in 0..<1000 { scratch[index] = UInt8(part) }
        for index in range { counts[index] += 1 }
        for index in 0..<1000 where scratch[index] != UInt8(part) { counts[0] += 1_000_000 }
      }
      workspace.reserve()
      for _ in 0..<200 { try kernel() }
      #expect(counts.allSatisfy { $0 == 200 })
    }
  }

  @Test func `several callers can use one pool at once`() async throws {
    let pool = ThreadPool(threads: 3)
    let total = Total()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let kernel = Workspace(pool: pool).parallel(3) { range, _ in
            total.value.add(range.count, ordering: .relaxed)
          }
          for _ in 0..<100 { try? kernel() }
        }
      }
    }
    #expect(total.value.load(ordering: .relaxed) == 4 * 100 * 3)
  }

  /// Sizes beyond the grains, and odd, so that every kernel is cut, with a rest.
  @Test func `operations give the same on several threads as on one`() throws {
    let key = RandomKey(seed: 5).tensor
    let a = randomNormal([513, 259], key: key)
    let b = randomNormal([259, 301], key: RandomKey(seed: 6).tensor)
    let batch = randomNormal([7, 130, 131], key: RandomKey(seed: 7).tensor)
    let whole: () -> [Tensor] = {
      [
        // Cut by elements, by rows, by results.
        a * 2.0 + a, exp(a), transpose(a) + 1.0, concatenate([a, a], axis: 1),
        select(a .> 0, a, -1), a.cast(to: .float64), sum(a, axis: 1), max(a, axis: 1),
        a[.all, 3..<200] + 1.0,
      ]
    }
    let rounded: () -> [Tensor] = {
      [
        matmul(a, b), matmul(transpose(b), transpose(a)),
        matmul(batch, transpose(batch, [0, 2, 1])),
        matmul(a[.all, 0..<150], b[0..<150, .all]), sum(a, axis: 0), sum(a), mean(a, axis: 0),
      ]
    }
    let (exact, close) = ComputeThreads.with(1) { (whole(), rounded()) }
    for threads in [2, 3, 5] {
      let (again, near) = ComputeThreads.with(threads) { (whole(), rounded()) }
      for (x, y) in zip(exact, again) { expectClose(y, x, atol: 0, rtol: 0) }
      for (x, y) in zip(close, near) { expectClose(y, x, atol: 1e-4, rtol: 1e-5) }
      // Sums do not depend on the number of threads at all.
      for (x, y) in zip(close.suffix(3), near.suffix(3)) { expectClose(y, x, atol: 0, rtol: 0) }
    }
  }

  /// Sizes beyond the grains, in numbers that no number of threads divides.
  @Test func `rows, images and heads give the same bits on any number of threads`() throws {
    func withGradient(
      _ inputs: [Tensor], _ function: @escaping ([Tensor]) -> Tensor
    ) throws -> [Tensor] {
      // The gradient that arrives at a sum of squares is not the same everywhere.
      [function(inputs)] + (try grad { sum(square(function($0))) }(inputs))
    }
    let (wide, narrow) = (noise([513, 259]), noise([3001, 10], seed: 2))
    let row = [noise([259], seed: 3), noise([259], seed: 4)]
    let classes = Tensor((0..<513).map { $0 * 7 % 259 })
    let heads = (5..<8).map { noise([3, 131, 5, 20], seed: $0) }
    let images = noise([10, 21, 20, 17], seed: 8)
    let key = RandomKey(seed: 9).tensor
    // By Winograd's method in slices of tiles, and without unrolling in slices of images.
    let filtered = [noise([9, 33, 35, 16], seed: 10), noise([3, 3, 16, 33], seed: 11)]
    let flat = [noise([10, 30, 31, 2], seed: 12), noise([3, 3, 2, 32], seed: 13)]
    let table = noise([300, 400], seed: 14)
    let entries = Tensor((0..<901).map { $0 * $0 % 97 - 48 })
    func results() throws -> [(name: String, values: [Tensor])] {
      [
        ("layerNorm", try withGradient([wide]) { layerNorm($0[0]) }),
        (
          "scaled layerNorm",
          try withGradient([wide] + row) { layerNorm($0[0], gamma: $0[1], beta: $0[2]) }
        ),
        ("softmax", try withGradient([wide]) { softmax($0[0], axis: -1) }),
        ("narrow softmax", try withGradient([narrow]) { softmax($0[0], axis: -1) }),
        ("logSoftmax", try withGradient([wide]) { logSoftmax($0[0]) }),
        (
          "cross-entropy",
          try withGradient([wide]) {
            sparseCrossEntropy($0[0], labels: classes)
          }
        ),
        (
          "attention",
          try withGradient(heads) { scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true) }
        ),
        ("dropout", try withGradient([wide]) { dropout($0[0], rate: 0.3, key: key) }),
        ("gelu", try withGradient([wide]) { gelu($0[0]) }),
        ("maxPool2D", try withGradient([images]) { maxPool($0[0], padding: .same) }),
        (
          "overlapping maxPool2D",
          try withGradient([images]) { maxPool($0[0], size: 3, strides: 2) }
        ),
        ("avgPool2D", try withGradient([images]) { averagePool($0[0], size: [3, 2]) }),
        ("slice", try withGradient([wide]) { $0[0][3..<500, 5..<200] }),
        ("conv by Winograd", try withGradient(filtered) { conv($0[0], $0[1], padding: .same) }),
        ("direct conv", try withGradient(flat) { conv($0[0], $0[1]) }),
        ("take", try withGradient([table]) { take($0[0], entries) }),
      ]
    }
    let one = try ComputeThreads.with(1) { try results() }
    for threads in [2, 3] {
      for (a, b) in zip(one, try ComputeThreads.with(threads) { try results() }) {
        for (x, y) in zip(a.values, b.values) {
          let bits = [x, y].map { $0.scalars(as: Float.self).map(\.bitPattern) }
          #expect(bits[0] == bits[1], "\(a.name) on \(threads) threads")
        }
      }
    }
  }
}
