import Engine

/// Collectives on values for loops of one's own.
extension TrainingCheck {
  static let values: [TrainingCheck] = [
    TrainingCheck(name: "broadcast-values", run: checkBroadcast),
    TrainingCheck(name: "gather-values", run: checkGather),
    TrainingCheck(name: "reduce-values", run: checkReduce),
    TrainingCheck(name: "gradients-of-collectives", run: checkGradients),
    TrainingCheck(name: "on-chief", run: checkOnChief),
  ]
}

private struct Report: Codable, Equatable {
  var name: String
  var score: Double
  var counts: [Int]
  var isBest: Bool?
}

private var rank: Int { communicator.rank }
private var size: Int { communicator.size }

private func checkBroadcast() throws {
  let last = size - 1
  let report = Report(name: "rank \(rank) é", score: .nan, counts: [rank, 1], isBest: nil)
  let found = try broadcast(report, from: last)
  try requireEqual(found.name, "rank \(last) é", "a string of the last rank")
  try require(found.score.isNaN && found.isBest == nil, "NaN and nil: \(found)")
  try requireEqual(found.counts, [last, 1], "a list of the last rank")
  // What other ranks give is not looked at.
  let tensor = rank == 0 ? Tensor([[1, 2], [3, 4]]) : Tensor([0.5])
  let matrix = try broadcast(tensor)
  try requireEqual(matrix.shape, [2, 2], "the shape of rank 0's tensor")
  try requireEqual(matrix.scalars(as: Int.self), [1, 2, 3, 4], "rank 0's tensor")
}

private func checkGather() throws {
  let names = try allGather("rank \(rank)")
  try requireEqual(names, (0..<size).map { "rank \($0)" }, "the strings of all ranks")
  let rows = try allGather(["rows": Tensor.ones([rank, 2]) * Double(rank)])
  for (other, value) in rows.enumerated() {
    try requireEqual(value["rows"]?.shape, [other, 2], "rows of rank \(other)")
  }
  let traced = jit { (x: Tensor) in try allGather(x * 2) }
  let found = try traced(Tensor([Double(rank), 1]))
  for (other, value) in found.enumerated() {
    try requireEqual(value.scalars(as: Double.self), [2 * Double(other), 2], "jit, rank \(other)")
  }
}

private func checkReduce() throws {
  let mine = Tensor([Double(rank), -Double(rank), 1])
  try requireEqual(
    try allReduce(mine, .max).scalars(as: Double.self), [Double(size - 1), 0, 1], "the largest")
  try requireEqual(
    try allReduce(mine, .min).scalars(as: Double.self), [0, -Double(size - 1), 1], "the smallest")
  // 5 rows over any number of ranks: uneven, and none for some of 7.
  let table = Tensor((0..<10).map(Double.init), shape: [5, 2])
  let own = Sharding.slice(count: 5, rank: rank, size: size)
  let expected = own.flatMap { [Double(2 * $0 * size), Double((2 * $0 + 1) * size)] }
  for part in [reduceScatter(table), try jit { (x: Tensor) in reduceScatter(x) }(table)] {
    try requireEqual(part.shape, [own.count, 2], "the shape of a part")
    try requireEqual(part.scalars(as: Double.self), expected, "a part of the sum")
  }
  try barrier()
}

/// The loss of all ranks together is the sum of theirs; each rank r weighs what it gets by r + 1.
private func checkGradients() throws {
  let weight = Double(rank + 1)
  let all = Double(size * (size + 1) / 2)
  let x = Tensor([Double(rank), 2])
  for compiled in [false, true] {
    func gradient(_ f: @escaping (Tensor) throws -> Tensor) throws -> [Double] {
      let g = { (x: Tensor) in try grad(f)(x) }
      return try (compiled ? jit(g)(x) : g(x)).scalars(as: Double.self)
    }
    try requireEqual(
      try gradient { sum(try broadcast($0)) * weight }, rank == 0 ? [all, all] : [0, 0],
      "the gradient of a broadcast, compiled \(compiled)")
    // Of what rank r has put in place r everybody takes r + 1 times the weight.
    try requireEqual(
      try gradient { x in
        try allGather(x).enumerated().map { sum($1) * Double($0 + 1) }.reduce(Tensor(0.0)) {
          $0 + $1
        }
          * weight
      }, [all * weight, all * weight], "the gradient of a gather, compiled \(compiled)")
    // Element i goes to one rank, which weighs it.
    let owners = (0..<2).map { i in
      (0..<size).first { Sharding.slice(count: 2, rank: $0, size: size).contains(i) } ?? 0
    }
    try requireEqual(
      try gradient { sum(reduceScatter($0)) * weight }, owners.map { Double($0 + 1) },
      "the gradient of a scattered sum, compiled \(compiled)")
  }
}

private func checkOnChief() throws {
  let outer = rank
  let found = try onChief { Report(name: "from \(outer)", score: 1, counts: [], isBest: true) }
  try requireEqual(found.name, "from 0", "the result of rank 0")
  let error = try requireError("an error of rank 0") {
    try onChief { throw CheckFailure("the disk of rank \(outer) is full") }
  }
  try requireEqual("\(error)", "the disk of rank 0 is full", "the error of rank 0")
  guard size > 1 else { return }
  let model = Model(module: Linear(1), loss: MeanSquaredError(), optimizer: SGD())
  let x = Tensor.ones([8, 3])
  for forbidden: (String, () throws -> Void) in [
    ("allReduce", { _ = try allReduce(x, .max) }), ("broadcast", { _ = try broadcast("text") }),
    ("barrier", { try barrier() }),
    ("allGather", { _ = try model.evaluate(x: x, y: Tensor.ones([8, 1])) }),
  ] {
    let error = try requireError("\(forbidden.0) inside onChief") { try onChief(forbidden.1) }
    try require(
      "\(error)".contains("\(forbidden.0): needs all ranks, but inside onChief { }"), "\(error)")
  }
  // Inside alone it may.
  let logs = try onChief { try alone { try model.evaluate(x: x, y: Tensor.ones([8, 1])) }["loss"] }
  try require(logs?.isFinite == true, "the loss of rank 0 alone: \(String(describing: logs))")
  try agree(on: ["\(String(describing: logs))"], subject: "the loss", communicator: communicator)
}
