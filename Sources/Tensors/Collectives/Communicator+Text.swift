extension Communicator {
  /// The text of every rank, in the order of ranks, on every rank.
  ///
  /// - Throws: what the communicator throws.
  public func allGather(text: String) throws -> [String] {
    try allGather(bytes: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of every rank, as many as it has, in the order of ranks, on every rank.
  package func allGather(bytes: [UInt8]) throws -> [[UInt8]] {
    var lengths = [Int64](repeating: 0, count: size)
    let length = Int64(bytes.count)
    try lengths.withUnsafeMutableBytes { all in
      try withUnsafeBytes(of: length) { one in
        guard let from = one.baseAddress, let into = all.baseAddress else { return }
        try allGather(
          from, counts: [Int](repeating: 1, count: size), dtype: .int64, into: into)
      }
    }
    let counts = lengths.map { Int($0) }
    // One byte at least, so that there is memory to point at when every list is empty.
    var joined = [UInt8](repeating: 0, count: counts.reduce(1, +))
    try joined.withUnsafeMutableBytes { all in
      try (bytes + [0]).withUnsafeBytes { one in
        guard let from = one.baseAddress, let into = all.baseAddress else { return }
        try allGather(from, counts: counts, dtype: .uint8, into: into)
      }
    }
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(joined[start..<(start + count)])
    }
  }

  /// The text of rank `root`, on every rank. Collective; throws as ``Communicator`` says.
  ///
  /// - `text`: read on `root` only.
  /// - Throws: what the communicator throws.
  public func broadcast(text: String, root: Int = 0) throws -> String {
    String(decoding: try broadcast(bytes: Array(text.utf8), root: root), as: UTF8.self)
  }

  /// The bytes of rank `root`, on every rank.
  ///
  /// - `bytes`: read on `root` only.
  package func broadcast(bytes: [UInt8], root: Int) throws -> [UInt8] {
    var bytes = bytes
    var length = Int64(bytes.count)
    try withUnsafeMutableBytes(of: &length) { raw in
      guard let pointer = raw.baseAddress else { return }
      try broadcast(pointer, count: 1, dtype: .int64, root: root)
    }
    if rank != root { bytes = [UInt8](repeating: 0, count: Int(length)) }
    try bytes.withUnsafeMutableBytes { raw in
      // Every rank sees the same length, so all skip an empty list together.
      guard let pointer = raw.baseAddress, length > 0 else { return }
      try broadcast(pointer, count: Int(length), dtype: .uint8, root: root)
    }
    return bytes
  }
}
