import Foundation
import Testing

extension ApusTests {
  /// Jobs that a program in the place of srun starts, which gives tasks the variables of `--export` and no others.
  @Suite("With srun") struct SrunTests {
    private static let srun = """
      #!/bin/bash
      echo "$*" > "$(dirname "$0")/line"
      for word; do
        case $word in
          --ntasks=*) count=${word#*=} ;;
          --export=*) names=${word#*=} ;;
          --*) ;;
          *) break ;;
        esac
        shift
      done
      for name in ${names//,/ }; do [ -v $name ] && variables+=("$name=${!name}"); done
      for rank in $(seq 0 $((count - 1))); do
        env -i "${variables[@]}" SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=$count SLURM_PROCID=$rank SLURM_LOCALID=$rank \
          setsid "$@" &
      done
      for job in $(jobs -p); do wait $job || code=$?; done
      exit ${code:-0}
      """

    @Test(
      "ranks get what the launcher tells them, a killed one is named, and the job is started again",
      arguments: ["", "stream"])
    func restart(output: String) async throws {
      try await TemporaryFolder.use { folder in
        try Self.srun.write(toFile: folder + "/srun", atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: folder + "/srun")
        let program = """
          [ -d "$APUS_STATE_MEMORY" ] && [ -z "$APUS_RUN_SECRET" ] || exit 9
          echo "attempt $APUS_RESTART of $SLURM_PROCID"
          if [ $APUS_RESTART$SLURM_PROCID = 01 ]; then kill -9 $$; fi
          """
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        var variables = [
          "PATH": "\(folder):\(path)", "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "node-1",
          "SLURM_TASKS_PER_NODE": "2", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
        ]
        if !output.isEmpty { variables["APUS_RANK_OUTPUT"] = output }
        let outcome = try await Apus.run(
          [
            "run", "--launcher", "srun", "--max-restarts", "1", "--no-tag-output", "--", "/bin/sh",
            "-c", program,
          ], environment: variables, without: LaunchLine.forwarded, seconds: 60)
        #expect(outcome.code == 0, "\(outcome)")
        for rank in 0..<2 {
          #expect(outcome.lines.filter { $0 == "attempt 1 of \(rank)" }.count == 1, "\(outcome)")
        }
        #expect(
          outcome.errors.contains("rank 1 was ended by signal 9 (Killed); restart 1 of 1"),
          "\(outcome)")
        // A line of the launcher's own, between ranks and itself.
        #expect(!outcome.errors.contains("\u{1}"), "\(outcome)")
        let line = try String(contentsOfFile: folder + "/line", encoding: .utf8)
        let stream = output.isEmpty ? "" : "APUS_RANK_OUTPUT,"
        #expect(
          line.hasPrefix(
            "--mpi=pmix --ntasks=2 --nodes=1 --distribution=block --kill-on-bad-exit=1 "
              + "--export=\(stream)OMPI_MCA_btl_vader_single_copy_mechanism,PATH,APUS_RUN_SECRET,APUS_RESTART,"
              + "APUS_RANK_LAST,APUS_STATE_MEMORY \(Apus.path) --share-node \(Apus.path) --connect-rank /"
          ),
          "\(line)")
      }
    }
  }
}
