import Engine
import Testing

@Suite("How a process was started")
struct LaunchTests {
  @Test(
    "on its own",
    arguments: [
      [:],
      ["PATH": "/bin"],
      // The batch script of Slurm, and the shell that salloc opens on a node.
      ["SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "7"],
      [
        "SLURM_PROCID": "0", "SLURM_STEP_ID": "4294967291", "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_NTASKS": "8",
      ],
      ["SLURM_PROCID": "0", "SLURM_STEP_ID": "4294967290", "SLURM_STEP_NUM_TASKS": "4"],
      // One task of srun without PMI.
      ["SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"],
    ])
  func alone(environment: [String: String]) {
    #expect(Launch.detect(in: environment) == nil)
  }

  @Test("by mpirun, also inside an allocation of Slurm")
  func mpirun() {
    let environment = [
      "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1", "PMIX_RANK": "1",
      "SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2",
    ]
    #expect(Launch.detect(in: environment) == Launch(launcher: "mpirun", size: 4))
  }

  @Test("by srun with and without PMI")
  func srun() {
    var environment = [
      "SLURM_PROCID": "2", "SLURM_STEP_ID": "3", "SLURM_STEP_NUM_TASKS": "8",
    ]
    #expect(Launch.detect(in: environment) == Launch(launcher: "srun", size: 8))
    environment["PMIX_RANK"] = "2"
    #expect(Launch.detect(in: environment) == Launch(launcher: "srun", size: 8))
  }

  @Test("by another launcher with PMI")
  func pmi() {
    #expect(
      Launch.detect(in: ["PMI_RANK": "0", "PMI_SIZE": "3"])
        == Launch(launcher: "a PMI launcher", size: 3))
    #expect(
      Launch.detect(in: ["PMIX_RANK": "0"]) == Launch(launcher: "a PMI launcher", size: nil))
  }
}
