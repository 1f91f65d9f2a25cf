import Engine
import Foundation

/// A loop of one's own on ranks: gradients of shares, added by `reduceGradients`, are those of one process, at once and compiled.
func checkOwnLoop() throws {
  let x = randomNormal([24, 5], key: RandomKey(seed: 3))
  let y = sum(x, axis: 1, keepDims: true)
  func train(compiled: Bool, _ ranks: any Communicator) throws -> [Float] {
    let net = Sequential([Linear(40), Tanh(), Linear(1)])
    net.seed = 5
    try net.initialize(x)
    let optimizer = Adam(learningRate: 0.01)
    let step = { (x: Tensor, y: Tensor) throws -> Tensor in
      let (loss, gradients) = try valueAndGrad(of: net) { sum(square(net(x) - y)) / 24 }
      try optimizer.update(try reduceGradients(gradients), net)
      return try allReduce(loss)
    }
    let jitted = jit(step)
    let share = Sharding.slice(count: 24, rank: ranks.rank, size: ranks.size)
    var losses: [Float] = []
    for _ in 0..<10 {
      let loss = try compiled ? jitted(x[share], y[share]) : step(x[share], y[share])
      losses.append(Float(loss.item()))
    }
    return losses + net.variables.flatMap { $0.value.scalars(as: Float.self) }
  }
  for compiled in [false, true] {
    let expected = try alone { try train(compiled: compiled, LocalCommunicator()) }
    let found = try train(compiled: compiled, communicator)
    for (a, b) in zip(found, expected) {
      try require(abs(a - b) <= 1e-5 * max(1, abs(b)), "\(a) on ranks, \(b) in one process")
    }
    try agree(on: ["\(found)"], subject: "weights", communicator: communicator)
  }
}

/// A strategy's own way to add gradients touches nothing else.
func checkOwnReduction() throws {
  struct Nothing: GradientReduction {
    func sums(of gradients: [Tensor], over communicator: any Communicator) -> [Tensor] {
      gradients.map { 0 * $0 }
    }
  }
  guard communicator.size > 1 else { return }
  let strategy = FixedStrategy(communicator, gradientReduction: Nothing())
  try DistributionContext.$strategy.withValue(strategy) {
    let one = Tensor([1.0])
    try requireEqual(try allReduce(one).item(), Double(communicator.size), "a sum")
    try requireEqual(try reduceGradients(one).item(), 0, "gradients")
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    let (x, y) = (Tensor.ones([8, 3]), Tensor.ones([8, 1]))
    let before = try model.evaluate(x: x, y: y)["loss"]
    try model.fit(x: x, y: y, verbose: .silent)
    try requireEqual(try model.evaluate(x: x, y: y)["loss"], before, "the loss without gradients")
  }
}

/// Weights that rank 0 has just written, or that lie on its disk alone, are those of all ranks.
func checkLoadedWeights() throws {
  let x = Tensor.ones([8, 3])
  func model(_ seed: UInt64) throws -> Model {
    let model = Model(module: Linear(2), loss: MeanSquaredError(), seed: seed)
    let _: Tensor = try model.predict(x: x)
    return model
  }
  // Every rank has a place of its own, as on machines that share no disk.
  let path = TemporaryFolder.path("rank-\(communicator.rank).safetensors")
  let (saved, loaded) = (try model(1), try model(2))
  try saved.saveWeights(to: path)
  let report = try loaded.loadWeights(from: path)
  try require(report.isComplete && report.transferred.count == 2, "\(report)")
  try requireEqual(loaded.weightsSHA256, saved.weightsSHA256, "what was loaded")
  try requireSameOnAllRanks(loaded)
  let error = try requireError("a file that is nowhere") {
    try loaded.loadWeights(from: path + ".nowhere")
  }
  try require("\(error)".contains("nowhere"), "the error must name the file: \(error)")
  try requireSameOnAllRanks(loaded)
}

/// Ranks that bring data of their own are told so, also when their shapes are equal.
func checkOwnData() throws {
  guard communicator.size > 1 else { return }
  let x = randomNormal([8, 3], key: RandomKey(seed: UInt64(communicator.rank)))
  let y = Tensor.ones([8, 1])
  let model = Model(
    module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
  for (what, call) in [
    ("fit", { try model.fit(x: x, y: y, verbose: .silent) }),
    ("evaluate", { _ = try model.evaluate(x: x, y: y) }),
    ("predict", { let _: Tensor = try model.predict(x: x) }),
  ] as [(String, () throws -> Void)] {
    let text = "\(try requireError("own data in \(what)") { try call() })"
    try require(
      text.contains("the call of \(what)") && text.contains("every rank is given all"), text)
    try agree(on: [text], subject: "the error", communicator: communicator)
  }
}

/// Ranks that compute with other kernels are noted, and their weights, which may differ in the last bits, are not compared.
func checkOtherKernels() throws {
  let isOdd = communicator.rank == communicator.size - 1
  try KernelSet.$description.withValue(isOdd ? "of another CPU" : "of one CPU") {
    let (x, y) = (Tensor.ones([8, 3]), Tensor.ones([8, 1]))
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    model.driftInterval = 1
    try model.fit(x: x, y: y, verbose: .silent)
    try requireEqual(model.hasSeveralKernelSets, communicator.size > 1, "several kinds of kernels")
    let kernel = model.module.trainableVariables[0]
    if isOdd { kernel.value = kernel.value * (1 + 1e-7) }
    try model.fit(x: x, y: y, verbose: .silent)
    guard communicator.size > 1 else { return }
    model.requiresSameBits = true
    let error = try requireError("other kernels where bits must be the same") {
      try model.fit(x: x, y: y, verbose: .silent)
    }
    try require("\(error)".contains("kernels: of another CPU"), "\(error)")
  }
}
