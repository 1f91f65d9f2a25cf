import Engine
import Foundation
import Testing

extension ApusTests {
  @Suite("doctor") struct DoctorTests {
    @Test("shows the system, the BLAS kernels and their speed, MPI and where ranks are")
    func sections() async throws {
      let outcome = try await Apus.run(["doctor"])
      #expect(outcome.code == 0, "\(outcome)")
      for title in ["System", "BLAS", "MPI"] {
        #expect(outcome.lines.contains(title), "\(outcome)")
      }
      for name in [
        "apus", "cores", "affinity mask", "root", "container", "library", "OPENBLAS_CORETYPE",
        "dgemm, as set", "kernels", "core", "mpirun", "version", "thread level", "rank 0", "rank 1",
      ] {
        #expect(outcome.lines.contains { $0.hasPrefix("  \(name) ") }, "\(name): \(outcome)")
      }
      let speed = try #require(outcome.lines.first { $0.contains(" GFLOP/s on 1 thread") })
      #expect(speed.contains(" kernels: "))
      #expect(outcome.output.contains("MPI_THREAD_"))
    }

    @Test("measures preset kernels and those of OpenBLAS's own choice") func preset() async throws {
      // Which of them is faster depends on the CPU: what is said of that is tested with numbers.
      let outcome = try await Apus.run(
        ["doctor", "-n", "1"], environment: ["OPENBLAS_CORETYPE": "Core2"])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.contains("  OPENBLAS_CORETYPE Core2"), "\(outcome)")
      #expect(
        outcome.lines.contains("  core              Core2, by OPENBLAS_CORETYPE"), "\(outcome)")
      for name in ["dgemm, as set", "dgemm, unset"] {
        #expect(outcome.lines.contains { $0.hasPrefix("  \(name) ") }, "\(outcome)")
      }
    }

    @Test("BLAS and kernels follow the level that APUS_CPU names") func levels() async throws {
      // Kernels of OpenBLAS by the bits of their vectors.
      let cores = [
        "x86-64-v4": ["SkylakeX", "Cooperlake", "SapphireRapids"],
        "x86-64-v3": ["Haswell", "Zen", "Excavator"],
        "baseline": ["Prescott"],
      ]
      let levels = ["x86-64-v4", "x86-64-v3", "baseline"]
      let best = try #require(levels.firstIndex(of: KernelSet.bestLevel))
      for level in levels[best...] {
        let probe = try await Apus.run(
          ["doctor", "--probe", "blas"], environment: [KernelSet.variable: level])
        try #require(probe.code == 0, "\(probe)")
        struct Found: Decodable { var core, ownCore: String }
        let found = try JSONDecoder().decode(Found.self, from: Data(probe.output.utf8))
        // Where the CPU has no more, OpenBLAS may know better kernels without AVX2.
        if level == "baseline", level == KernelSet.bestLevel { continue }
        #expect(cores[level]?.contains(found.core) == true, "\(level): \(found)")
      }
      let outcome = try await Apus.run(
        ["doctor", "-n", "1"], environment: [KernelSet.variable: "baseline"])
      let kernels =
        "baseline" == KernelSet.bestLevel
        ? "baseline" : "baseline (APUS_CPU; this CPU has \(KernelSet.bestLevel))"
      #expect(outcome.lines.contains("  kernels           \(kernels)"), "\(outcome)")
    }

    @Test("a level that there is not, or that this CPU has not, ends any program")
    func unknownLevel() async throws {
      let outcome = try await Apus.run(["--version"], environment: [KernelSet.variable: "avx2"])
      #expect(outcome.code == 1)
      #expect(
        outcome.errors
          == "Error: APUS_CPU is \"avx2\": it must be x86-64-v4, x86-64-v3 or baseline\n")
      guard KernelSet.bestLevel != "x86-64-v4" else { return }
      let above = try await Apus.run(
        ["--version"], environment: [KernelSet.variable: "x86-64-v4"])
      #expect(above.code == 1)
      #expect(above.errors.hasPrefix("Error: APUS_CPU is x86-64-v4, but this CPU has "), "\(above)")
    }

    @Test("says what measured speeds mean", arguments: Speeds.all)
    func advice(_ speeds: Speeds) async throws {
      let outcome = try await Apus.run(["doctor", "--blas-findings", speeds.findings])
      #expect(outcome.code == 0, "\(outcome)")
      let advice = outcome.lines.filter { $0.hasPrefix("  -> ") }.map { String($0.dropFirst(5)) }
      #expect(advice == speeds.advice, "\(outcome)")
      for line in speeds.lines { #expect(outcome.lines.contains(line), "\(line): \(outcome)") }
    }

    @Test("fails when ranks cannot be started") func noMpirun() async throws {
      let outcome = try await Apus.run(["doctor"], environment: ["PATH": "/nowhere"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.output.contains("-> mpirun is not in PATH"), "\(outcome)")
    }
  }
}

