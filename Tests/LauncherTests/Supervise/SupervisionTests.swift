import Foundation
import Testing

extension ApusTests {
  /// Jobs that are killed, stopped and interrupted while they run.
  @Suite("Supervision") struct SupervisionTests {
    /// Runs a shell script in a folder of its own, with `$apus`, and with `await 'test'`, which waits for that, 20 seconds at most.
    private func script(
      _ text: String, environment: [String: String] = [:], seconds: Int = 60
    ) async throws -> Apus.Outcome {
      try await TemporaryFolder.use { folder in
        let start = """
          cd \(folder); export apus=\(Apus.path)
          alive() { for p in $*; do grep -q '^State:.[^ZX]' /proc/$p/status 2>/dev/null && return 0; done; return 1; }
          await() { n=0; while ! eval "$1"; do n=$((n + 1)); [ $n -lt 400 ] || { echo "not: $1"; return 1; }; sleep 0.05; done; }

          """
        return try await Apus.run(
          ["run", "--", "/bin/sh", "-c", start + text], environment: environment, seconds: seconds)
      }
    }

    /// A rank that trains for long. It says what its process is in a file `rank.RESTART.RANK`, and where its launcher sees its steps in `state.RESTART.RANK`.
    private static let training = """
      name=$APUS_RESTART.$OMPI_COMM_WORLD_RANK
      echo $APUS_RANK_STATE > state.$name; echo $$ > rank.$name
      exec $apus train --model mlp --epochs 5000 --progress none --out out
      """

    /// Both ranks of an attempt have begun a step: the fifth number of that file.
    private static func trains(attempt: Int) -> String {
      let steps = (0..<2).map {
        "[ $(od -An -td8 -j32 -N8 $(cat state.\(attempt).\($0))) -gt 0 ]"
      }
      return "{ \(steps.joined(separator: " && ")); } 2>/dev/null"
    }

    @Test("starts a job again, tells it so, and keeps what each attempt wrote")
    func restart() async throws {
      try await TemporaryFolder.use { folder in
        let program = """
          [ -d "$APUS_STATE_MEMORY" ] || exit 9; echo "memory $APUS_STATE_MEMORY"
          echo "attempt $APUS_RESTART of $OMPI_COMM_WORLD_RANK"; echo "error $APUS_RESTART" >&2
          if [ $APUS_RESTART$OMPI_COMM_WORLD_RANK = 01 ]; then
            # Rank 0 is ended too, and must have written.
            log=\(folder)/logs/rank-0.restart-0; n=0
            until grep -qs attempt $log.out && grep -qs error $log.err || [ $n = 200 ]; do sleep 0.05; n=$((n + 1)); done
            kill -9 $$
          fi
          sleep 0.3
          """
        let outcome = try await Apus.run([
          "run", "-n", "2", "--max-restarts", "2", "--log-dir", folder + "/logs", "--",
          "/bin/sh", "-c", program,
        ])
        #expect(outcome.code == 0, "\(outcome)")
        let message = "apus: rank 1 was ended by signal 9 (Killed); restart 1 of 2"
        #expect(outcome.errors.components(separatedBy: message).count == 2, "\(outcome)")
        let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
        #expect(outcome.lines.contains("[rank 1 \(host)] attempt 1 of 1"), "\(outcome)")
        for rank in 0..<2 {
          for attempt in 0..<2 {
            let name = "\(folder)/logs/rank-\(rank).restart-\(attempt)"
            let text = try String(contentsOfFile: name + ".out", encoding: .utf8)
            #expect(text.hasSuffix("\nattempt \(attempt) of \(rank)\n"), "\(name): \(text)")
            #expect(
              try String(contentsOfFile: name + ".err", encoding: .utf8) == "error \(attempt)\n")
          }
        }
        let memory = outcome.lines.compactMap {
          $0.components(separatedBy: "memory ").dropFirst().last
        }
        #expect(Set(memory).count == 1, "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: try #require(memory.first)))
      }
    }

