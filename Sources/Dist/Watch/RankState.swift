import Foundation
import Synchronization
import Tensors

/// Where a rank is, in a file that its launcher can read when the rank has been killed or stopped: memory that both share.
package enum RankState {
  /// The variable that names the file; set by `apus run`.
  package static let variable = "APUS_RANK_STATE"

  private static let mirror = Mutex<RankMirror?>(nil)

  /// Makes the file that the environment names, and says in it that this process waits for the other ranks. Does nothing without a name.
  static func begin() {
    guard let path = ProcessInfo.processInfo.environment[variable] else { return }
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    // A rank that is a script may start several programs, one after the other: each begins with zeros.
    guard ftruncate(file, 0) == 0, ftruncate(file, off_t(RankMirror.byteCount)) == 0,
      let memory = mmap(nil, RankMirror.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      memory != MAP_FAILED
    else { return }
    // Never unmapped: the rank writes until its process ends.
    let mirror = RankMirror(memory.assumingMemoryBound(to: Int64.self))
    mirror.set(.process, Int(getpid()))
    mirror.set(.progress, Int(RankJournal.now))
    mirror.set(.phase, RankMirror.Phase.joining.rawValue)
    self.mirror.withLock { $0 = mirror }
  }

  /// Begins for a process without other ranks.
  ///
  /// - Returns: the journal that writes; nil when no launcher reads, or the process has begun before.
  static func beginAlone() -> RankJournal? {
    guard mirror.withLock({ $0 == nil }) else { return nil }
    begin()
    guard mirror.withLock({ $0 != nil }) else { return nil }
    let journal = RankJournal()
    share(journal)
    return journal
  }

  /// Lets a journal write from now on: the process is a rank.
  static func share(_ journal: RankJournal) {
    guard let mirror = mirror.withLock({ $0 }) else { return }
    journal.show(in: mirror)
    mirror.set(.phase, RankMirror.Phase.joined.rawValue)
  }

  /// Says that the process leaves the ranks in order.
  static func leave() {
    mirror.withLock { $0?.set(.phase, RankMirror.Phase.left.rawValue) }
  }
}
