import Foundation

/// Bytes from the process beside a rank to the launcher, through the stream of errors that mpirun or srun carries anyway.
///
/// Each frame is one line of 512 bytes: a mark, the secret of the run, the kind, the rank, and the rest in base 64. mpirun reads at most 4096
/// bytes at a time and puts those of one rank after those of another, srun passes lines of up to 1024: neither cuts a frame. A line
/// without the secret is what it looks like, the output of a program.
package struct RankFrame: Equatable, Sendable {
  package enum Kind: Character, Sendable {
    /// Standard output of the rank.
    case output = "o"
    /// Its standard error.
    case errors = "e"
    /// A ``RankMessage`` as JSON.
    case message = "m"
    /// The beginning of a message that goes on in the next frame of the rank.
    case part = "p"
  }

  package var rank: Int
  package var kind: Kind
  package var payload: [UInt8]

  /// Bytes of a frame.
  package static let length = 512
  /// Bytes of a payload.
  package static let capacity = 339

  private static let mark = UInt8(1)

  /// Frames for `bytes`, one after the other.
  package static func encode(_ bytes: [UInt8], kind: Kind, rank: Int, secret: String) -> [UInt8] {
    var frames: [UInt8] = []
    var start = 0
    repeat {
      let end = min(start + capacity, bytes.count)
      let isLast = end == bytes.count
      let kind = kind == .message && !isLast ? .part : kind
      var frame = [mark]
      frame += "\(secret) \(kind.rawValue) \(rank) ".utf8
      frame += Array(Data(bytes[start..<end]).base64EncodedString().utf8)
      frame += Array(repeating: UInt8(ascii: " "), count: max(0, length - 1 - frame.count))
      frame.append(UInt8(ascii: "\n"))
      frames += frame
      start = end
    } while start < bytes.count
    return frames
  }

  /// A message in frames.
  package static func encode(_ message: RankMessage, rank: Int, secret: String) -> [UInt8] {
    guard let data = try? JSONEncoder().encode(message) else { return [] }
    return encode(Array(data), kind: .message, rank: rank, secret: secret)
  }

  /// The frame in a line, without its line break; nil when it is none of this run.
  package init?(line: some Collection<UInt8>, secret: String) {
    guard line.count == Self.length - 1, line.first == Self.mark else { return nil }
    let words = line.dropFirst().split(separator: UInt8(ascii: " "))
    guard words.count == 3 || words.count == 4, words[0].elementsEqual(secret.utf8) else {
      return nil
    }
    guard let kind = String(decoding: words[1], as: UTF8.self).first.flatMap(Kind.init),
      let rank = Int(String(decoding: words[2], as: UTF8.self)),
      let data = words.count == 4 ? Data(base64Encoded: Data(words[3])) : Data()
    else { return nil }
    (self.rank, self.kind, payload) = (rank, kind, Array(data))
  }
}

/// Takes the frames of a run out of a stream of bytes.
package struct RankFrameReader {
  private let secret: String
  private var line: [UInt8] = []
  private var parts: [Int: [UInt8]] = [:]

  /// What was in the stream.
  package enum Item: Equatable, Sendable {
    case output(rank: Int, [UInt8])
    case errors(rank: Int, [UInt8])
    case message(rank: Int, RankMessage)
    /// A line of something else, with its line break.
    case other([UInt8])
  }

  package init(secret: String) { self.secret = secret }

  /// Takes bytes, and gives what is complete with them.
  package mutating func add(_ bytes: some Sequence<UInt8>) -> [Item] {
    var items: [Item] = []
    for byte in bytes {
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      items += [item()].compactMap { $0 }
      line.removeAll(keepingCapacity: true)
    }
    return items
  }

  /// What is left at the end: a line without its break.
  package mutating func finish() -> [UInt8] {
    defer { line = [] }
    return line
  }

  private mutating func item() -> Item? {
    guard let frame = RankFrame(line: line, secret: secret) else {
      return .other(line + [UInt8(ascii: "\n")])
    }
    switch frame.kind {
    case .output: return .output(rank: frame.rank, frame.payload)
    case .errors: return .errors(rank: frame.rank, frame.payload)
    case .part:
      parts[frame.rank, default: []] += frame.payload
      return nil
    case .message:
      let bytes = (parts.removeValue(forKey: frame.rank) ?? []) + frame.payload
      return (try? JSONDecoder().decode(RankMessage.self, from: Data(bytes))).map {
        .message(rank: frame.rank, $0)
      }
    }
  }
}
