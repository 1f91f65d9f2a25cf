// A training loop by hand: a loss of a module's parameters, its gradient, an update, all compiled. Alone: `LowLevelLoop`; on
// three ranks: `mpirun -n 3 LowLevelLoop`.
import Dist
import Engine

final class MLP: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = x
    x = relu(Linear(64)(x))
    x = relu(Linear(32)(x))
    return Linear(1)(x)
  }
}

try withStrategy(.mpi) {
  let ranks = DistributionContext.strategy.communicator
  let x = randomUniform([15, 3], key: RandomKey(seed: 1).tensor)
  let y = randomUniform([15, 1], key: RandomKey(seed: 2).tensor)
  // This rank's rows; sums over them, divided by the whole batch, add up to the mean.
  let rows = Sharding.slice(count: 15, rank: ranks.rank, size: ranks.size)
  let mlp = try MLP().initialize(x)

  let update = jit { (x: Tensor, y: Tensor) throws -> Tensor in
    let (loss, gradients) = try valueAndGrad(of: mlp) { sum(square(y - mlp(x))) / 15 }
    mlp.setParameters(mlp.parameters() - 0.01 * (try reduceGradients(gradients)))
    return try allReduce(loss)
  }

  for step in 0..<1000 {
    let loss = try update(x[rows], y[rows])
    if step % 100 == 0, ranks.rank == 0 { print(step, loss.item()) }
  }
}
