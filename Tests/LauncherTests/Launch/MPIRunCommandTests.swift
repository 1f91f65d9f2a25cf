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
        environment: environment, without: Apus.variables(["APUS_", "LANG", "LC_ALL", "TZ"]))
      #expect(outcome.code == 0, "\(outcome)")
      let command = outcome.lines.filter { !$0.hasPrefix("# ") }
      return (command.joined(separator: "\n"), outcome.errors)
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
    }

    @Test("leaves the cores of nodes that it does not see to the ranks there")
    func elsewhere() async throws {
      // A small machine that starts many ranks on large ones.
      let (command, notes) = try await line(
        "-n 64 --hosts a:32,b:32", machine: "cores=4", environment: ["LD_LIBRARY_PATH": "/opt/lib"])
      #expect(
        command == """
          env mpirun -n 64 -H a:32,b:32 \(LaunchLine.alive) --bind-to none -x LD_LIBRARY_PATH \(Apus.path) --share-node \
          ./program x
          """)
      #expect(
        notes.contains(
          "apus: mpirun with 64 ranks on a:32,b:32, each with its share of its node's cores; "
            + "not bound to cores\n"))
      #expect(!notes.contains("more ranks"))
      let set = try await line("-n 4 --threads 3 --hosts a:2,b:2", machine: "cores=2")
      #expect(
        set.command.hasPrefix(
          "env OPENBLAS_NUM_THREADS=3 OMP_NUM_THREADS=3 mpirun -n 4 -H a:2,b:2 "))
      #expect(set.notes.contains("4 ranks of 3 threads on a:2,b:2; not bound to cores"))
      let slurm = try await line(
        "-n 64", machine: "cores=4",
        environment: ["SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2"])
      #expect(slurm.command.contains("mpirun -n 64 \(LaunchLine.alive) --bind-to none "))
      #expect(
        slurm.notes.contains("64 ranks on the nodes of Slurm's job 7, each with its share"))
    }

    @Test("a rank takes its share of the node that it runs on") func shareOfNode() async throws {
      let script = "echo $OPENBLAS_NUM_THREADS $OMP_NUM_THREADS $OMPI_MCA_mpi_yield_when_idle"
      func share(_ environment: [String: String]) async throws -> [String] {
        let words = ["--share-node", "/bin/sh", "-c", script]
        let outcome = try await Apus.run(words, environment: environment)
        return outcome.lines[0].split(separator: " ").map(String.init)
      }
      // More ranks than any machine has cores: one thread each, and they take turns.
      #expect(try await share(["OMPI_COMM_WORLD_LOCAL_SIZE": "100000"]) == ["1", "1", "1"])
      let alone = try await share(["OMPI_COMM_WORLD_LOCAL_SIZE": "1"])
      #expect(alone.count == 2 && alone[0] == alone[1] && Int(alone[0]) ?? 0 >= 1)
      let preset = ["OMPI_COMM_WORLD_LOCAL_SIZE": "1", "OPENBLAS_NUM_THREADS": "1"]
      #expect(try await share(preset) == ["1", "1"])
    }

    @Test("hands on how long ranks wait") func waitLimit() async throws {
      let (command, _) = try await line("-n 2 --wait-limit 20")
      #expect(command.contains(" APUS_WAIT_LIMIT=20.0 mpirun "))
      #expect(command.contains(" -x APUS_WAIT_LIMIT "))
      let set = try await line("-n 2", environment: ["APUS_WAIT_LIMIT": "7"]).command
      #expect(set.contains(" -x APUS_WAIT_LIMIT ") && !set.contains("APUS_WAIT_LIMIT="))
      let wrong = try await Apus.run(["run", "-n", "2", "--wait-limit", "-1", "--", "true"])
      #expect(wrong.code == 64 && wrong.errors.contains("--wait-limit -1"), "\(wrong)")
    }

    @Test("fills nodes in their order, all of them without -n") func hosts() async throws {
      #expect(try await line("--hosts a:2,b").command.contains("mpirun -n 3 -H a:2,b:1 "))
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
