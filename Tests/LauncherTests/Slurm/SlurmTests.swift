import Foundation
import Testing

extension ApusTests {
  @Suite(
    "a real Slurm",
    .enabled(if: SlurmCluster.isAvailable, "root, slurmctld, slurmd, slurm-client, munge"))
  struct SlurmTests {
    /// A short training without a line about time.
    private static let train =
      "train --data digits --model mlp --epochs 2 --threads 1 --progress none --out $OUT"

    /// A line of a shell inside or outside an allocation, and what its user sees, masked.
    struct Scene: Sendable, CustomTestStringConvertible {
      var line: String
      var code = 0
      var output: [String] = []
      var errors: [String] = []
      /// Whether srun adds lines of its own, for tasks together or one by one, as they end.
      var ofSlurm = false
      var testDescription: String { line }
    }

    private static func trained(_ ranks: String = "ranks") -> [String] {
      [
        "Model     mlp with # parameters",
        "Trained   # epochs of # samples of digits, # \(ranks) of # thread: # s, # samples/s",
        "          accuracy # %, loss #",
        "Held out  # of # images, drawn at random by seed #",
        "          accuracy # %, loss #",
        "Weights   OUT/weights.safetensors",
      ]
    }

    private static let inAllocation = "Slurm's job # has # tasks on # node (HOST:#)"

    private static let srun =
      "apus: srun with # ranks of # thread on the nodes of Slurm's job #; bound as Slurm does"

    static let scenes = [
      Scene(line: "srun -Q -n 2 --mpi=pmix $APUS \(train)", output: trained()),
      Scene(
        line: "srun -Q -n 2 $APUS \(train)", code: 1,
        errors: [
          "Error: srun started # ranks, but MPI sees #: every rank would train alone. "
            + "Use the mpirun of this MPI library, or srun --mpi=pmix"
        ], ofSlurm: true),
      Scene(line: "srun -Q -n 1 $APUS \(train)", output: trained("rank")),
      Scene(
        line: "srun -Q -n 2 --mpi=pmix $APUS \(train) -n 3", code: 1,
        errors: Array(
          repeating: "Error: srun started # ranks, but -n says #: leave out -n under srun", count: 2
        ), ofSlurm: true),
      Scene(
        line: "srun -Q -n 2 --mpi=pmix $APUS run -n 2 -- hostname", code: 1,
        errors: Array(
          repeating:
            "Error: srun has started # ranks, and each would start a job of its own here; "
            + "leave out srun, or apus run", count: 2), ofSlurm: true),
      Scene(line: "salloc -Q -n 2 $APUS \(train) -n 2", output: trained()),
      Scene(
        line: "salloc -Q -n 2 $APUS \(train)", output: trained("rank"),
        errors: [
          "apus: \(inAllocation), but this is one process; -n # starts a rank for each"
        ]),
      Scene(
        line: "salloc -Q -n 2 $APUS \(train) -n 3", code: 1,
        errors: [
          "Error: -n #: \(inAllocation); use -n # or fewer, ask Slurm for more (--ntasks=#), "
            + "or let ranks take turns on cores: --oversubscribe"
        ]),
      Scene(
        line: "salloc -Q -n 2 $APUS run -n 2 -- sh -c 'echo rank $OMPI_COMM_WORLD_RANK'",
        output: ["[rank # HOST] rank #", "[rank # HOST] rank #"]),
      Scene(
        line: "salloc -Q -n 2 $APUS run -n 1 -- sh -c 'echo rank $OMPI_COMM_WORLD_RANK'",
        output: ["rank #"]),
      Scene(
        line: "salloc -Q -n 2 $APUS run --hosts nowhere:2 -- hostname", code: 1,
        errors: [
          "Error: --hosts nowhere:#: nowhere is no node of Slurm's job #, which has # tasks on # node (HOST:#); "
            + "leave the nodes out to use all of these"
        ]),
      Scene(
        line: "salloc -Q -n 2 $APUS run -n 2 -- sh -c 'exit 3'", code: 3,
        errors: ["apus: rank # on HOST ended with exit code # after # s"]),
      Scene(
        line: "salloc -Q -n 2 $APUS run --launcher srun -- hostname",
        output: ["[rank # HOST] HOST", "[rank # HOST] HOST"], errors: [srun]),
      Scene(
        line: "salloc -Q -n 2 $APUS run --launcher srun --max-restarts 1 --no-tag-output -- sh -c "
          + "'[ $APUS_RESTART$SLURM_PROCID != 01 ] || kill -9 $$; sleep 0.5; echo attempt $APUS_RESTART'",
        output: ["attempt #", "attempt #"],
        errors: [
          srun, "apus: rank # was ended by signal # (Killed); restart # of #",
        ]),
      Scene(
        line: "$APUS run --launcher srun -n 2 -- hostname", code: 1,
        errors: [
          "Error: --launcher srun: there is no allocation of Slurm here (SLURM_JOB_ID is not set); "
            + "start this inside salloc or sbatch, or use mpirun"
        ]),
    ]

