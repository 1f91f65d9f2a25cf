import Foundation

/// A folder in memory, `/dev/shm`, where the ranks of a run keep states that outlive their processes but not the run.
///
/// Its name says whose it is and which process made it, so that the next run takes away what a killed launcher has left.
enum StateMemory {
  /// The variable that names it to ranks.
  static let variable = "APUS_STATE_MEMORY"

  private static let root = "/dev/shm"

  /// Makes a folder for this run that only this user can enter; nil where there is no such memory.
  static func make() -> String? {
    sweep()
    guard let name = strdup("\(root)/\(prefix)\(getpid())-XXXXXX") else { return nil }
    defer { free(name) }
    return mkdtemp(name).map { String(cString: $0) }
  }

  /// Takes a folder away, with all that is in it.
  static func remove(_ folder: String?) {
    // Only ever what `make` has made.
    guard let folder, folder.hasPrefix("\(root)/apus-") else { return }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Takes away the folders of this user whose launcher is no more.
  private static func sweep() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    for name in names where name.hasPrefix(prefix) {
      let number = name.dropFirst(prefix.count).prefix { $0 != "-" }
      if let process = Int32(number), !ProcessTable.isAlive(process) { remove("\(root)/\(name)") }
    }
  }

  /// The user, and the space that numbers of processes count in: containers may share the memory.
  private static var prefix: String {
    let space =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
    return "apus-\(getuid())-\(space.filter(\.isNumber))-"
  }
}
