extension BucketedAllReduce {
  /// Whether the hook encodes a gradient on its way between these ranks: the same on all of them.
  package func encodes(_ gradient: TensorSpec, over communicator: any Communicator) -> Bool {
    hook != nil && gradient.dtype == .float32
      && gradient.shape.elementCount >= BucketExchange.least && !communicator.reachesMemory
  }

  /// The gradients of a bucket in the order in which they lie, those that are encoded first, and what encodes them.
  func arranged(
    _ members: [Int], of gradients: [Tensor], over communicator: any Communicator
  ) -> ([Int], (any GradientHook)?) {
    let encoded = members.filter { encodes(gradients[$0].spec, over: communicator) }
    guard !encoded.isEmpty else { return (members, nil) }
    return (encoded + members.filter { !encoded.contains($0) }, hook)
  }
}

extension Communicator {
  /// Whether ranks reach each other's memory.
  fileprivate var reachesMemory: Bool {
    (self as? any SharingCommunicator)?.sharesMemory ?? false
  }
}

extension GradientHook {
  /// The sum of one tensor over ranks, at once.
  func sum(_ gradient: Tensor, over communicator: any Communicator) throws -> Tensor {
    try Tensor(shape: gradient.shape, dtype: .float32) { pointer in
      gradient.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          pointer.copyMemory(from: source, byteCount: bytes.count)
        }
      }
      let numbers = UnsafeMutableBufferPointer(
        start: pointer.assumingMemoryBound(to: Float.self), count: gradient.elementCount)
      try HookedSum(numbers, self, over: communicator).run()
    }
  }
}

extension BucketExchange {
  /// The exchange of a bucket whose tensors lie one after the other, the long ones first; the last is the seal.
  convenience init(
    _ tensors: [Operand], _ hook: any GradientHook, over communicator: any Communicator
  ) {
    let numbers = tensors.map {
      UnsafeMutableBufferPointer(start: $0.pointer(as: Float.self), count: $0.elementCount)
    }
    let plain = numbers.firstIndex { $0.count < Self.least } ?? numbers.count
    // With the gaps between them.
    var rest = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    if plain < numbers.count, let first = numbers[plain].baseAddress,
      let last = numbers[numbers.count - 1].baseAddress
    {
      rest = UnsafeMutableBufferPointer(
        start: first, count: last - first + numbers[numbers.count - 1].count)
    }
    self.init(Array(numbers[..<plain]), plain: rest, hook, over: communicator)
  }

  /// Throws, on all ranks, where a number was too large for the hook on one of them.
  ///
  /// - `members`: the numbers that the watch has for the bucket's gradients; empty for one that has none.
  func checkRange(_ watch: GradientWatch?, _ members: [Int]) throws {
    guard overflows > 0 else { return }
    if let watch, watch.looks {
      if let overflow {
        let name =
          members.isEmpty ? "a gradient" : "the gradient of \(watch.name(members[overflow.member]))"
        watch.note(name, is: "\(overflow.value), too large for \(hookName)", isLoss: false)
      }
      throw NotFinite()
    }
    throw EngineError.distribution(
      message:
        "a gradient is too large for \(hookName), in which gradients travel between ranks: use bfloat16, which has the range of float32, or a smaller loss"
    )
  }
}

/// The sum over ranks of an array, again and again, as a bucket of gradients is summed.
package final class HookedSum {
  private let exchange: BucketExchange
  private let communicator: any Communicator

  /// - Parameters:
  ///   - numbers: are replaced by their sums.
  ///   - hook: encodes them.
  ///   - communicator: the ranks.
  package init(
    _ numbers: UnsafeMutableBufferPointer<Float>, _ hook: any GradientHook,
    over communicator: any Communicator
  ) {
    self.communicator = communicator
    exchange = BucketExchange(
      [numbers], plain: UnsafeMutableBufferPointer(start: nil, count: 0), hook, over: communicator)
  }

  /// Starts, and waits.
  package func run() throws {
    let token = try exchange.start()
    if token >= 0 { try communicator.wait(token) }
    try exchange.checkRange(GradientWatch.current, [])
  }
}