    @Test("what users see") func whatUsersSee() async throws {
      try await SlurmCluster.use { cluster in
        for scene in Self.scenes {
          let outcome = try await cluster.sh("rm -rf $OUT; " + scene.line)
          #expect(outcome.code == scene.code, "\(scene.line)\n\(outcome)")
          let output = SlurmCluster.masked(
            outcome.output.replacing(cluster.scratch + "/out", with: "OUT"))
          #expect(output == scene.output, "\(scene.line)\n\(outcome)")
          // Ranks and Slurm's daemons write in any order.
          let masked = SlurmCluster.masked(outcome.errors)
          let errors = masked.filter { !$0.hasPrefix("srun: error: HOST: task") }.sorted()
          #expect((errors.count < masked.count) == scene.ofSlurm, "\(scene.line)\n\(outcome)")
          #expect(errors == scene.errors.sorted(), "\(scene.line)\n\(outcome)")
        }
      }
    }

    /// A training that does not end by itself in the time of a test.
    private static let longTraining =
      "exec \(Apus.path) train --data digits --model mlp --epochs 100000 --threads 1 --progress none"

    /// Waits until a training has written three epochs.
    private static func waitForTraining(_ folder: String, _ cluster: SlurmCluster) async throws {
      let limit = ContinuousClock.now + .seconds(40)
      func rows() -> Int {
        let data = FileManager.default.contents(atPath: folder + "/history.csv") ?? Data()
        return data.filter { $0 == UInt8(ascii: "\n") }.count
      }
      while rows() < 4 {
        try #require(ContinuousClock.now < limit, "no three epochs in \(folder): \(cluster.output)")
        try await Task.sleep(for: .milliseconds(50))
      }
    }

    /// The processes that have a text among their words.
    private static func processes(with text: String) async throws -> [String] {
      let outcome = try await Apus.run(["run", "--", "ps", "-eo", "pid,args"])
      return outcome.lines.filter { $0.contains(text) }
    }

    @Test("scancel ends all ranks") func cancelled() async throws {
      try await SlurmCluster.use { cluster in
        let out = cluster.scratch + "/out"
        let number = try await cluster.submit(
          "\(Self.longTraining) --out \(out) -n 2 --grace 20", ["-n", "2"])
        try await Self.waitForTraining(out, cluster)
        _ = try await cluster.sh("scancel \(number)")
        try await cluster.wait(for: number, toBe: "CANCELLED")
        let limit = ContinuousClock.now + .seconds(10)
        while true {
          let left = try await Self.processes(with: out)
          if left.isEmpty { break }
          try #require(ContinuousClock.now < limit, "\(left)\n\(cluster.output)")
          try await Task.sleep(for: .milliseconds(100))
        }
      }
    }

