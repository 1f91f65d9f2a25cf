import Testing

extension ApusTests {
  @Suite("run") struct RunTests {
    @Test("starts a program on every rank") func echo() async throws {
      let outcome = try await Apus.run(["run", "-n", "2", "--", "/bin/echo", "a rank", "-n"])
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines == ["a rank -n", "a rank -n"], "\(outcome)")
    }

    @Test("tells ranks how many threads they have") func threads() async throws {
      let outcome = try await Apus.run([
        "run", "-n", "2", "--threads", "3", "--", "/bin/sh", "-c",
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

    @Test("inside, train joins the ranks and refuses another number of them")
    func joins() async throws {
      try await TemporaryFolder.use { folder in
        let train = ["train", "--epochs", "1", "--json", "--out", folder + "/out"]
        let joined = try await Apus.run(["run", "-n", "2", "--", Apus.path] + train)
        #expect(joined.code == 0, "\(joined)")
        #expect(joined.lines.last?.contains(#""ranks":2"#) == true, "\(joined)")
        let other = try await Apus.run(["run", "-n", "2", "--", Apus.path] + train + ["-n", "4"])
        #expect(other.code == 1, "\(other)")
        #expect(other.errors.contains("mpirun started 2 ranks, but -n says 4"), "\(other)")
      }
    }
  }
}
