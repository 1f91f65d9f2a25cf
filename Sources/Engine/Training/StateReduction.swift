/// Combines state variables over ranks, all of them in one packed message for each way of combining.
enum StateReduction {
  /// The combined values, without changing the variables: reading twice gives the same.
  ///
  /// - Parameter weight: how much this rank's values count in a mean; where it is 0 on all ranks they count alike.
  static func combined(
    _ variables: [Variable], _ communicator: any Communicator, weight: Int = 1
  ) throws -> [(Variable, Tensor)] {
    guard communicator.size > 1 else { return variables.map { ($0, $0.stored) } }
    var values: [ObjectIdentifier: Tensor] = [:]
    var (weight, total) = (Double(weight), Double(weight))
    if variables.contains(where: { $0.combine == .mean }) {
      try communicator.allReduce(&total, count: 1, dtype: .float64, operation: .sum)
      if total == 0 { (weight, total) = (1, Double(communicator.size)) }
    }
    for (operation, kinds) in groups {
      let members = variables.filter { kinds.contains($0.combine) }
      guard !members.isEmpty else { continue }
      var packed = members.flatMap { variable in
        let own = variable.stored.scalars(as: Double.self)
        let share: Double =
          switch variable.combine {
          case .first: communicator.rank == 0 ? 1 : 0
          case .mean: weight
          default: 1
          }
        // What does not count does not, even if it is NaN.
        return share == 0 ? [Double](repeating: 0, count: own.count) : own.map { $0 * share }
      }
      let count = packed.count
      try packed.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        try communicator.allReduce(start, count: count, dtype: .float64, operation: operation)
      }
      var position = 0
      for variable in members {
        let size = variable.shape.elementCount
        var own = Array(packed[position..<position + size])
        position += size
        if variable.combine == .mean { own = own.map { $0 / total } }
        values[ObjectIdentifier(variable)] = Tensor(
          own, shape: variable.shape, dtype: variable.dtype)
      }
    }
    return variables.map { ($0, values[ObjectIdentifier($0)] ?? $0.stored) }
  }

  private static let groups: [(ReduceOperation, Set<Combine>)] = [
    (.sum, [.sum, .mean, .first]), (.min, [.min]), (.max, [.max]),
  ]
}
