import Engine
import Foundation
import TestSupport
import Testing

/// The code about ranks in docs/modules.md, in one process; `ValueCollectiveChecks` runs the same on several.
@Suite("docs/modules.md: ranks")
struct RanksGuide {
  @Test func `collectives for loops of one's own`() throws {
    let (accuracy, rank, folder) = (0.5, 0, "/")
    let gradient = Tensor([[1.0, 2], [3, 4]])
    // snippet: collectives
    let best = try allReduce(Tensor([accuracy]), .max)  // or .sum, .min; sums in jit too
    let notes = try allGather("rank \(rank)")  // [String], any Codable value
    let settings = try broadcast(["rate": 0.1])  // rank 0's, on every rank
    let part = reduceScatter(gradient)  // this rank's rows of the sum
    try barrier()
    let files = try onChief { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    // end
    #expect(best.item() == 0.5 && notes == ["rank 0"] && settings == ["rate": 0.1])
    #expect(part.shape == [2, 2] && files.contains("tmp"))
  }

  @Test func `collectives among some ranks`() throws {
    let (loss, rank) = (Tensor(2.0), 0)
    // snippet: groups
    let sum = try withRanks(.node) { ranks in try ranks.allReduce(loss) }  // of this node
    let total = try withRanks(.leaders) { ranks in  // over nodes; nil on other ranks
      try ranks.allReduce(sum)
    }
    let pairs = try RankGroup.split(by: rank / 2)  // ranks that give the same number
    let step = jit { (x: Tensor) in
      try withRanks(pairs) { ranks in try ranks.broadcast(x, from: ranks.size - 1) }
    }
    // end
    #expect(sum.item() == 2 && total?.item() == 2)
    #expect(try step(Tensor([1.0, 3])).scalars(as: Int.self) == [1, 3])
  }
}
