import Dist
import Launcher
import Testing

/// What a process beside a rank on another machine says, in the stream that mpirun carries.
@Suite("Frames of ranks") struct RankFrameTests {
  private static let secret = "0123456789abcdef0123456789abcdef"

  private func encode(_ bytes: [UInt8], rank: Int, _ kind: RankFrame.Kind = .output) -> [UInt8] {
    RankFrame.encode(bytes, kind: kind, rank: rank, secret: Self.secret)
  }

  @Test("bring every byte, whatever else is in the stream and wherever it is cut")
  func roundTrip() {
    let bytes = (0..<2000).map { UInt8($0 * 7 % 256) }
    let message = RankMessage.ended(status: 9, RankBeat())
    let stream =
      Array("before\n".utf8) + encode(bytes, rank: 3) + Array("between\n".utf8)
      + RankFrame.encode(message, rank: 4_000, secret: Self.secret) + encode([], rank: 1, .errors)
      + Array("the end".utf8)
    for piece in [1, 7, 511, 512, 4096] {
      var reader = RankFrameReader(secret: Self.secret)
      var items: [RankFrameReader.Item] = []
      for start in stride(from: 0, to: stream.count, by: piece) {
        items += reader.add(stream[start..<min(start + piece, stream.count)])
      }
      var output: [UInt8] = []
      var rest: [RankFrameReader.Item] = []
      for item in items {
        if case .output(3, let part) = item { output += part } else { rest.append(item) }
      }
      #expect(output == bytes)
      #expect(
        rest == [
          .other(Array("before\n".utf8)), .other(Array("between\n".utf8)),
          .message(rank: 4_000, message), .errors(rank: 1, []),
        ])
      #expect(reader.finish() == Array("the end".utf8))
    }
  }

  @Test("of two ranks may come in turns, each whole") func turns() {
    var beat = RankBeat()
    beat.sighting.lastStep = [123_456, 7_890_123]
    let message = RankMessage.beat(beat)
    let long = RankFrame.encode(message, rank: 0, secret: Self.secret)
    #expect(long.count % RankFrame.length == 0)
    var frames: [UInt8] = []
    for start in stride(from: 0, to: long.count, by: RankFrame.length) {
      frames += long[start..<start + RankFrame.length]
      frames += encode([1, 2], rank: 1)
    }
    var reader = RankFrameReader(secret: Self.secret)
    let items = reader.add(frames)
    #expect(items.contains(.message(rank: 0, message)))
    #expect(items.count { $0 == .output(rank: 1, [1, 2]) } == long.count / RankFrame.length)
  }

  @Test("with another secret are output like any other") func forged() {
    var reader = RankFrameReader(secret: String(repeating: "f", count: 32))
    let frame = encode([1, 2, 3], rank: 0)
    #expect(frame.count == RankFrame.length)
    #expect(reader.add(frame) == [.other(frame)])
    var cut = RankFrameReader(secret: Self.secret)
    let broken = Array(frame.dropFirst(100))
    #expect(cut.add(broken) == [.other(broken)])
  }

  @Test("have room for every rank") func length() {
    for rank in [0, 9_999, 999_999] {
      let frames = encode(Array(repeating: 255, count: RankFrame.capacity + 1), rank: rank)
      #expect(frames.count == 2 * RankFrame.length)
    }
  }
}

/// Tags in front of lines.
@Suite("Tags of lines") struct LineTagTests {
  /// What comes of texts that follow each other.
  private func tagged(_ texts: [String]) -> String {
    var tag = LineTag(rank: 3, host: "a")
    return texts.map { String(decoding: tag.add(Array($0.utf8)), as: UTF8.self) }.joined()
  }

  @Test(
    "stand before each line once",
    arguments: [
      (["one\ntwo\n"], "[rank 3 a] one\n[rank 3 a] two\n"),
      (["o", "ne", "\n", "two"], "[rank 3 a] one\n[rank 3 a] two"),
      (["\n", "\n"], "[rank 3 a] \n[rank 3 a] \n"),
      (["10%\r", "20%\r", "\n"], "[rank 3 a] 10%\r[rank 3 a] 20%\r\n"),
      (["one\r\ntwo\r\n"], "[rank 3 a] one\r\n[rank 3 a] two\r\n"),
      (["[rank 3/4] failed\n"], "[rank 3/4] failed\n"),
      (["[watch of rank 3/4] waits\nx\n"], "[watch of rank 3/4] waits\n[rank 3 a] x\n"),
      ([""], ""),
    ])
  func lines(texts: [String], expected: String) {
    #expect(tagged(texts) == expected)
  }
}
