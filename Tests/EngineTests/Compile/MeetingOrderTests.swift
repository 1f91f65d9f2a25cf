import Engine
import TestSupport
import Testing

@Suite("The order in which ranks meet") struct MeetingOrderTests {
  private let ranks = EqualRanks(size: 2)

  /// Two sums, each of an operation of its own, and buckets of gradients.
  private func graph() throws -> Graph {
    try Trace.record([TensorSpec([4], .float32)]) { inputs in
      let x = inputs[0]
      let first = crossRankSum(exp(x), over: ranks)
      let second = crossRankSum(sin(x), over: ranks)
      let sums = try BucketedAllReduce(limits: BucketLimits(bytes: 0)).sums(
        of: [cos(x), first * second], over: ranks)
      return [first + second] + sums
    }
  }

  private func meetings(_ nodes: [Node]) -> [AnyHashable] {
    nodes.filter(Schedule.isMeeting).map { AnyHashable($0.primitive) }
  }

  @Test("is that of the trace, with buckets as soon as their gradients are there")
  func trace() throws {
    let graph = try graph()
    let order = Schedule.order(graph.nodes, meetings: Schedule.meetings(in: graph.nodes))
    #expect(
      order.filter(Schedule.isMeeting).map(\.primitive.name)
        == ["crossRankSum", "crossRankSum", "allReduceStart", "allReduceStart"])
    #expect(order.map(\.id).sorted() == graph.nodes.map(\.id).sorted())
  }

  @Test("can be another one, and operations come early enough for it")
  func given() throws {
    let graph = try graph()
    let own = Schedule.meetings(in: graph.nodes)
    // The second sum, the bucket of the cosine, the first sum, the other bucket.
    let other = [own[1], own[2], own[0], own[3]]
    let order = Schedule.order(graph.nodes, meetings: other)
    #expect(meetings(order) == other)
    #expect(order.map(\.id).sorted() == graph.nodes.map(\.id).sorted())
    var seen: Set<Int> = []
    for node in order {
      for input in node.inputs.compactMap(\.node)
      where graph.nodes.contains(where: { $0 === input }) {
        #expect(seen.contains(input.id), "\(node.primitive.name) comes before its input")
      }
      seen.insert(node.id)
    }
  }

  /// Two buckets of gradients and votes, an operation that needs none of their sums, and one that needs each.
  private func step() throws -> Graph {
    try Trace.record([TensorSpec([4], .float32)]) { inputs in
      let x = inputs[0]
      let started = BucketedAllReduce(limits: BucketLimits(bytes: 0)).start(
        [cos(x), sin(x)], votes: [sum(x)], over: ranks)
      let sums = started.sums()
      return [square(sums[1]), exp(sums[0]), tanh(x), started.votes[0] + 1]
    }
  }

  @Test("Votes are waited for first, and each bucket when its sums are used, after all else")
  func waits() throws {
    let graph = try step()
    let order = Schedule.order(graph.nodes, meetings: Schedule.meetings(in: graph.nodes))
    #expect(
      order.map(\.primitive.name) == [
        "cos", "allReduceStart", "sin", "allReduceStart", "sum", "allReduceStart", "tanh",
        "allReduceWait",
        "allReduceWait", "square", "allReduceWait", "exp", "add",
      ])
    #expect(order.map(\.id).sorted() == graph.nodes.map(\.id).sorted())
    let plan = try Plan(graph)
    let x = Tensor([1.0, 2, 3, 4], dtype: .float32)
    let results = try plan([x])
    expectClose(results[0], square(2 * sin(x)).scalars(as: Double.self))
    expectClose(results[1], exp(2 * cos(x)).scalars(as: Double.self))
    expectClose(results[3], [21])
  }

  @Test("One bucket holds gradients and votes")
  func oneMessage() throws {
    let graph = try Trace.record([TensorSpec([4], .float32)]) { inputs in
      let started = BucketedAllReduce().start(
        [cos(inputs[0]), sin(inputs[0])], votes: [sum(inputs[0])], over: ranks)
      #expect(started.groups == [[0, 1]])
      return started.sums() + started.votes
    }
    #expect(graph.nodes.filter { $0.primitive.name == "allReduceStart" }.count == 1)
  }

  @Test("What nobody reads, and what is computed of constants, is sent in a plan")
  func unread() throws {
    let graph = try Trace.record([TensorSpec([2], .float32)]) { inputs in
      _ = crossRankSum(inputs[0] * 2, over: ranks)
      return [crossRankSum(Tensor([1.0, 2]), over: ranks)]
    }
    let plan = try Plan(graph)
    #expect(plan.instructions.filter { $0.primitive.name == "crossRankSum" }.count == 2)
    expectClose(try plan([Tensor([3.0, 4], dtype: .float32)])[0], [2, 4])
  }

  @Test("The gradient of a sum over ranks is the sum over ranks of what arrives")
  func gradient() throws {
    let slope = grad { (x: Tensor) in sum(square(crossRankSum(x, over: ranks))) }
    // On both ranks 2 · (2x), added up.
    expectClose(try slope(Tensor([1.0, 3])), [8, 24])
    expectClose(try jit { try slope($0) }(Tensor([1.0, 3])), [8, 24])
    let sums = vmap { (x: Tensor) in crossRankSum(x, over: ranks) }
    expectClose(try sums(Tensor([[1.0], [3]])), [2, 6])
    #expect(throws: EngineError.self) {
      try withErrors { crossRankSum(Tensor([1.0]) .> 0, over: ranks) }
    }
  }
}
