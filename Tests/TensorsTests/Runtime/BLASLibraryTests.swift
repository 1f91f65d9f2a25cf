import CKernels
import Foundation
import Tensors
import TensorsTestSupport
import Testing

@Suite("OpenBLAS") struct BLASLibraryTests {
  /// What OpenBLAS takes by itself, on a CPU that has `best` with `level` in force, and what it is asked for.
  struct Choice: Sendable, CustomTestStringConvertible {
    var level: String
    var best: String
    var own: String
    var cores: [String]
    var testDescription: String { "\(own) for \(level) on a CPU with \(best)" }
  }

  @Test(
    "is asked for other kernels only where its own do not suit the level",
    arguments: [
      // 0.3.21 knows neither Sapphire nor Emerald Rapids in some guests, nor Zen 4.
      ("x86-64-v4", "x86-64-v4", "Prescott", ["SkylakeX", "Haswell"]),
      ("x86-64-v4", "x86-64-v4", "Nehalem", ["SkylakeX", "Haswell"]),
      ("x86-64-v4", "x86-64-v4", "Zen", ["SkylakeX"]),
      ("x86-64-v4", "x86-64-v4", "Haswell", ["SkylakeX"]),
      ("x86-64-v4", "x86-64-v4", "SkylakeX", []),
      ("x86-64-v4", "x86-64-v4", "Cooperlake", []),
      ("x86-64-v4", "x86-64-v4", "SapphireRapids", []),
      ("x86-64-v3", "x86-64-v3", "Sandybridge", ["Haswell"]),
      ("x86-64-v3", "x86-64-v3", "Haswell", []),
      ("x86-64-v3", "x86-64-v3", "Zen", []),
      ("x86-64-v3", "x86-64-v3", "Excavator", []),
      ("baseline", "baseline", "Sandybridge", []),
      ("baseline", "baseline", "Nehalem", []),
      ("baseline", "baseline", "NEOVERSEN1", []),
      // With less than the CPU has.
      ("x86-64-v3", "x86-64-v4", "SkylakeX", ["Haswell", "Prescott"]),
      ("x86-64-v3", "x86-64-v4", "Prescott", ["Haswell"]),
      ("x86-64-v3", "x86-64-v4", "Haswell", []),
      ("baseline", "x86-64-v4", "SkylakeX", ["Prescott"]),
      ("baseline", "x86-64-v3", "Zen", ["Prescott"]),
      ("baseline", "x86-64-v4", "Prescott", []),
    ].map { Choice(level: $0.0, best: $0.1, own: $0.2, cores: $0.3) })
  func choice(_ choice: Choice) {
    #expect(
      BLASLibrary.cores(for: choice.level, best: choice.best, own: choice.own) == choice.cores)
  }

  @Test("leaves the environment as it was") func environment() {
    let before = ProcessInfo.processInfo.environment
    let library = BLASLibrary(
      names: BLASLibrary.names, level: KernelSet.level, best: KernelSet.bestLevel)
    #expect(library.problem == nil)
    #expect(library.configuration.hasPrefix("OpenBLAS "))
    let after = ProcessInfo.processInfo.environment
    for name in [BLASLibrary.variable, "OPENBLAS_NUM_THREADS"] {
      #expect(after[name] == before[name], "\(name)")
    }
    #expect(getenv("PATH").map { String(cString: $0) } == before["PATH"])
  }

  @Test("says why it cannot be loaded") func missing() throws {
    let none = BLASLibrary(
      names: ["libnowhere.so.7", "libz.so.1"], level: KernelSet.level, best: KernelSet.bestLevel)
    #expect(try #require(none.problem).contains("libnowhere.so.7"))
    #expect(none.functions.dgemm == nil)
    #expect((none.coreName, none.configuration) == ("none", "none"))
    let other = BLASLibrary(names: ["libz.so.1"], level: KernelSet.level, best: KernelSet.bestLevel)
    #expect(other.problem == "it is no OpenBLAS with CBLAS")
  }

  @Test(
    "without it, products are those of the plain sums",
    arguments: [(1, 1, 1), (4, 16, 256), (5, 17, 300), (3, 40, 2), (70, 1, 515)])
  func plainProduct(_ m: Int, _ n: Int, _ k: Int) {
    let a = (0..<2 * m * k).map { Double(($0 * 7 + 3) % 11) - 5 }
    let b = (0..<2 * k * n).map { Double(($0 * 5 + 1) % 13) - 6 }
    // Each factor as it is, transposed, and with gaps. Whole numbers this small have one right sum in any order.
    for (rowA, columnA) in [(k, 1), (1, m), (2 * k, 2)] {
      for (rowB, columnB) in [(n, 1), (1, k), (2 * n, 2)] {
        for adds in [false, true] {
          var found = [Double](repeating: 100, count: m * (n + 3))
          var expected = found
          for i in 0..<m {
            for j in 0..<n {
              let sum = (0..<k).map { a[i * rowA + $0 * columnA] * b[$0 * rowB + j * columnB] }
                .reduce(0, +)
              expected[i * (n + 3) + j] = sum + (adds ? 100 : 0)
            }
          }
          apus_plain_product(
            DType.float64.code, m, n, k, a, rowA, columnA, b, rowB, columnB, &found, n + 3,
            adds ? 1 : 0)
          #expect(found == expected, "strides \(rowA), \(columnA) and \(rowB), \(columnB)")
          var single = [Float](repeating: 100, count: m * (n + 3))
          apus_plain_product(
            DType.float32.code, m, n, k, a.map { Float($0) }, rowA, columnA, b.map { Float($0) },
            rowB, columnB, &single, n + 3, adds ? 1 : 0)
          #expect(single.map { Double($0) } == expected)
        }
      }
    }
  }
}
