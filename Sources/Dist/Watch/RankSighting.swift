import Foundation
import Tensors

/// What a rank's ``RankState`` said at one moment.
package struct RankSighting: Codable, Equatable, Sendable {
  /// Counted from 1; 0 where there is none.
  package var epoch = 0
  /// Counted from 1; 0 where there is none.
  package var step = 0
  /// How many steps the process has begun.
  package var steps = 0
  /// The epoch and step of the last step that it began, counted from 1; zeros before the first.
  package var lastStep = [0, 0]
  /// How far the process is between its start and its end.
  package var phase = RankMirror.Phase.outside
  /// Whether it saves its state on a notice.
  package var handlesNotice = false
  /// Whether it works inside `alone { }`.
  package var isAlone = false
  /// Seconds since it last went on.
  package var idle = 0.0
  /// Seconds for which it has waited for other ranks; nil when it does not wait.
  package var waiting: Double?
  /// The number of its process; 0 while it has not said so.
  package var process: Int32 = 0

  /// A rank that has said nothing.
  package init() {}

  /// `in epoch 2, step 17`, or `after epoch 2, step 45` outside of an epoch; nil where nothing is known.
  package var place: String? {
    var place = RankJournal.Place()
    (place.epoch, place.step) = (epoch - 1, step - 1)
    if !place.description.isEmpty { return "in \(place)" }
    (place.epoch, place.step) = (lastStep[0] - 1, lastStep[1] - 1)
    return place.description.isEmpty ? nil : "after \(place)"
  }

  /// What the file at `path` says now; nil when it is not there.
  ///
  /// It is read on the machine that the rank runs on: times are of one clock.
  package static func read(_ path: String, now: UInt64 = RankJournal.now) -> RankSighting? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var words = [Int64](repeating: 0, count: RankMirror.Word.allCases.count)
    let count = words.withUnsafeMutableBytes { Foundation.read(file, $0.baseAddress, $0.count) }
    guard count == RankMirror.byteCount else { return nil }
    func word(_ word: RankMirror.Word) -> Int { Int(words[word.rawValue]) }
    func seconds(since time: Int) -> Double { max(0, Double(Int(now) - time) / 1e9) }
    var sighting = RankSighting()
    (sighting.epoch, sighting.step) = (word(.epoch), word(.step))
    sighting.steps = word(.steps)
    sighting.lastStep = [word(.lastEpoch), word(.lastStep)]
    sighting.phase = RankMirror.Phase(rawValue: word(.phase)) ?? .outside
    sighting.handlesNotice = word(.handlesNotice) != 0
    sighting.isAlone = word(.isAlone) != 0
    sighting.idle = word(.progress) == 0 ? 0 : seconds(since: word(.progress))
    sighting.waiting = word(.waitingSince) == 0 ? nil : seconds(since: word(.waitingSince))
    sighting.process = Int32(truncatingIfNeeded: word(.process))
    return sighting
  }
}
