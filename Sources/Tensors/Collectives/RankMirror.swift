/// Memory in which a journal shows where its rank is, so that others can read it also when the rank's process has been killed.
///
/// Zeros say that nothing is known. Each word is written by itself: a reader may see a step of this moment and a time of the one before.
///
/// `@unchecked Sendable`: written with the journal's lock held, and never freed.
package struct RankMirror: @unchecked Sendable {
  /// What the words mean, in their order.
  package enum Word: Int, CaseIterable, Sendable {
    /// Counted from 1.
    case epoch
    /// Counted from 1.
    case step
    /// How many steps have been begun in all.
    case steps
    /// The epoch of the last step that was begun, counted from 1.
    case lastEpoch
    /// That step, counted from 1.
    case lastStep
    /// When the rank last went on, by ``RankJournal/now``: a step, another place, a collective begun or over.
    case progress
    /// 1 when the rank saves its state on a notice.
    case handlesNotice
    /// The raw value of a ``Phase``.
    case phase
    /// 1 inside `alone { }`.
    case isAlone
    /// Since when the rank waits for others, by ``RankJournal/now``; 0 when it does not.
    case waitingSince
    /// The number of the rank's process.
    case process
  }

  /// How far a rank is between its start and its end.
  package enum Phase: Int, Codable, Sendable {
    /// It has not asked for the other ranks yet, or never will.
    case outside
    /// It waits for the other ranks to start.
    case joining
    /// It is one of the ranks.
    case joined
    /// It has left in order.
    case left
  }

  /// Bytes that a mirror takes.
  package static let byteCount = Word.allCases.count * MemoryLayout<Int64>.size

  private let memory: UnsafeMutablePointer<Int64>

  /// A mirror in `memory`, which must stay there.
  package init(_ memory: UnsafeMutablePointer<Int64>) { self.memory = memory }

  /// Writes one word.
  package func set(_ word: Word, _ value: Int) { memory[word.rawValue] = Int64(value) }

  func show(_ place: RankJournal.Place, _ now: UInt64) {
    set(.epoch, place.epoch + 1)
    set(.step, place.step + 1)
    set(.progress, Int(now))
  }

  /// Notes that a step begins.
  func count(_ place: RankJournal.Place) {
    memory[Word.steps.rawValue] &+= 1
    set(.lastEpoch, place.epoch + 1)
    set(.lastStep, place.step + 1)
  }
}
