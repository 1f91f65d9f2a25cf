import Foundation
import Testing

extension ApusTests {
  @Suite("run") struct RunTests {
    @Test("starts a program on every rank") func echo() async throws {
      let outcome = try await Apus.run(["run", "-n", "2", "--", "/bin/echo", "a rank", "-n"])
      #expect(outcome.code == 0, "\(outcome)")
      let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
      let tagged = (0..<2).map { "[rank \($0) \(host)] a rank -n" }
      #expect(outcome.lines.sorted() == tagged, "\(outcome)")
      let plain = try await Apus.run(
        ["run", "-n", "2", "--no-tag-output", "--", "/bin/echo", "a rank", "-n"])
      #expect(plain.lines == ["a rank -n", "a rank -n"], "\(plain)")
      // Where there is one rank nobody asks whose line it is.
      let single = try await Apus.run(["run", "-n", "1", "--", "/bin/echo", "a rank", "-n"])
      #expect(single.lines == ["a rank -n"], "\(single)")
    }

    @Test("tells ranks how many threads they have") func threads() async throws {
      let outcome = try await Apus.run([
        "run", "-n", "2", "--no-tag-output", "--threads", "3", "--", "/bin/sh", "-c",
        "echo $OPENBLAS_NUM_THREADS $OMP_NUM_THREADS $OMPI_COMM_WORLD_SIZE",
      ])
      #expect(outcome.lines == ["3 3 2", "3 3 2"], "\(outcome)")
    }

    @Test("works with more ranks than cores") func manyRanks() async throws {
      let outcome = try await Apus.run(["run", "-n", "9", "--", "/bin/echo", "here"])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.count == 9, "\(outcome)")
    }

    @Test("ends as the program ends", arguments: [nil, 2])
    func exitCode(ranks: Int?) async throws {
      let launch = ranks.map { ["-n", "\($0)"] } ?? []
      let outcome = try await Apus.run(["run"] + launch + ["--", "/bin/sh", "-c", "exit 3"])
      #expect(outcome.code == 3, "\(outcome)")
    }

