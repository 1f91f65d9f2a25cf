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

  /// What one rank's parent holds of the folder on a machine where the launcher is not: it is there from the start of the first rank to the
  /// end of the last, whatever their order.
  struct Use {
    private let folder: String
    private let descriptor: Int32

    /// Makes the folder where it is not there; nil where that cannot be done.
    init?(_ folder: String) {
      while true {
        mkdir(folder, 0o700)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        flock(descriptor, LOCK_SH)
        if Self.isNamed(folder, descriptor) {
          self.folder = folder
          self.descriptor = descriptor
          return
        }
        // Taken away by the last rank that used it, between the two calls.
        close(descriptor)
      }
    }

    /// Whether the folder of that name is still the one that was opened.
    private static func isNamed(_ folder: String, _ descriptor: Int32) -> Bool {
      var opened = stat()
      var named = stat()
      return fstat(descriptor, &opened) == 0 && stat(folder, &named) == 0
        && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    /// Takes the folder away when no other rank on this machine uses it.
    func end() {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { remove() }
    }

    /// Takes the folder away, whoever uses it.
    func remove() { StateMemory.remove(folder) }
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
