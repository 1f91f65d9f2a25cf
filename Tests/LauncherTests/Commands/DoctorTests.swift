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
        "sgemm, as set", "mpirun", "version", "thread level", "rank 0", "rank 1",
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
      for name in ["sgemm, as set", "sgemm, unset"] {
        #expect(outcome.lines.contains { $0.hasPrefix("  \(name) ") }, "\(outcome)")
      }
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
  var wide: (core: String, speed: Double)?
  var lines: [String] = []
  var advice: [String] = []

  /// What `apus doctor --blas-findings` reads.
  var findings: String {
    func probe(_ kernels: (core: String, speed: Double)) -> String {
      """
      {"core": "\(kernels.core)", "configuration": "OpenBLAS 0.3.21 DYNAMIC_ARCH", \
      "oneThread": \(kernels.speed), "allThreads": \(2 * kernels.speed), "products": [100, 200], \
      "isOwnKernel": true, "threads": 2}
      """
    }
    let parts = [
      preset.map { "\"preset\": \"\($0)\"" }, "\"hasAVX512\": true",
      "\"asSet\": \(probe(asSet))", unset.map { "\"unset\": \(probe($0))" },
      wide.map { "\"wide\": \(probe($0))" },
    ]
    return "{\(parts.compactMap { $0 }.joined(separator: ", "))}"
  }

  static let all = [
    Speeds(
      testDescription: "a preset that holds back", preset: "Core2", asSet: ("Core2", 20),
      unset: ("Zen", 56),
      lines: [
        "  OPENBLAS_CORETYPE Core2",
        "  sgemm, as set     Core2 kernels: 20 GFLOP/s on 1 thread, 40 on 2",
        "  sgemm, unset      Zen kernels: 56 GFLOP/s on 1 thread, 112 on 2",
        "  training          Apus's own kernel: 100 GFLOP/s on 1 thread, 200 on 2",
      ],
      advice: [
        "OPENBLAS_CORETYPE=Core2 holds BLAS back: without it, it is 2.8 times as fast"
      ]),
    // OpenBLAS 0.3.21 does not know this Xeon and chooses Prescott, as slow as the preset.
    Speeds(
      testDescription: "a preset as slow as an unknown CPU's kernels", preset: "Core2",
      asSet: ("Core2", 33), unset: ("Prescott", 33), wide: ("SkylakeX", 116),
      lines: [
        "  preset            OPENBLAS_CORETYPE=Core2 does not hold BLAS back",
        "  sgemm, SkylakeX   SkylakeX kernels: 116 GFLOP/s on 1 thread, 232 on 2",
      ],
      advice: ["this CPU has AVX-512: OPENBLAS_CORETYPE=SkylakeX is 3.5 times as fast"]),
    Speeds(
      testDescription: "a preset that helps", preset: "SkylakeX", asSet: ("SkylakeX", 116),
      unset: ("Prescott", 33),
      lines: ["  preset            OPENBLAS_CORETYPE=SkylakeX does not hold BLAS back"]),
    Speeds(
      testDescription: "a difference within the noise", preset: "Haswell", asSet: ("Haswell", 57),
      unset: ("Zen", 60),
      lines: ["  preset            OPENBLAS_CORETYPE=Haswell does not hold BLAS back"]),
    Speeds(
      testDescription: "no preset", asSet: ("Zen", 57), wide: ("SkylakeX", 60),
      lines: ["  OPENBLAS_CORETYPE not set"]),
  ]
}
