/// Memory that the plans of one cache share: what lies between their inputs and outputs, and scratch memory.
///
/// Only one of them runs at a time, and nothing in it outlives a run. A plan keeps the block that it was made with: one that
/// needs more gets a larger block, which plans made later take too. A block goes with the last plan on it.
package final class Arena {
  private weak var block: Storage?
  private weak var scratch: Workspace?

  package init() {}

  /// Memory of at least `byteCount` bytes.
  func memory(byteCount: Int) -> Storage {
    if let block, block.byteCount >= byteCount { return block }
    // Half as much again, so that plans that grow one after the other have a few blocks and not one each.
    let size = block.map { max(byteCount, $0.byteCount / 2 * 3) } ?? byteCount
    let fresh = Storage(byteCount: size)
    block = fresh
    return fresh
  }

  /// What the kernels of a plan share, for the threads that compute now.
  func workspace() -> Workspace {
    let pool = ComputeThreads.pool
    if let scratch, scratch.pool === pool { return scratch }
    let fresh = Workspace(pool: pool)
    scratch = fresh
    return fresh
  }
}