    @Test("the notice before the time limit saves the state, and the next job goes on from it")
    func notice() async throws {
      try await SlurmCluster.use { cluster in
        let out = cluster.scratch + "/out"
        // Slurm counts in minutes, and may send the signal earlier by one: it comes at once, or after 10 s.
        let number = try await cluster.submit(
          "sleep 1; " + Self.longTraining + " --out \(out) -n 2",
          ["-n", "2", "--time=2", "--signal=B:USR1@55"])
        try await Self.waitForTraining(out, cluster)
        // What Slurm does at that time.
        _ = try await cluster.sh("scancel --batch --signal=USR1 \(number)")
        let job = try await cluster.wait(for: number, toBe: "FAILED")
        #expect(job["ExitCode"] == "75:0", "\(job)\n\(cluster.output)")
        let epochs = (try? String(contentsOfFile: out + "/history.csv", encoding: .utf8))?
          .split(separator: "\n").count
        let done = try #require(epochs) - 1
        let next = try await cluster.sh(
          "salloc -Q -n 2 $APUS train --data digits --model mlp --epochs \(done + 2) --threads 1 "
            + "--progress lines --out \(out) -n 2 --resume")
        #expect(next.code == 0, "\(next)")
        let lines = next.lines.filter { $0.hasPrefix("Epoch ") }
        #expect(lines.first?.hasPrefix("Epoch \(done + 1)/\(done + 2)") == true, "\(next)")
        #expect(lines.count == 2, "\(next)")
      }
    }

    @Test("--requeue asks for another turn, which goes on") func requeue() async throws {
      try await SlurmCluster.use { cluster in
        let out = cluster.scratch + "/out"
        let number = try await cluster.submit(
          "echo a turn; " + Self.longTraining + " --out \(out) -n 2 --requeue --resume",
          ["-n", "2", "--requeue"])
        try await Self.waitForTraining(out, cluster)
        _ = try await cluster.sh("scancel --batch --signal=USR1 \(number)")
        try await cluster.wait(forOutput: "asked Slurm for another turn")
        var restarts = 1
        let limit = ContinuousClock.now + .seconds(60)
        while true {
          try #require(ContinuousClock.now < limit, "\(cluster.output)")
          let job = try await cluster.wait(for: number, toBe: "PENDING", "RUNNING", "FAILED")
          // Asked for while the first turn runs: the first thing that is seen may be its end.
          if job["JobState"] == "RUNNING", job["Restarts"] == "\(restarts)" { break }
          if job["JobState"] == "FAILED" {
            // Slurm 22.05 takes the end of a script of which it hears late for the end of the next turn.
            try #require(restarts < 5 && job["Restarts"] == "\(restarts)", "\(job)")
            _ = try await cluster.sh("scontrol requeue \(number)")
            restarts += 1
          } else {
            // It lets a job wait for two minutes before its next turn.
            _ = try await cluster.sh("scontrol update JobId=\(number) StartTime=now")
            try await Task.sleep(for: .milliseconds(100))
          }
        }
        try await cluster.wait(forOutput: "going on from", seconds: 20)
        #expect(cluster.output.components(separatedBy: "a turn\n").count == 3, "\(cluster.output)")
      }
    }

    @Test("a rank of a step that is killed ends the step, and is named") func killedStep()
      async throws
    {
      try await SlurmCluster.use { cluster in
        let out = cluster.scratch + "/out"
        async let step = cluster.sh(
          "srun -Q -n 2 --mpi=pmix \(Self.longTraining.dropFirst(5)) --out \(out)")
        try await Self.waitForTraining(out, cluster)
        // The second rank, by what Slurm tells it.
        let kill = try await cluster.sh(
          "for p in $(pgrep -f -- '--out \(out)'); do tr '\\0' '\\n' < /proc/$p/environ 2> /dev/null "
            + "| grep -qx SLURM_PROCID=1 && kill -9 $p && echo killed; done")
        #expect(kill.lines == ["killed"], "\(kill)")
        let outcome = try await step
        #expect(outcome.code == 137 || outcome.code == 1, "\(outcome)")
        #expect(
          outcome.errors.contains("[watch of rank 0/2] rank 1 has ended without leaving"),
          "\(outcome)")
      }
    }
  }
}