/// Kernels with their speed on one thread, in GFLOP/s, and what has to be said of them.
struct Speeds: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var preset: String?
  var asSet: (core: String, speed: Double)
  var unset: (core: String, speed: Double)?
  var own: String?
  var problem: String?
  var lines: [String] = []
  var advice: [String] = []

  /// What `apus doctor --blas-findings` reads.
  var findings: String {
    func probe(_ kernels: (core: String, speed: Double)) -> String {
      """
      {"core": "\(kernels.core)", "configuration": "OpenBLAS 0.3.21 DYNAMIC_ARCH", \
      \(own.map { "\"ownCore\": \"\($0)\", " } ?? "")\
      \(problem.map { "\"problem\": \"\($0)\", " } ?? "")\
      "oneThread": \(kernels.speed), "allThreads": \(2 * kernels.speed), "products": [100, 200], \
      "isOwnKernel": true, "threads": 2}
      """
    }
    let parts = [
      preset.map { "\"preset\": \"\($0)\"" }, "\"asSet\": \(probe(asSet))",
      unset.map { "\"unset\": \(probe($0))" },
    ]
    return "{\(parts.compactMap { $0 }.joined(separator: ", "))}"
  }

  static let all = [
    Speeds(
      testDescription: "a preset that holds back", preset: "Core2", asSet: ("Core2", 20),
      unset: ("Zen", 56),
      lines: [
        "  OPENBLAS_CORETYPE Core2",
        "  dgemm, as set     Core2 kernels: 20 GFLOP/s on 1 thread, 40 on 2",
        "  dgemm, unset      Zen kernels: 56 GFLOP/s on 1 thread, 112 on 2",
        "  training          Apus's own kernel: 100 GFLOP/s on 1 thread, 200 on 2",
      ],
      advice: [
        "OPENBLAS_CORETYPE=Core2 holds BLAS back: without it, it is 2.8 times as fast"
      ]),
    Speeds(
      testDescription: "kernels for a CPU that OpenBLAS does not know", asSet: ("SkylakeX", 67),
      own: "Prescott",
      lines: [
        "  core              SkylakeX: OpenBLAS by itself would take Prescott on this CPU",
        "  dgemm, as set     SkylakeX kernels: 67 GFLOP/s on 1 thread, 134 on 2",
      ]),
    Speeds(
      testDescription: "no library", asSet: ("none", 20), problem: "libopenblas.so.0: no such file",
      advice: [
        "products of float64 are slow without OpenBLAS: libopenblas.so.0: no such file. "
          + "On Debian, apt-get install libopenblas0 brings it"
      ]),
    Speeds(
      testDescription: "a preset that helps", preset: "SkylakeX", asSet: ("SkylakeX", 116),
      unset: ("Prescott", 33),
      lines: ["  preset            OPENBLAS_CORETYPE=SkylakeX does not hold BLAS back"]),
    Speeds(
      testDescription: "a difference within the noise", preset: "Haswell", asSet: ("Haswell", 57),
      unset: ("Zen", 60),
      lines: ["  preset            OPENBLAS_CORETYPE=Haswell does not hold BLAS back"]),
    Speeds(
      testDescription: "no preset", asSet: ("Zen", 57), own: "Zen",
      lines: [
        "  OPENBLAS_CORETYPE not set", "  core              Zen, as OpenBLAS by itself",
      ]),
  ]
}
