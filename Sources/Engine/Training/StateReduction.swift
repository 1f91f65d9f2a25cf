import Tensors

/// Combines state variables over ranks, all of them in packed messages: one for each way of combining, and for each of
/// float64 and int64.
enum StateReduction {
  /// The combined values, without changing the variables: reading twice gives the same.
  ///
  /// Whole numbers are combined as int64, without rounding.
  ///
  /// - Parameters:
  ///   - variables: the states, in the same order on every rank.
  ///   - communicator: the ranks.
  ///   - weight: how much this rank's values count in a mean; where it is 0 on all ranks they count alike.
  ///   - starts: values from which all ranks went on, by variable: of a sum, they count once.
  /// - Returns: each variable with the value of all ranks.
  /// - Throws: ``EngineError/data(message:)``, on every rank, for a sum that an integer variable does not hold.
  static func combined(
    _ variables: [Variable], _ communicator: any Communicator, weight: Int = 1,
    from starts: [ObjectIdentifier: Tensor] = [:]
  ) throws -> [(Variable, Tensor)] {
    guard communicator.size > 1 else { return variables.map { ($0, $0.stored) } }
    var values: [ObjectIdentifier: Tensor] = [:]
    var share = Share(weight: Int64(weight), total: Int64(weight), starts: starts)
    if variables.contains(where: { $0.combine == .mean }) {
      try communicator.allReduce(&share.total, count: 1, dtype: .int64, operation: .sum)
      if share.total == 0 {
        share = Share(weight: 1, total: Int64(communicator.size), starts: starts)
      }
    }
    for (operation, kinds) in groups {
      let members = variables.filter { kinds.contains($0.combine) }
      let floating = members.filter(\.dtype.isFloating)
      for (variable, value) in try reduced(floating, operation, share, communicator) {
        values[ObjectIdentifier(variable)] = value
      }
      let whole = members.filter { !$0.dtype.isFloating }
      for (variable, value) in try reducedWhole(whole, operation, share, communicator) {
        values[ObjectIdentifier(variable)] = value
      }
    }
    return variables.map { ($0, values[ObjectIdentifier($0)] ?? $0.stored) }
  }

  private static let groups: [(ReduceOperation, Set<Combine>)] = [
    (.sum, [.sum, .mean, .first]), (.min, [.min]), (.max, [.max]),
  ]

  private static func reduced(
    _ variables: [Variable], _ operation: ReduceOperation, _ share: Share,
    _ communicator: any Communicator
  ) throws -> [(Variable, Tensor)] {
    var packed = own(variables, as: Double.self, share, communicator)
    try reduce(&packed, operation, communicator)
    var position = 0
    return variables.map { variable in
      let size = variable.shape.elementCount
      var own = Array(packed[position..<position + size])
      position += size
      if variable.combine == .mean { own = own.map { $0 / Double(share.total) } }
      return (variable, Tensor(own, shape: variable.shape, dtype: variable.dtype))
    }
  }

  private static func reducedWhole(
    _ variables: [Variable], _ operation: ReduceOperation, _ share: Share,
    _ communicator: any Communicator
  ) throws -> [(Variable, Tensor)] {
    var low = own(variables, as: Int64.self, share, communicator)
    var high: [Int64] = []
    if operation == .sum {
      // The two halves of each number apart: their sums do not overflow.
      high = low.map { $0 >> 32 }
      low = low.map { $0 & 0xFFFF_FFFF }
    }
    let count = low.count
    var packed = low + high
    try reduce(&packed, operation, communicator)
    var position = 0
    return try variables.map { variable in
      let places = position..<position + variable.shape.elementCount
      position = places.upperBound
      let numbers = try places.map { place in
        guard operation == .sum else { return packed[place] }
        let total = Int128(packed[count + place]) << 32 + Int128(packed[place])
        let value = variable.combine == .mean ? total / Int128(share.total) : total
        guard let whole = Int64(exactly: value) else { throw overflow(variable, value) }
        return whole
      }
      if let value = numbers.first(where: { !variable.dtype.integerRange.contains($0) }) {
        throw overflow(variable, Int128(value))
      }
      return (variable, Tensor(numbers, shape: variable.shape, dtype: variable.dtype))
    }
  }

  /// How much this rank counts in a mean, and all of them together; where sums began.
  private struct Share {
    var weight: Int64
    var total: Int64
    let starts: [ObjectIdentifier: Tensor]
  }

  /// This rank's values one after the other, as often as they count; zeros where only rank 0 does.
  private static func own<S: TensorScalar & Numeric>(
    _ variables: [Variable], as type: S.Type, _ share: Share, _ communicator: any Communicator
  ) -> [S] {
    variables.flatMap { variable in
      let weight: Int64 =
        switch variable.combine {
        case .first: communicator.rank == 0 ? 1 : 0
        case .mean: share.weight
        case .sum, .min, .max: 1
        }
      // What does not count does not, even if it is NaN.
      if weight == 0 { return [S](repeating: 0, count: variable.shape.elementCount) }
      let values = variable.stored.scalars(as: S.self)
      if variable.combine == .sum {
        guard communicator.rank > 0, let start = share.starts[ObjectIdentifier(variable)] else {
          return values
        }
        return zip(values, start.scalars(as: S.self)).map(-)
      }
      return values.map { $0 * (S(exactly: weight) ?? 0) }
    }
  }

  private static func reduce<S: TensorScalar>(
    _ packed: inout [S], _ operation: ReduceOperation, _ communicator: any Communicator
  ) throws {
    guard !packed.isEmpty else { return }
    let count = packed.count
    try packed.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      try communicator.allReduce(start, count: count, dtype: S.dtype, operation: operation)
    }
  }

  private static func overflow(_ variable: Variable, _ value: Int128) -> EngineError {
    .data(
      message: "the sum over ranks of \(variable.path), \(value), does not fit its type "
        + "\(variable.dtype): make it a wider one")
  }
}
