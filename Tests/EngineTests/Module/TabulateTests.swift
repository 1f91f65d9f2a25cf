import Engine
import TestSupport
import Testing

@Suite("Tables of modules", .seeded)
struct TabulateTests {
  private func module() throws -> Sequential {
    let module = Sequential(
      Linear(4), BatchNormalization(), Sequential([Linear(2, useBias: false)], name: "head"))
    try module.initialize(Tensor.ones([1, 300]))
    module.layers[2].freeze()
    return module
  }

  @Test("Paths, types, variables with kinds, counts and bytes")
  func whole() throws {
    #expect(
      try module().tabulate() == """
        Path               Module              Variables                                                                                Count   Bytes
        ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        (root)             Sequential                                                                                                       0     0 B
        layers/0           Linear              kernel [300, 4], bias [4]                                                                1,204  4.8 KB
        layers/1           BatchNormalization  gamma [4], beta [4], moving_mean [4] batchStatistic, moving_variance [4] batchStatistic     16    64 B
        layers/2           Sequential                                                                                                       0     0 B
        layers/2/layers/0  Linear              kernel [4, 2] frozen                                                                         8    32 B
        ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        Total: 1,228 (4.9 KB)
        Trainable: 1,212 (4.8 KB)
        Not trainable: 16 (64 B)
        """)
  }

  @Test("What is further down than the depth is counted above it")
  func depth() throws {
    #expect(
      try module().tabulate(depth: 1) == """
        Path      Module              Variables                                                                                Count   Bytes
        ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        (root)    Sequential                                                                                                       0     0 B
        layers/0  Linear              kernel [300, 4], bias [4]                                                                1,204  4.8 KB
        layers/1  BatchNormalization  gamma [4], beta [4], moving_mean [4] batchStatistic, moving_variance [4] batchStatistic     16    64 B
        layers/2  Sequential                                                                                                       8    32 B
        ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
        Total: 1,228 (4.9 KB)
        Trainable: 1,212 (4.8 KB)
        Not trainable: 16 (64 B)
        """)
    let row = try module().tabulate(depth: 0).split(separator: "\n")[2]
    #expect(row.hasPrefix("(root)") && row.contains("1,228"))
  }
}
