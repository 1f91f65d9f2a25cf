import Dist
import Engine
import Foundation
import TestSupport

/// What the last rank does in the middle of a training, when the others go on: `mpirun -n 3 MPIChecks fault-stop`. None of these may pass.
struct Fault: Sendable {
  let name: String
  /// Called on the last rank before step ``step`` of the first epoch.
  let strike: @Sendable (Model) throws -> Void

  /// Counted from 0.
  static let step = 2

  static let all = [
    Fault("kill") { _ in kill(getpid(), SIGKILL) },
    Fault("stop") { _ in kill(getpid(), SIGSTOP) },
    Fault("exit") { _ in exit(0) },
    Fault("loop") { _ in while true { Thread.sleep(forTimeInterval: 0.01) } },
    Fault("evaluate") { _ = try $0.evaluate(x: Self.x, y: Self.y) },
    Fault("skip") { _ in throw Caught() },
    Fault("broadcast") { model in
      var number: Int32 = 7
      try model.communicator.broadcast(&number, count: 1, dtype: .int32, root: 0)
    },
    Fault("throw") { _ in throw CheckFailure("a failure made on purpose") },
  ]

  init(_ name: String, _ strike: @escaping @Sendable (Model) throws -> Void) {
    (self.name, self.strike) = (name, strike)
  }

  private static var x: Tensor { randomNormal([24, 3], key: RandomKey(seed: 3)) }
  private static var y: Tensor { x.sum(axis: 1, keepDims: true) }

  func run() throws {
    let model = Model(
      module: MLP([64, 1]), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05))
    let isLast = model.communicator.rank == model.communicator.size - 1
    let striking = LambdaCallback(onTrainBatchBegin: { step, _ in
      if isLast, step == Self.step { try strike(model) }
    })
    do {
      try model.fit(
        x: Self.x, y: Self.y, batchSize: 4, epochs: 1, verbose: .silent, callbacks: [striking])
    } catch is Caught {
      // The last rank goes on as if nothing had happened, and returns early.
    }
  }

  /// An error that the program catches.
  private struct Caught: Error {}
}

/// The last of two ranks that are threads loops for ever, and the other waits for it.
func checkThreadsLoop() throws {
  try withStrategy(.threads(2)) {
    let communicator = DistributionContext.strategy.communicator
    while communicator.rank == 1 { Thread.sleep(forTimeInterval: 0.01) }
    try communicator.barrier()
  }
}

/// A file that rank 0, which reads for all, does not find.
func checkMissingWeights() throws {
  let model = Model(module: Linear(1), loss: MeanSquaredError())
  let _: Tensor = try model.predict(x: Tensor.ones([6, 3]))
  try model.loadWeights(from: "missing.safetensors")
}

/// Rank 0 evaluates, and the others are done.
func checkUnmatched() throws {
  let model = Model(
    module: MLP([8, 1]), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05))
  let x = randomNormal([24, 3], key: RandomKey(seed: 3))
  try model.fit(x: x, y: x.sum(axis: 1, keepDims: true), epochs: 1, verbose: .silent)
  if model.isChief { _ = try model.evaluate(x: x, y: x.sum(axis: 1, keepDims: true)) }
}

/// The last rank comes late, but it comes: a warning, and training goes on.
func checkLate() throws {
  let communicator = DistributionContext.strategy.communicator
  if communicator.rank == communicator.size - 1 { Thread.sleep(forTimeInterval: 3) }
  try communicator.barrier()
}

/// Rank 0 works alone for longer than the others may wait.
func checkLongAlone() throws {
  let communicator = DistributionContext.strategy.communicator
  if communicator.rank == 0 { alone { Thread.sleep(forTimeInterval: 4) } }
  try communicator.barrier()
}

/// The last rank encodes a bucket of another length.
func checkOtherExchange() throws {
  let communicator = DistributionContext.strategy.communicator
  let isLast = communicator.rank == communicator.size - 1
  let reduction = BucketedAllReduce(limits: BucketLimits(bytes: 2048), hook: .bfloat16)
  let strategy = FixedStrategy(communicator, gradientReduction: reduction)
  try DistributionContext.$strategy.withValue(strategy) {
    let sums = jit { (x: [Tensor]) in try reduceGradients(x) }
    _ = try sums([Tensor.ones([isLast ? 900 : 1000])])
  }
}
