import Engine

/// Collectives of groups of ranks.
extension TrainingCheck {
  static let groups: [TrainingCheck] = [
    TrainingCheck(name: "groups-on-values", run: checkValues),
    TrainingCheck(name: "groups-in-jit", run: checkCompiled),
    TrainingCheck(name: "groups-gradients", run: checkGradients),
    TrainingCheck(name: "groups-sequences", run: checkSequences),
    TrainingCheck(name: "groups-of-nodes", run: checkNodes),
    TrainingCheck(name: "groups-on-chief", run: checkOnChief),
    TrainingCheck(name: "groups-in-a-model", run: checkModel),
  ]
}

private var rank: Int { communicator.rank }
private var size: Int { communicator.size }

/// The even ranks and the odd ranks, and those of this rank's group.
private func evenAndOdd() throws -> (group: RankGroup, members: [Int]) {
  let members = (0..<size).filter { $0 % 2 == rank % 2 }
  return (try RankGroup.split(by: 7 * (rank % 2) - 3), members)
}

private func checkValues() throws {
  let (group, members) = try evenAndOdd()
  let (own, last) = (rank / 2, members.count - 1)
  try withRanks(group) { ranks in
    try requireEqual(ranks.rank, own, "the number in the group")
    try requireEqual(ranks.size, members.count, "the size of the group")
    try requireEqual(ranks.isChief, rank < 2, "the first of the group")
    let mine = Tensor([Double(rank), -Double(rank)])
    let sum = Double(members.reduce(0, +))
    try requireEqual(try ranks.allReduce(mine).scalars(as: Double.self), [sum, -sum], "sums")
    try requireEqual(
      try ranks.allReduce(mine, .max).scalars(as: Double.self),
      [Double(members[last]), -Double(members[0])], "the largest")
    try requireEqual(try ranks.broadcast("from \(rank)"), "from \(members[0])", "the first's text")
    try requireEqual(
      try ranks.broadcast([rank], from: last), [members[last]], "a list of the last")
    for root in [-1, members.count] {
      let refused = try requireError("no such rank") {
        _ = try ranks.broadcast(rank, from: root)
      }
      try require("\(refused)".contains("must be a rank below \(members.count)"), "\(refused)")
    }
    try requireEqual(
      try ranks.allGather("rank \(rank)"), members.map { "rank \($0)" }, "texts of the group")
    try requireEqual(
      ranks.crossRankSum(mine).scalars(as: Double.self), [sum, -sum], "a sum within")
    let table = Tensor((0..<10).map(Double.init), shape: [5, 2])
    let rows = Sharding.slice(count: 5, rank: own, size: members.count)
    let part = ranks.reduceScatter(table)
    try requireEqual(part.shape, [rows.count, 2], "the shape of a part")
    try requireEqual(
      part.scalars(as: Int.self),
      (2 * rows.lowerBound..<2 * rows.upperBound).map {
        $0 * members.count
      }, "a part of the sum")
    try ranks.barrier()
  }
}

private func checkCompiled() throws {
  let (group, members) = try evenAndOdd()
  let weight = Double(members.map { $0 + 1 }.reduce(0, +))
  let compiled = jit { (x: Tensor) in
    try withRanks(group) { ranks in
      [
        try ranks.allReduce(x), ranks.crossRankSum(x * 2), try ranks.broadcast(x),
        try ranks.allGather(x)[members.count - 1], try allReduce(x),
      ]
    }
  }
  // The second call runs the plan.
  for _ in 0..<2 {
    let found = try compiled(Tensor([Double(rank + 1), 1])).map { $0.scalars(as: Double.self) }
    let count = Double(members.count)
    try requireEqual(
      found,
      [
        [weight, count], [2 * weight, 2 * count], [Double(members[0] + 1), 1],
        [Double(members[members.count - 1] + 1), 1], [Double(size * (size + 1) / 2), Double(size)],
      ], "what was compiled")
  }
}

/// The loss of a group is the sum of its ranks', each of which weighs what it gets by its number and one.
private func checkGradients() throws {
  let (group, members) = try evenAndOdd()
  let weight = Double(rank + 1)
  let all = Double(members.map { $0 + 1 }.reduce(0, +))
  for isCompiled in [false, true] {
    func gradient(_ f: @escaping (inout Ranks, Tensor) throws -> Tensor) throws -> [Double] {
      let slope = { (x: Tensor) in
        try grad { (x: Tensor) in try withRanks(group) { try f(&$0, x) } }(x)
      }
      let x = Tensor([Double(rank), 2])
      return try (isCompiled ? jit(slope)(x) : slope(x)).scalars(as: Double.self)
    }
    try requireEqual(
      try gradient { sum($0.crossRankSum($1)) * weight }, [all, all], "the gradient of a sum")
    try requireEqual(
      try gradient { sum(try $0.broadcast($1)) * weight }, rank < 2 ? [all, all] : [0, 0],
      "the gradient of a broadcast")
    try requireEqual(
      try gradient { sum(try $0.allGather($1)[0]) * weight }, rank < 2 ? [all, all] : [0, 0],
      "the gradient of a gather")
    let owners = (0..<2).map { i in
      members.indices.first {
        Sharding.slice(count: 2, rank: $0, size: members.count).contains(i)
      } ?? 0
    }
    try requireEqual(
      try gradient { sum($0.reduceScatter($1)) * weight }, owners.map { Double(members[$0] + 1) },
      "the gradient of a scattered sum")
  }
}

