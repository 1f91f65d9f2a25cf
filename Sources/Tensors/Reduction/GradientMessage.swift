/// What a step sends of some gradients, for a person.
package struct GradientMessage {
  /// Which gradients, and in what form.
  package let text: String
  /// Bytes of what is sent as it lies in memory.
  package let byteCount: Int
  /// Bytes that each rank sends, without what MPI adds; where ranks reach each other's memory, that it reads and writes there.
  package let sentByteCount: Int
  /// Whether each rank's goes to all others, in the place of a sum.
  package let isGathered: Bool
}

/// What an instruction does with a message of gradients.
package enum MessageEvent: Sendable, Equatable {
  /// Starts it; its number in ``Plan/gradientMessages``.
  case start(Int)
  /// Waits for it.
  case wait(Int)
}

extension Plan {
  /// What each run sends of gradients, in the order in which the messages start.
  package var gradientMessages: [GradientMessage] {
    instructions.compactMap { instruction in
      switch instruction.primitive {
      case let start as AllReduceStart: start.bucket.message(instruction.inputs)
      case let start as GatherRowsStart: start.gathering.message(instruction.inputs)
      default: nil
      }
    }
  }

  /// What each instruction does with a message; nil for most.
  package var messageEvents: [MessageEvent?] {
    var numbers: [ObjectIdentifier: Int] = [:]
    return instructions.map { instruction in
      switch instruction.primitive {
      case let start as AllReduceStart: .start(number(of: start.bucket, in: &numbers))
      case let start as GatherRowsStart: .start(number(of: start.gathering, in: &numbers))
      case let wait as AllReduceWait: .wait(number(of: wait.bucket, in: &numbers))
      case let wait as GatherRowsWait: .wait(number(of: wait.gathering, in: &numbers))
      default: nil
      }
    }
  }

  private func number(of message: AnyObject, in numbers: inout [ObjectIdentifier: Int]) -> Int {
    let id = ObjectIdentifier(message)
    if let known = numbers[id] { return known }
    numbers[id] = numbers.count
    return numbers.count - 1
  }
}

extension Reference {
  fileprivate var count: Int { layout.shape.elementCount }
  fileprivate var byteCount: Int { count * dtype.size }
}

extension GradientBucket {
  fileprivate func message(_ inputs: [Reference]) -> GradientMessage {
    let size = communicator.size
    let bytes = inputs.reduce(0) { $0 + $1.byteCount }
    guard let hook else {
      // Reduce-scatter and all-gather, as MPI is asked for.
      return GradientMessage(
        text: label.text, byteCount: bytes, sentByteCount: 2 * (size - 1) * bytes / size,
        isGathered: false)
    }
    let encoded = inputs.filter { $0.count >= BucketExchange.least }.reduce(0) { $0 + $1.count }
    let sent = BucketExchange.bytes(of: encoded, hook).sent(size)
    return GradientMessage(
      text: "\(label.text) as \(hook.name)", byteCount: bytes,
      sentByteCount: sent + (size - 1) * (bytes - 4 * encoded),
      isGathered: false)
  }
}

extension RowGathering {
  fileprivate func message(_ inputs: [Reference]) -> GradientMessage {
    let bytes = inputs.reduce(0) { $0 + $1.byteCount } / communicator.size
    return GradientMessage(
      text: label.text, byteCount: bytes, sentByteCount: (communicator.size - 1) * bytes,
      isGathered: true)
  }
}
