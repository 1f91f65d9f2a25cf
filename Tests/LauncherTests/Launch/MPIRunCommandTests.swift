import Testing

extension ApusTests {
  /// Command lines for machines that `--assume` describes: nothing is started.
  @Suite("The mpirun command line") struct MPIRunCommandTests {
    /// What `apus run options --dry-run -- ./program x` prints, for a plain machine with these changes.
    private func line(
      _ options: String, machine: String = "cores=8", environment: [String: String] = [:]
    ) async throws -> (command: String, notes: String) {
      let words = options.split(separator: " ").map(String.init)
      let plain = "root=no,container=no,cma=yes,shared=no"
      let outcome = try await Apus.run(
        ["run"] + words + ["--dry-run", "--assume", "\(plain),\(machine)", "--", "./program", "x"],
        environment: environment)
      #expect(outcome.code == 0, "\(outcome)")
      return (outcome.lines.joined(separator: "\n"), outcome.errors)
    }

    private static let variables = "-x OPENBLAS_NUM_THREADS -x OMP_NUM_THREADS"

    @Test("binds each rank to its share of the cores") func binding() async throws {
      let (command, notes) = try await line("-n 2")
      #expect(
        command == """
          env OPENBLAS_NUM_THREADS=4 OMP_NUM_THREADS=4 mpirun -n 2 --map-by slot:PE=4 \
          --bind-to core \(Self.variables) ./program x
          """)
      #expect(
        notes
          == "apus: mpirun with 2 ranks of 4 threads on 8 cores, each bound to 4 cores of its own\n"
      )
    }

    @Test("rounds the share of cores down, to 1 at least") func share() async throws {
      #expect(try await line("-n 3").command.contains("slot:PE=2 "))
      #expect(try await line("-n 8").command.contains("slot:PE=1 "))
      #expect(try await line("-n 1").command.contains("slot:PE=8 "))
    }

    @Test("takes turns when there are more ranks than cores") func oversubscribed() async throws {
      let (command, notes) = try await line("-n 4", machine: "cores=2")
      #expect(
        command == """
          env OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 mpirun -n 4 --bind-to none --oversubscribe \
          --mca mpi_yield_when_idle 1 \(Self.variables) ./program x
          """)
      #expect(notes.contains("apus: more ranks (4) than cores (2): they take turns"))
    }

    @Test("does not bind when threads are more than cores") func manyThreads() async throws {
      let (command, notes) = try await line("-n 2 --threads 8")
      #expect(
        command == """
          env OPENBLAS_NUM_THREADS=8 OMP_NUM_THREADS=8 mpirun -n 2 --bind-to none \
          --mca mpi_yield_when_idle 1 \(Self.variables) ./program x
          """)
      #expect(notes.contains("apus: more threads (2 x 8) than cores (8)"))
    }

    @Test("says to mpirun that root is meant") func root() async throws {
      let (command, notes) = try await line("-n 8", machine: "cores=8,root=yes")
      #expect(
        command == """
          env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1 \
          OMP_NUM_THREADS=1 mpirun -n 8 --map-by slot:PE=1 --bind-to core \(Self.variables) \
          ./program x
          """)
      #expect(notes.contains("apus: running as root: "))
    }

    @Test("copies through shared memory where a container forbids more")
    func container() async throws {
      let (command, notes) = try await line(
        "-n 8", machine: "cores=8,container=yes,cma=no")
      #expect(command.contains(" --mca btl_vader_single_copy_mechanism none "))
      #expect(notes.contains("apus: in a container: cross-memory attach is not permitted"))
      let permitted = try await line("-n 8", machine: "cores=8,container=yes")
      #expect(!permitted.command.contains("vader"))
      #expect(permitted.notes.contains("apus: in a container: cross-memory attach is permitted\n"))
    }

    @Test("leaves to the user what the user has set") func presets() async throws {
      let set = try await line(
        "-n 2", machine: "cores=8,root=yes,container=yes,cma=no",
        environment: [
          "OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "3,2",
          "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
          "OMPI_MCA_btl_vader_single_copy_mechanism": "emulated",
        ])
      #expect(
        set.command == """
          env OPENBLAS_NUM_THREADS=3 OMP_NUM_THREADS=3 mpirun -n 2 --map-by slot:PE=3 \
          --bind-to core \(Self.variables) -x OPENBLAS_CORETYPE ./program x
          """)
      let both = try await line(
        "-n 2 --threads 1", environment: ["OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "3"])
      #expect(both.command.hasPrefix("env OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "))
    }

    @Test("does not bind to cores that others use, nor on nodes it does not see")
    func notBound() async throws {
      let shared = try await line("-n 2", machine: "cores=4,shared=yes").command
      #expect(shared.contains("--bind-to none"))
      #expect(try await line("-n 2 --bind none").command.contains("--bind-to none"))
      let (command, notes) = try await line(
        "-n 4 --hosts a:2,b:2", environment: ["LD_LIBRARY_PATH": "/opt/lib"])
      #expect(
        command == """
          env OPENBLAS_NUM_THREADS=4 OMP_NUM_THREADS=4 mpirun -n 4 -H a:2,b:2 --bind-to none \
          \(Self.variables) -x LD_LIBRARY_PATH ./program x
          """)
      #expect(notes.contains("apus: mpirun with 4 ranks of 4 threads on a:2,b:2"))
    }

    @Test("fills nodes in their order, all of them without -n") func hosts() async throws {
      #expect(try await line("--hosts a:2,b").command.contains("mpirun -n 3 -H a:2,b:1 "))
      // Three ranks on a and one on b: a's decide how many threads there are.
      let uneven = try await line("-n 4 --hosts a:3,b:3", machine: "cores=6").command
      #expect(uneven.hasPrefix("env OPENBLAS_NUM_THREADS=2 "))
    }

    @Test("is no mpirun at all without -n") func alone() async throws {
      let (command, notes) = try await line("--threads 2")
      #expect(command == "env OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2 ./program x")
      #expect(notes.isEmpty)
    }

    @Test("quotes words for a shell") func quoting() async throws {
      let outcome = try await Apus.run(
        ["run", "-n", "1", "--dry-run", "--", "echo", "it's", "", "a b", "$HOME"])
      #expect(outcome.output.hasSuffix(" echo 'it'\\''s' '' 'a b' '$HOME'\n"), "\(outcome)")
    }
  }
}
