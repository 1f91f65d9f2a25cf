import CKernels
import Testing

@Suite("Limits of a core") struct CoreLimitTests {
  @Test("Every operation that the multiply-add loop counts is one it has done")
  func multiplyAdds() {
    // All lanes of all sums go to the fixed point of x / 2 + 1 / 2, and the result is their total.
    let count = 200
    var result: Float = 0.3
    let operations = apus_fma_loop(count, &result)
    #expect(Double(result) == operations / Double(2 * count))
    #expect(result >= 48)
  }
}
