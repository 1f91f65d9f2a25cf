import OrderedCollections
import Tensors

/// Where this rank's share of the batch begins: an input of every step that draws random numbers.
final class SharePlace {
  private let variable: Variable
  private let memory: UnsafeMutablePointer<Int64>
  private let communicator: any Communicator

  init(_ communicator: any Communicator) {
    self.communicator = communicator
    variable = Variable(
      path: "share", kind: .state, initial: Tensor([Int64(0), 0]), combine: .first, trainable: false
    )
    memory = variable.pin().assumingMemoryBound(to: Int64.self)
  }

  /// Before a step: this rank's share of a batch of `rows` rows. Allocates nothing.
  func set(globalRows: Int) {
    let rows = Sharding.slice(
      count: globalRows, rank: communicator.rank, size: communicator.size)
    memory[0] = Int64(rows.lowerBound)
    memory[1] = Int64(rows.count)
  }

  /// For a step on a number of rows.
  func share(rows: Int) -> BatchShare { BatchShare(place: variable.value, rows: rows) }
}

extension Model {
  /// Runs the body of a step on this rank's rows, whose noise is that of their places in the whole batch.
  func placingNoise<R>(rows: Int, _ body: () throws -> R) rethrows -> R {
    guard let sharePlace else { return try body() }
    return try NoisePlace.share(sharePlace.share(rows: rows))(body)
  }

  /// Gives every rank the random key of rank 0: a rank may have called the module by itself.
  func synchronizeKey() throws {
    guard communicator.size > 1 else { return }
    let name = ModuleContext.keyName
    let own = module.scope.variables[name]?.stored.scalars(as: Int64.self) ?? [0, 0]
    var message = [module.scope.variables[name] == nil ? 0 : 1] + own
    let count = message.count
    try message.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      try communicator.named("the random key") {
        try communicator.broadcast(start, count: count, dtype: .int64, root: 0)
      }
    }
    guard message[0] == 1 else { return }
    ModuleContext.keyVariable(of: module.scope).store(Tensor(Array(message[1...])))
  }
}
