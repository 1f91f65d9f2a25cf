import Engine
import Testing

@Suite("Distribution errors")
struct DistributionErrorTests {
  @Test("a disagreement names the line, the ranks and what they hold")
  func disagreement() {
    let error = EngineError.ranksDisagree(
      subject: "the model", line: 3,
      held: [
        .init(ranks: [0, 1, 2, 5], text: "bias float32 [10]"), .init(ranks: [3], text: "other"),
        .init(ranks: [4], text: nil), .init(ranks: [6, 7], text: nil),
      ])
    #expect(
      error.description
        == "ranks disagree on the model, line 3: ranks 0-2, 5 have \"bias float32 [10]\"; "
        + "rank 3 has \"other\"; rank 4 has no such line; ranks 6, 7 have no such line. "
        + "Every rank must be given the same")
  }

  @Test("fingerprints tell lines from their concatenation, and are the same in every process")
  func fingerprints() {
    #expect(fingerprint(of: ["ab", "c"]) != fingerprint(of: ["a", "bc"]))
    #expect(fingerprint(of: ["a", ""]) != fingerprint(of: ["a"]))
    // FNV-1a of no bytes is its offset basis.
    #expect(fingerprint(of: []) == 0xcbf2_9ce4_8422_2325)
  }
}
