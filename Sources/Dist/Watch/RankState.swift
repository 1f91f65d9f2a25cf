import Foundation
import Tensors

/// Where a rank is, in a file that its launcher can read when the rank has been killed: memory that both share.
package enum RankState {
  /// The variable that names the file; set by `apus run`.
  package static let variable = "APUS_RANK_STATE"

  private static let byteCount = 2 * MemoryLayout<Int64>.size

  /// Lets a journal write the place of its rank into the file that the environment names.
  static func share(_ journal: RankJournal) {
    guard let path = ProcessInfo.processInfo.environment[variable] else { return }
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    guard ftruncate(file, off_t(byteCount)) == 0,
      let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      memory != MAP_FAILED
    else { return }
    // Never unmapped: the rank writes until its process ends.
    journal.mirror(in: memory.assumingMemoryBound(to: Int64.self))
  }

  /// `epoch 2, step 17`, counted from 1; nil when the file is not there, or says nothing.
  package static func read(_ path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path), data.count == byteCount else {
      return nil
    }
    let numbers = data.withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
    var place = RankJournal.Place()
    // A file that nobody has written to is all zeros.
    (place.epoch, place.step) = (Int(numbers[0]) - 1, Int(numbers[1]) - 1)
    let text = place.description
    return text.isEmpty ? nil : text
  }
}
