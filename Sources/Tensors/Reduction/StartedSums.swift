/// Gradients whose sums over ranks have been started in a trace.
package struct StartedSums {
  struct Message {
    let bucket: GradientBucket
    /// The numbers of its gradients.
    let members: [Int]
    let tensors: [Tensor]
  }

  /// The sums of the votes.
  package let votes: [Tensor]
  private let messages: [Message]
  private let rows: [StartedRows]
  private var known: [Tensor]

  /// Waits for the last message where there are votes, which are its last tensors.
  init(_ messages: [Message], _ rows: [StartedRows], _ tensors: [Tensor], votes: Int) {
    self.rows = rows
    self.messages = votes == 0 ? messages : messages.dropLast()
    known = tensors
    if votes > 0, let last = messages.last { Self.wait(last, &known) }
    self.votes = known.suffix(votes)
    known.removeLast(votes)
  }

  /// Which gradients come together: the numbers of those of each message.
  package var groups: [[Int]] {
    let waited = Set(messages.flatMap(\.members))
    let rest = known.indices.filter { !waited.contains($0) }
    return messages.map(\.members) + (rest.isEmpty ? [] : [rest])
  }

  /// The sums of the gradients, for which a plan waits one message after the other, each when its first sum is read.
  package func sums() -> [Tensor] {
    var sums = known
    for started in rows { sums[started.member] = started.sum() }
    for message in messages { Self.wait(message, &sums) }
    return sums
  }

  private static func wait(_ message: Message, _ sums: inout [Tensor]) {
    let results = apply(AllReduceWait(bucket: message.bucket), message.tensors)
    for (member, result) in zip(message.members, results) { sums[member] = result }
  }
}
