import Engine
import Testing

@Suite struct WeightsHashTests {
  private let kernel = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])

  @Test("the hash is that of the bytes that the documentation states")
  func documented() {
    // Python: hashlib.sha256(struct.pack("<Q1sQ7sQQQ6f", 1, b"a", 7, b"float32", 2, 2, 3,
    // 1, 2, 3, 4, 5, 6)).hexdigest()
    #expect(
      weightsSHA256(of: [("a", kernel)])
        == "44489cb5217152fc5f1db2911562484bada37aa041b71e117d4ca8b4b3578c81")
  }

  @Test("names, order, types, shapes and values all count")
  func everythingCounts() {
    let bias = Tensor([0, 0, 0] as [Float])
    let hashes = [
      [("a", kernel), ("b", bias)], [("b", bias), ("a", kernel)], [("a", kernel), ("c", bias)],
      [("ab", kernel), ("", bias)], [("a", kernel)], [],
      [("a", Tensor(kernel.scalars(as: Float.self), shape: [3, 2])), ("b", bias)],
      [("a", kernel), ("b", Tensor([0, 0, 0] as [Int32]))],
      [("a", kernel), ("b", Tensor([0, 0, .leastNonzeroMagnitude] as [Float]))],
      [("a", kernel), ("b", Tensor([0, -0.0, 0] as [Float]))],
    ].map { weightsSHA256(of: $0) }
    #expect(Set(hashes).count == hashes.count)
    #expect(hashes.allSatisfy { $0.count == 64 })
  }
}
