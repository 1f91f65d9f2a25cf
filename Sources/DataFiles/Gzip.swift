import CZlib
import Tensors

/// A streaming decoder of DEFLATE data (RFC 1951), alone or inside gzip members (RFC 1952).
///
/// It never allocates for its output: the caller gives memory, so a header that lies about sizes
/// cannot make it grow.
package final class Inflater {
  /// What surrounds the compressed data.
  package enum Format: Sendable {
    /// Members of a gzip file: headers, data, checksum.
    case gzip
    /// Bare DEFLATE data, as zip archives hold it.
    case raw
  }

  /// What one call did.
  package struct Progress {
    /// Bytes taken from the input.
    package var used: Int
    /// Bytes written to the output.
    package var made: Int
    /// True when the member (or the raw stream) is complete, its checksum included.
    package var ended: Bool
    /// What zlib says is wrong with the data, or nil.
    package var problem: String?
  }

  // zlib remembers the address of its z_stream and refuses one that moved, so it is allocated.
  private let stream: UnsafeMutablePointer<z_stream>

  /// A decoder at the start of a stream; nil when zlib has no memory.
  package init?(_ format: Format) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15: the largest window; 16 more: a gzip header is wanted; negative: no header.
    let windowBits: Int32 = format == .gzip ? 15 + 16 : -15
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, windowBits, ZLIB_VERSION, size) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Makes the decoder ready for the next member.
  package func reset() { inflateReset(stream) }

  /// Decodes as much as the input gives or the output holds.
  package func step(
    from input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
  ) -> Progress {
    let most = Int(UInt32.max)  // zlib counts in 32 bits
    let given = min(input.count, most)
    let room = min(output.count, most)
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(given)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(room)
    let status = inflate(stream, Z_NO_FLUSH)
    var step = Progress(
      used: given - Int(stream.pointee.avail_in), made: room - Int(stream.pointee.avail_out),
      ended: status == Z_STREAM_END)
    // Z_BUF_ERROR only says that there was nothing to do: the caller refills and calls again.
    if status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR {
      step.problem = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)"
    }
    return step
  }
}

/// Facts of the gzip and DEFLATE formats that readers share.
package enum Gzip {
  /// The two bytes with which every gzip member begins.
  package static let magic: [UInt8] = [0x1F, 0x8B]

  /// DEFLATE cannot pack more than this many bytes into one: a match of 258 bytes takes two bits.
  /// A header that promises more than this times the stored size is wrong.
  package static let largestRatio = 1032
}
