/// Replays a step as a rank among many equal ones has it: no rank waits for another longer than for its message.
///
/// A message goes on only when MPI is called, between kernels and in waits (`Plan.run`). Each of its hops is sent when the one before has come and
/// the rank has noticed; a node's link sends one after the other. The thread that computes is also the one that copies into sockets and adds up, so a message
/// costs kernels time even where nobody waits for it.
package struct StepSimulator: Sendable {
  /// When messages go on.
  package enum Progress: Sendable {
    /// When a kernel ends, and in waits.
    case betweenKernels
    /// By themselves, as with a thread for them or a network that adds up.
    case always
  }

  /// A step.
  package struct Outcome: Sendable, Equatable {
    /// Seconds.
    package var step = 0.0
    /// Seconds of kernels.
    package var compute = 0.0
    /// Seconds in waits.
    package var waiting = 0.0
    /// When each message started and was over, seconds from the beginning of the step.
    package var messages: [Range<Double>] = []
    /// Hops of all messages.
    package var hops = 0
    /// Bytes that a rank has sent to other nodes.
    package var networkBytes = 0.0

    /// Seconds that the step is longer than its kernels.
    package var exposed: Double { step - compute }
  }

  package var costs: ClusterCosts
  package var layout: RankLayout
  package var way = SumWay.messages
  package var progress = Progress.betweenKernels

  package init(
    _ costs: ClusterCosts, _ layout: RankLayout, way: SumWay = .messages,
    progress: Progress = .betweenKernels
  ) {
    (self.costs, self.layout, self.way, self.progress) = (costs, layout, way, progress)
  }

  /// The time of a step.
  package func run(_ work: StepWork) -> Outcome {
    var run = Replay(self, work)
    for event in work.events { run.take(event) }
    return run.outcome
  }
}

/// The state of a replay.
private struct Replay {
  /// A message under way.
  private struct Pending {
    let number: Int
    let hops: [Hop]
    var hop = 0
    /// When the hop that is under way has come.
    var arrival = 0.0
  }

  private let costs: ClusterCosts
  private let rounds: SumRounds
  private let progress: StepSimulator.Progress
  private let messages: [StepWork.Message]
  private var time = 0.0
  private var linkFree = 0.0
  private var pending: [Pending] = []
  private(set) var outcome = StepSimulator.Outcome()

  init(_ simulator: StepSimulator, _ work: StepWork) {
    costs = simulator.costs
    rounds = SumRounds(simulator.layout, simulator.way, simulator.costs)
    progress = simulator.progress
    messages = work.messages
    outcome.messages = [Range<Double>](repeating: 0..<0, count: work.messages.count)
  }

  mutating func take(_ event: StepWork.Event) {
    switch event {
    case .compute(let seconds):
      outcome.compute += seconds
      compute(seconds)
    case .start(let number): start(number)
    case .wait(let number): wait(for: number)
    }
    poll()
    outcome.step = time
  }

  private mutating func compute(_ seconds: Double) {
    var end = time + seconds
    while progress == .always, let arrival = pending.map(\.arrival).min(), arrival <= end {
      time = max(time, arrival)
      let before = time
      poll()
      end += time - before
    }
    time = end
  }

  private mutating func start(_ number: Int) {
    let message = messages[number]
    let hops = rounds.hops(of: message)
    outcome.messages[number] = time..<time
    guard !hops.isEmpty else { return }
    outcome.hops += hops.count
    var new = Pending(number: number, hops: hops)
    send(&new)
    pending.append(new)
    if rounds.isBlocking(message) { wait(for: number) }
  }

  private mutating func wait(for number: Int) {
    let begin = time
    poll()
    while pending.contains(where: { $0.number == number }) {
      time = max(time, pending.map(\.arrival).min() ?? time)
      poll()
    }
    outcome.waiting += time - begin
  }

  /// What a call of MPI does: takes what has come, and sends what comes after it.
  private mutating func poll() {
    let begun = pending
    pending.removeAll(keepingCapacity: true)
    for var message in begun {
      if message.arrival <= time { receive(&message) }
      if message.hop < message.hops.count {
        pending.append(message)
      } else {
        let start = outcome.messages[message.number].lowerBound
        outcome.messages[message.number] = start..<time
      }
    }
  }

  private mutating func receive(_ message: inout Pending) {
    time += message.hops[message.hop].addedBytes / costs.reduction
    message.hop += 1
    if message.hop < message.hops.count { send(&message) }
  }

  /// Hands a hop to its link. Copying it goes on beside the transfer.
  private mutating func send(_ message: inout Pending) {
    let hop = message.hops[message.hop]
    switch hop.way {
    case .memory:
      time += costs.memoryLatency + hop.bytes / costs.memoryBandwidth
      message.arrival = time
    case .node:
      let transfer = hop.bytes / costs.nodeBandwidth
      // The ranks copy it themselves.
      time += transfer
      message.arrival = time + costs.nodeLatency
    case .network:
      outcome.networkBytes += hop.bytes
      linkFree = max(linkFree, time) + hop.bytes * Double(hop.senders) / costs.bandwidth
      time += hop.bytes / costs.copying
      message.arrival = max(linkFree, time) + (hop.hasLatency ? costs.latency : 0)
    }
  }
}
