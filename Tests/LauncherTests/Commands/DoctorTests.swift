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

    @Test("compares preset kernels with those of OpenBLAS's own choice") func preset() async throws
    {
      // Kernels of 2006 that every x86 CPU can run and that leave most of a new one idle.
      let outcome = try await Apus.run(
        ["doctor", "-n", "1"], environment: ["OPENBLAS_CORETYPE": "Core2"])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.contains("  OPENBLAS_CORETYPE Core2"), "\(outcome)")
      #expect(outcome.lines.contains { $0.hasPrefix("  sgemm, unset ") }, "\(outcome)")
      #expect(outcome.output.contains("-> OPENBLAS_CORETYPE=Core2 holds BLAS back"), "\(outcome)")
    }

    @Test("fails when ranks cannot be started") func noMpirun() async throws {
      let outcome = try await Apus.run(["doctor"], environment: ["PATH": "/nowhere"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.output.contains("-> mpirun is not in PATH"), "\(outcome)")
    }
  }
}
