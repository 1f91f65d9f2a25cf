// A training loop by hand: a loss of a module's parameters, its gradient, an update, all compiled.
import Engine

final class MLP: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = x
    x = relu(Linear(64)(x))
    x = relu(Linear(32)(x))
    return Linear(1)(x)
  }
}

let mlp = MLP()
let x = randomUniform([15, 3], key: RandomKey(seed: 1).tensor)
let y = randomUniform([15, 1], key: RandomKey(seed: 2).tensor)

let update = jit { (x: Tensor, y: Tensor) throws -> Tensor in
  let (loss, gradients) = try valueAndGrad(of: mlp) { mean(square(y - mlp(x))) }
  mlp.setParameters(mlp.parameters() - 0.01 * gradients)
  return loss
}

for step in 0..<1000 {
  let loss = try update(x, y)
  if step % 100 == 0 { print(step, loss.item()) }
}