    @Test("names a program that is not there", arguments: [nil, 2])
    func missing(ranks: Int?) async throws {
      let launch = ranks.map { ["-n", "\($0)"] } ?? []
      let outcome = try await Apus.run(["run"] + launch + ["--", "no-such-program"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(
        outcome.errors
          == "Error: cannot start no-such-program: there is no such program that can be run\n",
        "\(outcome)")
    }

    @Test("says when mpirun itself is missing") func noMpirun() async throws {
      let outcome = try await Apus.run(
        ["run", "-n", "2", "--", "/bin/echo"], environment: ["PATH": "/nowhere"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.errors.contains("Error: mpirun is not in PATH: install it"), "\(outcome)")
    }

    @Test(
      "keeps the lines of ranks whole, and every byte of them, of other machines too",
      arguments: [[:], ["APUS_RANK_OUTPUT": "stream"]])
    func lines(environment: [String: String]) async throws {
      // Two ranks write at once, each line in three pieces that cut a character.
      let program = """
        i=0; while [ $i -lt 300 ]; do
          printf "rank $OMPI_COMM_WORLD_RANK \\303"; printf "\\251 line"; printf " $i\\n"
          printf "error $OMPI_COMM_WORLD_RANK \\303" >&2; printf "\\251\\n" >&2
          i=$((i + 1))
        done; printf "the end of $OMPI_COMM_WORLD_RANK"
        """
      let outcome = try await Apus.run(
        ["run", "-n", "2", "--no-tag-output", "--", "/bin/sh", "-c", program],
        environment: environment)
      #expect(outcome.code == 0, "\(outcome)")
      for rank in 0..<2 {
        let lines = outcome.lines.filter { $0.hasPrefix("rank \(rank) ") }
        #expect(lines == (0..<300).map { "rank \(rank) é line \($0)" })
        #expect(outcome.lines.filter { $0 == "the end of \(rank)" }.count == 1)
        let errors = outcome.errors.split(separator: "\n").filter { $0 == "error \(rank) é" }
        #expect(errors.count == 300)
      }
      #expect(outcome.lines.count == 602)
    }

    @Test("shows part of a line that waits for its end") func progress() async throws {
      try await TemporaryFolder.use { folder in
        // Each waits for the other, and a moment longer than a part of a line does.
        let program = """
          cd \(folder)
          if [ $OMPI_COMM_WORLD_RANK = 0 ]; then
            printf '10 %%'; : > begun; while [ ! -e done ]; do sleep 0.1; done
            sleep 2; printf '\\r20 %%\\n'
          else
            while [ ! -e begun ]; do sleep 0.1; done; sleep 1; echo other; : > done
          fi
          """
        let outcome = try await Apus.run(
          ["run", "-n", "2", "--no-tag-output", "--", "/bin/sh", "-c", program])
        // The other rank's line waits a moment for the end of this one, and then takes a line of its own.
        #expect(outcome.output == "10 %\nother\n\r20 %\n", "\(outcome)")
      }
    }

    @Test("says how a rank ended that said nothing itself") func silentEnd() async throws {
      let code = try await Apus.run(["run", "-n", "2", "--", "/bin/sh", "-c", "exit 3"])
      #expect(code.errors.contains("ended with exit code 3 after "), "\(code)")
      #expect(!code.errors.contains("-----"), "\(code)")
      let said = try await Apus.run(
        ["run", "-n", "2", "--", "/bin/sh", "-c", "echo why >&2; sleep 0.2; exit 3"])
      #expect(!said.errors.contains("exit code"), "\(said)")
      let killed = try await Apus.run(
        ["run", "-n", "1", "--", "/bin/sh", "-c", "echo the last words; sleep 0.3; kill -9 $$"])
      #expect(killed.code == 137, "\(killed)")
      #expect(killed.errors.contains("apus: rank 0 on "), "\(killed)")
      #expect(killed.errors.contains(" was ended by signal 9 (Killed) after "), "\(killed)")
      #expect(killed.errors.hasSuffix("; its last line of output: the last words\n"), "\(killed)")
    }

    @Test("ends its ranks when it is ended", arguments: ["TERM", "KILL"])
    func ended(signal: String) async throws {
      try await TemporaryFolder.use { folder in
        // apus starts in the background; its rank notes that it runs, and what it is.
        let script = """
          "\(Apus.path)" run -n 1 -- /bin/sh -c 'echo $$ > \(folder)/rank; exec sleep 50' &
          while [ ! -s \(folder)/rank ]; do sleep 0.1; done
          kill -\(signal) $!; wait $!; n=0
          # mpirun takes some two seconds to end a rank.
          while [ $n -lt 100 ] && kill -0 $(cat \(folder)/rank) 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
          kill -0 $(cat \(folder)/rank) 2>/dev/null && echo alive || echo gone
          """
        let outcome = try await Apus.run(
          ["run", "--", "/bin/sh", "-c", script], seconds: 40)
        #expect(outcome.lines.last == "gone", "\(outcome)")
      }
    }

    @Test("hands on variables that are named, and words to the program as they are")
    func exports() async throws {
      let outcome = try await Apus.run([
        "run", "-np", "2", "--no-tag-output", "-x", "A=b c", "/bin/sh", "-c", "echo $A $1 $2",
        "-n", "--", "-x",
      ])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines == ["b c -- -x", "b c -- -x"], "\(outcome)")
      let alone = try await Apus.run(["run", "-x", "A=b c", "/bin/sh", "-c", "echo $A"])
      #expect(alone.lines == ["b c"], "\(alone)")
    }

    @Test("is refused where each rank would start a job of its own") func nested() async throws {
      let words = ["run", "-n", "2", "--", Apus.path, "run", "-n", "2", "--", "/bin/echo", "no"]
      let outcome = try await Apus.run(words)
      #expect(outcome.code == 1, "\(outcome)")
      #expect(outcome.errors.contains("mpirun has started 2 ranks, and each would start a job"))
      #expect(outcome.lines.isEmpty, "\(outcome)")
    }

    @Test("srun without PMI is an error, and not as many trainings as tasks")
    func noPMI() async throws {
      let task = ["SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"]
      let outcome = try await Apus.run(["train", "--epochs", "1"], environment: task)
      #expect(outcome.code == 1 && outcome.output.isEmpty, "\(outcome)")
      let message = "srun started 2 ranks, but MPI sees 1: every rank would train alone"
      #expect(outcome.errors.contains(message) && outcome.errors.contains("srun --mpi=pmix"))
      #expect(!outcome.errors.contains("OPAL"), "\(outcome)")
      // The first task says it for all.
      let other = try await Apus.run(
        ["train", "--epochs", "1"], environment: task.merging(["SLURM_PROCID": "1"]) { $1 })
      #expect(other.code == 1 && other.output.isEmpty && other.errors.isEmpty, "\(other)")
    }

    @Test("inside, train joins the ranks and refuses another number of them")
    func joins() async throws {
      try await TemporaryFolder.use { folder in
        let train = ["train", "--epochs", "1", "--json", "--out", folder + "/out"]
        let joined = try await Apus.run(["run", "-n", "2", "--", Apus.path] + train)
        #expect(joined.code == 0, "\(joined)")
        #expect(joined.lines.last?.contains(#""ranks":2"#) == true, "\(joined)")
        let other = try await Apus.run(["run", "-n", "2", "--", Apus.path] + train + ["-n", "4"])
        #expect(other.code == 1, "\(other)")
        let message = "mpirun started 2 ranks, but -n says 4"
        #expect(other.errors.components(separatedBy: message).count == 2, "\(other)")
      }
    }
  }
}
