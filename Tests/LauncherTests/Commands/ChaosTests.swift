import Foundation
import Testing

extension ApusTests {
  @Suite("chaos", .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/stat")))
  struct ChaosTests {
    /// Counts to 60 in a file of the rank in the folder `$0`, and goes on from what is there. Each number waits for the ranks below, as a
    /// training does: a rank alone gets nowhere.
    private static let counter = """
      f=$0/count.$OMPI_COMM_WORLD_RANK; n=$(cat $f 2>/dev/null || echo 0)
      while [ $n -lt 60 ]; do
        r=0; while [ $r -lt $OMPI_COMM_WORLD_SIZE ]; do
          while [ $(cat $0/count.$r 2>/dev/null || echo 0) -lt $n ]; do sleep 0.02; done; r=$((r + 1))
        done
        n=$((n + 1)); echo $n > $f.new && mv $f.new $f; sleep 0.05
      done
      """

    private static func chaos(
      _ options: [String], _ program: String, launch: [String] = ["-n", "2"]
    ) async throws -> Apus.Outcome {
      try await Apus.run(
        ["chaos"] + options + ["--", "apus", "run"] + launch
          + ["--", "/bin/sh", "-c", program, "{out}"])
    }

    private static let compared = ["--compare", "count.0", "--compare", "count.1"]

    @Test("a seed draws the same faults, another one others, and each kind as often")
    func schedule() async throws {
      func faults(_ seed: Int) async throws -> [String] {
        let outcome = try await Self.chaos(
          ["--dry-run", "--faults", "16", "--seed", "\(seed)"] + Self.compared, "true")
        #expect(outcome.code == 0, "\(outcome)")
        return outcome.lines
      }
      let first = try await faults(1)
      #expect(try await faults(1) == first)
      #expect(try await faults(2) != first)
      let kinds = Dictionary(grouping: first) { String($0.prefix { $0 != " " }) }
      #expect(
        kinds.mapValues(\.count) == [
          "kill": 2, "stop": 2, "delay": 2, "notice": 2, "mpirun": 2, "launcher": 2, "disk": 2,
          "flip": 2,
        ])
      let moments = try first.map { line in
        try #require(line.firstMatch(of: /at ([\d.]+) % of the training/).flatMap { Double($0.1) })
      }
      #expect(moments == moments.sorted() && moments.allSatisfy { (2...95).contains($0) })
    }

    @Test("a program that goes on from its files comes to the same end") func survived()
      async throws
    {
      let outcome = try await Self.chaos(
        ["--seed", "5", "--faults", "5", "--kinds", "kill,delay,notice,mpirun,launcher"]
          + Self.compared,
        Self.counter)
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.filter { $0.hasPrefix("fault ") }.count == 5, "\(outcome)")
      #expect(
        outcome.lines.last == "5 of 5 faults survived, count.0 equal, count.1 equal", "\(outcome)")
    }

    @Test("a training that is harmed ten times ends with the bits of an undisturbed one")
    func training() async throws {
      // A disk stays full for a second or two, in which this training would come to its end.
      let outcome = try await Apus.run(
        [
          "chaos", "--seed", "5", "--faults", "10", "--kinds",
          "kill,stop,delay,notice,mpirun,launcher,flip", "--", "apus", "train", "-n", "2",
          "--threads", "1", "--model", "mlp", "--batch-size", "8", "--epochs", "60",
          "--max-restarts", "20", "--stuck-limit", "2", "--state-interval", "10",
        ], seconds: 300)
      #expect(outcome.code == 0, "\(outcome)")
      #expect(
        outcome.lines.last == "10 of 10 faults survived, weights equal, history equal",
        "\(outcome)")
    }

    @Test("a program that has lost something is found out") func lost() async throws {
      // Each start leaves a line: an undisturbed run has one, with the number of that start.
      let program = "echo start >> $0/starts; i=0; " + Self.counter
      let outcome = try await Self.chaos(
        ["--faults", "1", "--kinds", "kill", "--compare", "starts"], program, launch: ["-n", "1"])
      #expect(outcome.code == 1, "\(outcome)")
      #expect(
        outcome.lines.contains("starts: line 2 is 'start' instead of the end"), "\(outcome)")
      #expect(outcome.lines.last == "1 of 1 fault survived, starts differs", "\(outcome)")
    }

    @Test("a program that nobody starts again is given up, and nothing of it is left")
    func stopped() async throws {
      try await TemporaryFolder.use { folder in
        let program = "echo $$ > \(folder)/rank.$OMPI_COMM_WORLD_RANK; " + Self.counter
        let outcome = try await Self.chaos(
          [
            "--faults", "1", "--kinds", "stop", "--patience", "2", "--folder", folder + "/chaos",
          ] + Self.compared, program)
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.output.contains(": no step within 2 s (--patience)"), "\(outcome)")
        #expect(
          outcome.lines.last == "0 of 1 fault survived, the training did not come to its end",
          "\(outcome)")
        for rank in 0..<2 {
          let text = try String(contentsOfFile: "\(folder)/rank.\(rank)", encoding: .utf8)
          let process = try #require(
            pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
          #expect(kill(process, 0) != 0, "rank \(rank) is still there: \(outcome)")
        }
      }
    }

    @Test("touches no process that is not below the command") func others() async throws {
      try await TemporaryFolder.use { folder in
        // A job of the same kind beside it, with ranks of the same numbers.
        let script = """
          "\(Apus.path)" run -n 2 -- /bin/sh -c 'sleep 60' & other=$!
          "\(Apus.path)" chaos --seed 5 --faults 3 --kinds kill,mpirun,launcher --compare count.0 \
            -- apus run -n 1 -- /bin/sh -c "$0" {out}
          kill -0 $other && echo untouched; kill $other; wait $other
          """
        let outcome = try await Apus.run(
          ["run", "--", "/bin/sh", "-c", script, Self.counter], seconds: 60)
        #expect(outcome.output.contains("3 of 3 faults survived, count.0 equal"), "\(outcome)")
        #expect(outcome.lines.last == "untouched", "\(outcome)")
      }
    }

    @Test(
      "says what is wrong with its arguments",
      arguments: [
        ([], "no command: expected apus chaos -- apus train -n 2 ..."),
        (
          ["--kinds", "kill,rain", "--", "apus", "train"], "rain is none of kill,stop,delay,notice"
        ),
        (["--faults", "0", "--", "apus", "train"], "--faults 0: at least 1 is needed"),
        (["--", "apus", "run", "-n", "2", "--", "true"], "write {out} for the folder"),
        (["--", "apus", "run", "-n", "2", "--", "true", "{out}"], "--compare is missing"),
      ] as [([String], String)])
    func arguments(arguments: [String], message: String) async throws {
      let outcome = try await Apus.run(["chaos"] + arguments)
      #expect(outcome.code == 64, "\(outcome)")
      #expect(outcome.errors.contains(message), "\(outcome)")
    }

    @Test("says why an undisturbed run is none") func undisturbed() async throws {
      let failing = try await Self.chaos(Self.compared, "echo a reason; exit 3")
      #expect(failing.code == 1, "\(failing)")
      #expect(failing.errors.contains("the undisturbed run ended with exit code 3"), "\(failing)")
      #expect(failing.errors.contains("a reason"), "\(failing)")
      let alone = try await Self.chaos(Self.compared, "true", launch: [])
      #expect(alone.errors.contains("the undisturbed run has shown no ranks"), "\(alone)")
    }
  }
}