/// Groups make different numbers of collectives, and meet all others in between.
private func checkSequences() throws {
  let group = try RankGroup.split(by: rank < 1 ? 0 : 1)
  let other = try RankGroup.split(by: rank % 2)
  for round in 0..<3 {
    try withRanks(group) { ranks in
      for _ in 0..<(rank < 1 ? 3 : 7 * round) { try ranks.barrier() }
      try barrier()
    }
    let count = try withRanks(other) { try $0.allReduce(Tensor([1.0])).item() }
    try requireEqual(Int(count), (size + 1 - rank % 2) / 2, "the ranks of the other group")
    try requireEqual(Int(try allReduce(Tensor([1.0])).item()), size, "all ranks")
  }
  // The same numbers are the same group, whatever it is called.
  let again = try RankGroup.split(by: rank < 1 ? -1 : 3)
  try withRanks(again) { try requireEqual($0.size, rank < 1 ? 1 : size - 1, "the other group") }
  try agree(on: [], communicator: communicator)
}

/// All ranks of these checks are on one node.
private func checkNodes() throws {
  let count = try withRanks(.node) { ranks in
    try requireEqual(ranks.rank, rank, "the number on the node")
    return try ranks.allReduce(Tensor([1.0])).item()
  }
  try requireEqual(Int(count), size, "ranks of the node")
  let leaders = try withRanks(.leaders) { ranks in try ranks.allGather(rank) }
  try requireEqual(leaders, rank == 0 ? [0] : nil, "the first ranks of nodes")
  try withRanks(.all) { try requireEqual($0.size, size, "all ranks") }
  let alone = try alone { try withRanks(.node) { try $0.allGather(rank) } }
  try requireEqual(alone, [0], "the ranks of one that works alone")
}

private func checkOnChief() throws {
  let (group, members) = try evenAndOdd()
  try withRanks(group) { ranks in
    let outer = rank
    let found = try ranks.onChief { "from \(outer)" }
    try requireEqual(found, "from \(members[0])", "the result of the first")
    let error = try requireError("an error of the first") {
      try ranks.onChief { throw CheckFailure("the disk of rank \(outer) is full") }
    }
    try requireEqual("\(error)", "the disk of rank \(members[0]) is full", "the error")
    // What is called for all ranks says so at once, on the first and on those that wait for it.
    guard size > 1, members.count > 1 else { return }
    let refused = try requireError("all ranks inside onChief") {
      try ranks.onChief { try barrier() }
    }
    try require(
      "\(refused)".contains("inside onChief { } only rank \(members[0]) runs"), "\(refused)")
  }
  guard size > 1 else { return }
  let refused = try requireError("a group inside onChief") {
    try onChief { try withRanks(group) { try $0.barrier() } }
  }
  try require("\(refused)".contains("withRanks: needs all ranks"), "\(refused)")
  try withRanks(group) { ranks in
    let refused = try requireError("a group of outside inside onChief") {
      try onChief { try ranks.barrier() }
    }
    try require("\(refused)".contains("barrier: needs all ranks"), "\(refused)")
  }
}

/// A module that takes a mean over the samples of the ranks of the node, which are all of them, in shares of other sizes.
private func checkModel() throws {
  final class Centred: Module {
    func call(_ x: Tensor) -> Tensor {
      let hidden = Linear(2, useBias: false)(x)
      let count = Tensor(Double(x.shape[0]), dtype: x.dtype)
      let centre = try? withRanks(.node) { ranks in
        ranks.crossRankSum(sum(hidden, axis: 0)) / ranks.crossRankSum(count)
      }
      return Linear(1)(tanh(hidden - (centre ?? Tensor(Double.nan, dtype: x.dtype))))
    }
  }
  let x = randomNormal([11, 3], key: RandomKey(seed: 3))
  func train() throws -> Model {
    let model = Model(
      module: Centred(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1), seed: 3)
    try model.fit(
      x: x, y: sum(x, axis: 1, keepDims: true), batchSize: 4, epochs: 2, verbose: .silent)
    return model
  }
  let expected = try alone { try train() }
  let model = try weightedBySamples { try train() }
  try requireSameWeights(model, expected, tolerance: 1e-5)
  try requireSameOnAllRanks(model)
}