    @Test("starts a single process again, without mpirun") func alone() async throws {
      let outcome = try await Apus.run([
        "run", "--max-restarts", "1", "--", "/bin/sh", "-c", "echo $APUS_RESTART; exit 3",
      ])
      #expect(outcome.code == 3, "\(outcome)")
      #expect(outcome.lines == ["0", "1"], "\(outcome)")
      #expect(outcome.errors.contains("apus: rank 0 ended with exit code 3; restart 1 of 1"))
      #expect(
        outcome.errors.hasSuffix(
          "apus: no restart is left of 1; the first failure was: rank 0 ended with exit code 3\n"),
        "\(outcome)")
    }

    @Test("does not start again what cannot get better") func hopeless() async throws {
      let usage = try await Apus.run(
        ["run", "-n", "2", "--max-restarts", "5", "--", "/bin/sh", "-c", "exit 64"])
      #expect(usage.code == 64, "\(usage)")
      #expect(usage.errors.contains("apus: not restarted: exit code 64 says"), "\(usage)")
      let data = try await Apus.run(
        ["train", "--data", "csv:/nowhere.csv", "-n", "2", "--max-restarts", "5"])
      #expect(data.code == 1, "\(data)")
      #expect(data.errors.contains("Error: /nowhere.csv: "), "\(data)")
      #expect(data.errors.contains("apus: not restarted: it failed before its first step"))
    }

    @Test(
      "says where a rank was that was killed or stopped, and goes on", arguments: ["KILL", "STOP"])
    func ended(signal: String) async throws {
      let outcome = try await script(
        """
        cat > program <<'END'
        \(Self.training)
        END
        $apus run -n 2 --max-restarts 1 --stuck-limit 1 -- sh program & job=$!
        await '\(Self.trains(attempt: 0))'
        kill -\(signal) $(cat rank.0.1)
        await '\(Self.trains(attempt: 1))'
        alive $(cat rank.0.*) && echo alive
        kill -INT $job; wait $job; echo code $?
        """)
      // Ranks save their state on the notice.
      #expect(outcome.lines == ["code 75"], "\(outcome)")
      let what =
        signal == "KILL"
        ? "was ended by signal 9 (Killed)" : "has been stopped by a signal (SIGSTOP)"
      let line = outcome.errors.split(separator: "\n").first { $0.contains(what) } ?? ""
      #expect(line.hasPrefix("apus: rank 1 \(what)"), "\(outcome)")
      // Between two epochs there is no step.
      #expect(line.contains(#/(in|after) epoch \d+(, step \d+)?; restart 1 of 1/#), "\(outcome)")
      #expect(!outcome.errors.contains("[watch of rank"), "\(outcome)")
    }

    @Test(
      "leaves nothing behind, whoever is killed",
      arguments: ["$job", "$mpirun", "$job $mpirun", "$beside"])
    func orphans(victims: String) async throws {
      // Each rank has a child, and one rank is stopped.
      let outcome = try await script(
        """
        cat > program <<'END'
        sleep 60 & echo $! > child.$OMPI_COMM_WORLD_RANK
        echo $PPID > beside.$OMPI_COMM_WORLD_RANK; echo $$ > rank.$OMPI_COMM_WORLD_RANK
        wait
        END
        $apus run -n 2 -- sh program & job=$!
        await '[ -s rank.0 ] && [ -s rank.1 ]'
        beside=$(cat beside.1)
        mpirun=$(awk '/^PPid/ { print $2 }' /proc/$beside/status)
        kill -STOP $(cat rank.0)
        kill -9 \(victims)
        all="$(cat rank.* child.* beside.*) $mpirun"
        n=0; while alive $all && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
        alive $all && { echo alive; ps -ef | grep program; }
        wait $job; [ $? -ne 0 ] && echo failed
        """)
      #expect(outcome.lines == ["failed"], "\(outcome)")
    }

    @Test("on another machine the last attempt leaves nothing in memory, and others do")
    func memory() async throws {
      // The process beside a rank of another machine, which fails.
      let outcome = try await script(
        """
        export APUS_RANK_OUTPUT=stream OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_LOCAL_RANK=1
        for last in 1 0; do
          export APUS_RANK_LAST=$last APUS_STATE_MEMORY=/dev/shm/apus-test-$$-$last
          $apus --connect-rank /nowhere /bin/sh -c '[ -d $APUS_STATE_MEMORY ] && touch began; exit 3' 2> frames & beside=$!
          await '[ -e began ]'; rm began
          n=0; while alive $beside && [ $n -lt 100 ]; do kill -TERM $beside; sleep 0.05; n=$((n + 1)); done
          wait $beside; echo code $?
          [ -d $APUS_STATE_MEMORY ] && { echo kept; rmdir $APUS_STATE_MEMORY; }
        done
        """)
      #expect(outcome.lines == ["code 3", "code 3", "kept"], "\(outcome)")
    }

    /// A rank that saves its state on SIGUSR1: the file that its launcher reads holds the numbers of `RankMirror.Word`.
    private static let saver = """
      word() { for n in $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)); do printf "\\\\$(printf %03o $n)"; done; printf '\\0\\0\\0\\0\\0'; }
      trap 'echo notice; eval "$save"; exit 75' USR1
      trap 'echo ended; exit 1' TERM
      for value in 1 1 5 1 1 0 1 2 0 0 $$; do word $value; done > $APUS_RANK_STATE
      echo > ready.$OMPI_COMM_WORLD_RANK
      while true; do sleep 0.05; done
      """

    @Test("gives ranks time to save after a notice", arguments: ["TERM", "USR1", "INT"])
    func notice(signal: String) async throws {
      let outcome = try await script(
        """
        cat > program <<'END'
        \(Self.saver)
        END
        # Rank 1 takes longer than mpirun would give it.
        export save='[ $OMPI_COMM_WORLD_RANK = 0 ] || sleep 2.5; echo saved'
        $apus run -n 2 --max-restarts 3 -- sh program & job=$!
        await '[ -e ready.0 ] && [ -e ready.1 ]'
        kill -\(signal) $job; wait $job; echo code $?
        """)
      #expect(outcome.lines.last == "code 75", "\(outcome)")
      #expect(outcome.lines.count { $0.hasSuffix("] notice") } == 2, "\(outcome)")
      #expect(outcome.lines.count { $0.hasSuffix("] saved") } == 2, "\(outcome)")
      #expect(!outcome.errors.contains("restart"), "\(outcome)")
    }

    @Test("ends ranks that do not save in time") func grace() async throws {
      let outcome = try await script(
        """
        cat > program <<'END'
        \(Self.saver)
        END
        export save='sleep 30'
        $apus run -n 2 --grace 0.5 --max-restarts 3 -- sh program & job=$!
        await '[ -e ready.0 ] && [ -e ready.1 ]'
        kill -TERM $job; wait $job; echo code $?
        """)
      #expect(outcome.lines.last == "code 143", "\(outcome)")
      #expect(!outcome.errors.contains("restart"), "\(outcome)")
    }

    @Test("hands on what is typed, and takes Ctrl-C for itself") func terminal() async throws {
      let program =
        "if [ $OMPI_COMM_WORLD_RANK = 0 ]; then read x; echo got $x; echo > got; fi; sleep 30"
      let outcome = try await script(
        """
        cat > program <<'END'
        \(program)
        END
        { echo typed; await '[ -e got ]' >&2; printf '\\003'; await '[ -e over ]' >&2; } |
          { script -qec "$apus run -n 2 --no-tag-output -- sh program" /dev/null; printf '\\ncode %d\\n' $?; : > over; }
        """)
      #expect(outcome.lines.contains("got typed"), "\(outcome)")
      #expect(outcome.lines.last == "code 130", "\(outcome)")
    }

    @Test("keeps the secret of a run from its ranks and from lists of processes")
    func secret() async throws {
      let program = """
        echo "secret:$APUS_RUN_SECRET"
        p=$PPID; for i in 1 2 3; do tr '\\0' '\\n' < /proc/$p/cmdline; p=$(awk '/^PPid/ { print $2 }' /proc/$p/status); done
        """
      let outcome = try await Apus.run(
        ["run", "-n", "1", "--", "/bin/sh", "-c", program])
      #expect(outcome.lines.contains("secret:"), "\(outcome)")
      #expect(outcome.lines.contains("APUS_RUN_SECRET"), "\(outcome)")
      #expect(!outcome.output.contains(#/[0-9a-f]{32}/#), "\(outcome)")
    }
  }
}
