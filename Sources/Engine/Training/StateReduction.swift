/// Combines state variables over ranks, all of them in one packed message for each way of combining.
enum StateReduction {
  /// The combined values, without changing the variables: reading twice gives the same.
  static func combined(
    _ variables: [Variable], _ communicator: any Communicator
  ) throws -> [(Variable, Tensor)] {
    guard communicator.size > 1 else { return variables.map { ($0, $0.stored) } }
    var values: [ObjectIdentifier: Tensor] = [:]
    for (operation, kinds) in groups {
      let members = variables.filter { kinds.contains($0.combine) }
      guard !members.isEmpty else { continue }
      var packed = members.flatMap { variable in
        let isSilent = variable.combine == .first && communicator.rank != 0
        let own = variable.stored.scalars(as: Double.self)
        return isSilent ? [Double](repeating: 0, count: own.count) : own
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
        if variable.combine == .mean { own = own.map { $0 / Double(communicator.size) } }
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
