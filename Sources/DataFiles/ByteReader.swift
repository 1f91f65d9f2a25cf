import CZlib
import Foundation
import Tensors

/// Reads a file, or a piece of memory, from first byte to last, inflating it on the way when it is
/// compressed.
///
/// Every reader of this folder stands on it. It bounds what can still come (`bound`), so that a
/// format's header is checked against the file before anything is allocated for what it promises.
package final class ByteReader {
  /// The file, for messages.
  package let path: String
  /// What inside the file this is, such as `member 'x.npy'`, for messages; nil for the file.
  package let member: String?
  /// Bytes on the disk or in memory, before inflating.
  package let storedSize: Int
  /// Bytes delivered so far.
  package private(set) var position = 0

  private let source: Source
  private let inflater: Inflater?
  private let isMultiMember: Bool
  private let buffer: OwnedBytes
  private var bufferStart = 0
  private var taken = 0  // stored bytes taken out of the source, those in the buffer included
  private var memberEnded = false
  private var runningChecksum: UInt32?

  private enum Source {
    case file(OpenFile)
    case memory(OwnedBytes, start: Int)
  }

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - inflating: whether a file that begins with gzip's magic bytes is inflated. Its
  ///     name does not matter. False for formats that could begin with these bytes themselves.
  /// - Throws: `EngineError.file` when the file is missing, unreadable or not a regular file.
  package init(path: String, inflating: Bool = true) throws(EngineError) {
    let file = try OpenFile(path: path)
    let buffer = try Self.makeBuffer(path)
    try file.fill(buffer)
    self.path = path
    member = nil
    storedSize = file.size
    source = .file(file)
    self.buffer = buffer
    taken = buffer.count
    isMultiMember = true
    let begins = buffer.withBytes { $0.starts(with: Gzip.magic) }
    inflater = inflating && begins ? try Self.makeInflater(.gzip, path) : nil
  }

  /// Reads `range` of `memory`, which came from the file `path`.
  package init(
    memory: OwnedBytes, range: Range<Int>, deflated: Bool, path: String, member: String
  ) throws(EngineError) {
    guard range.lowerBound >= 0, range.upperBound <= memory.count else {
      fatalError("ByteReader: bytes \(range) asked for, \(memory.count) are there")
    }
    self.path = path
    self.member = member
    storedSize = range.count
    source = .memory(memory, start: range.lowerBound)
    buffer = try Self.makeBuffer(path)
    isMultiMember = false
    inflater = deflated ? try Self.makeInflater(.raw, path) : nil
  }

  /// True when what is read is inflated on the way.
  package var isCompressed: Bool { inflater != nil }

  /// The most bytes that can still come: exact for plain data, an upper bound for compressed data.
  package var bound: Int {
    guard isCompressed else { return max(0, storedSize - position) }
    let (most, overflow) = storedSize.multipliedReportingOverflow(by: Gzip.largestRatio)
    return overflow ? Int.max : max(0, most - position)
  }

  /// An error about this file.
  package func failure(
    _ problem: EngineError.Problem, member: String? = nil, byte: Int? = nil,
    hint: ErrorText? = nil
  ) -> EngineError {
    .file(.init(path, member: self.member ?? member, byte: byte), problem, hint: hint)
  }

  /// Fills `output`, and returns how many bytes it got: fewer than asked for only at the end.
  ///
  /// - Throws: `EngineError.file` when reading fails or compressed data is damaged or cut short.
  package func read(into output: UnsafeMutableRawBufferPointer) throws(EngineError) -> Int {
    var filled = 0
    while filled < output.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: output[filled...])
      let made = try isCompressed ? inflateSome(into: rest) : copySome(into: rest)
      if made == 0 { break }
      if let sum = runningChecksum { runningChecksum = Self.crc32(sum, rest.baseAddress, made) }
      filled += made
      position += made
    }
    return filled
  }

  /// Begins a checksum of everything that is delivered from here on.
  package func startChecksum() { runningChecksum = 0 }

  /// The CRC-32 of what was delivered since `startChecksum`, or nil without it.
  package var checksum: UInt32? { runningChecksum }

  /// Reads exactly `count` bytes of `what`, which the caller has compared with `bound`.
  package func readExactly(
    _ count: Int, into pointer: UnsafeMutableRawPointer, what: @autoclosure () -> String
  ) throws(EngineError) {
    let start = position
    let got = try read(into: UnsafeMutableRawBufferPointer(start: pointer, count: count))
    if got < count {
      throw failure(
        .expectation("\(count) bytes of \(what())", found: "\(got)"), byte: start,
        hint: "the file is cut short")
    }
  }

  /// Reads exactly `count` bytes of `what` into an array, checking `count` against the file first.
  package func readArray(_ count: Int, what: @autoclosure () -> String) throws(EngineError)
    -> [UInt8]
  {
    try require(count, what: what())
    guard let bytes = OwnedBytes(capacity: count) else { throw Self.noMemory(path, count) }
    if let base = bytes.unused.baseAddress { try readExactly(count, into: base, what: what()) }
    bytes.use(count)
    return bytes.withBytes { Array($0) }
  }

  /// Throws unless `count` more bytes of `what` can still come.
  package func require(_ count: Int, what: @autoclosure () -> String) throws(EngineError) {
    if count <= bound { return }
    let found: ErrorText =
      isCompressed ? "at most \(bound) in a compressed file of \(storedSize)" : "\(bound)"
    throw failure(
      .expectation("\(count) bytes of \(what())", found: found), byte: position,
      hint: "the file is cut short or its header is wrong")
  }

  /// Throws unless everything was read; for gzip this is also what checks the last checksum.
  package func expectEnd(after what: @autoclosure () -> String) throws(EngineError) {
    let end = position
    var extra = 0
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { scratch.deallocate() }
    // Counting stops somewhere: inflating gigabytes only to name their number helps nobody.
    while extra < 1 << 24 {
      let got = try read(into: scratch)
      if got == 0 { break }
      extra += got
    }
    if extra > 0 {
      let count = extra < 1 << 24 ? "\(extra)" : "at least \(extra)"
      throw failure(
        .expectation("the end of the file after \(what())", found: "\(count) more bytes"), byte: end
      )
    }
  }

  /// Everything that is left.
  package func readAll() throws(EngineError) -> OwnedBytes {
    // Compressed text seldom shrinks to less than a quarter: most files fit without growing.
    let (guess, overflow) = storedSize.multipliedReportingOverflow(by: 4)
    // Plain data gets a byte more than it needs, so that its end is seen without growing.
    let first =
      isCompressed ? min(bound, max(1 << 16, overflow ? storedSize : guess)) : bound + 1
    guard let bytes = OwnedBytes(capacity: first) else {
      throw Self.noMemory(path, first)
    }
    while true {
      if bytes.unused.isEmpty {
        let (double, overflow) = (bytes.count + (1 << 15)).multipliedReportingOverflow(by: 2)
        guard !overflow, bytes.grow(to: double) else { throw Self.noMemory(path, double) }
      }
      let got = try read(into: bytes.unused)
      if got == 0 { return bytes }
      bytes.use(got)
    }
  }

  // MARK: Stored bytes

  /// Refills the empty buffer; false at the end of the source.
  private func refill() throws(EngineError) -> Bool {
    buffer.clear()
    bufferStart = 0
    switch source {
    case .file(let file): try file.fill(buffer)
    case .memory(let memory, let start):
      let count = min(storedSize - taken, buffer.unused.count)
      memory.withBytes { bytes in
        buffer.unused.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[(start + taken)..<(start + taken + count)]))
      }
      buffer.use(count)
    }
    taken += buffer.count
    return buffer.count > 0
  }

  private func copySome(into output: UnsafeMutableRawBufferPointer) throws(EngineError) -> Int {
    if bufferStart == buffer.count {
      // Large reads of a file go straight to where they belong.
      if case .file(let file) = source, output.count >= Self.bufferSize {
        let got = try file.read(into: output)
        taken += got
        return got
      }
      guard try refill() else { return 0 }
    }
    let count = min(output.count, buffer.count - bufferStart)
    buffer.withBytes { bytes in
      output.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[bufferStart..<(bufferStart + count)]))
    }
    bufferStart += count
    return count
  }

  private func inflateSome(into output: UnsafeMutableRawBufferPointer) throws(EngineError) -> Int {
    guard let inflater else { return 0 }
    while true {
      let isAtEnd = bufferStart == buffer.count ? try !refill() : false
      if memberEnded {
        guard isMultiMember, !isAtEnd else { return 0 }
        // Tapes and some tools pad the last member with zeros.
        let padding = buffer.withBytes { $0[bufferStart...].prefix { $0 == 0 }.count }
        bufferStart += padding
        if bufferStart == buffer.count { continue }
        inflater.reset()
        memberEnded = false
      }
      let step = buffer.withBytes { bytes in
        inflater.step(from: UnsafeRawBufferPointer(rebasing: bytes[bufferStart...]), to: output)
      }
      bufferStart += step.used
      if let problem = step.problem {
        throw failure(
          "the compressed data is damaged at compressed byte \(taken - buffer.count + bufferStart), after \(position + step.made) inflated bytes: \(problem)"
        )
      }
      memberEnded = step.ended
      if step.made > 0 { return step.made }
      if step.used > 0 || step.ended { continue }
      // Only now: without input zlib may still have had output of what it took before.
      throw failure(
        .text(
          isAtEnd
            ? "the compressed data is cut short: it ends at compressed byte \(storedSize), after "
              + "\(position) inflated bytes, before its end mark"
            : "the compressed data is damaged after \(position) inflated bytes"))
    }
  }

  // MARK: Helpers

  private static let bufferSize = 1 << 16

  private static func makeBuffer(_ path: String) throws(EngineError) -> OwnedBytes {
    guard let buffer = OwnedBytes(capacity: bufferSize) else { throw noMemory(path, bufferSize) }
    return buffer
  }

  private static func makeInflater(
    _ format: Inflater.Format, _ path: String
  ) throws(EngineError) -> Inflater {
    guard let inflater = Inflater(format) else { throw noMemory(path, bufferSize) }
    return inflater
  }

  private static func crc32(
    _ sum: UInt32, _ pointer: UnsafeMutableRawPointer?, _ count: Int
  ) -> UInt32 {
    guard let bytes = pointer?.assumingMemoryBound(to: UInt8.self) else { return sum }
    return UInt32(truncatingIfNeeded: crc32_z(UInt(sum), bytes, count))
  }

  private static func noMemory(_ path: String, _ bytes: Int) -> EngineError {
    .file(path: path, message: "no memory for \(bytes) bytes")
  }
}
