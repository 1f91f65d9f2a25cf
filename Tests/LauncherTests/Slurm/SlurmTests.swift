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

    static let scenes = [
      Scene(line: "srun -Q -n 2 --mpi=pmix $APUS \(train)", output: trained()),
      Scene(line: "salloc -Q -n 2 $APUS \(train) -n 2", output: trained()),
      Scene(
        line: "salloc -Q -n 2 $APUS run -n 2 -- sh -c 'echo rank $OMPI_COMM_WORLD_RANK'",
        output: ["[rank # HOST] rank #", "[rank # HOST] rank #"]),
    ]

    @Test("what users see") func whatUsersSee() async throws {
      try await SlurmCluster.use { cluster in
        for scene in Self.scenes {
          let outcome = try await cluster.sh(scene.line)
          #expect(outcome.code == scene.code, "\(scene.line)\n\(outcome)")
          let output = SlurmCluster.masked(
            outcome.output.replacing(cluster.scratch + "/out", with: "OUT"))
          #expect(output == scene.output, "\(scene.line)\n\(outcome)")
          #expect(SlurmCluster.masked(outcome.errors) == scene.errors, "\(scene.line)\n\(outcome)")
        }
      }
    }
  }
}
