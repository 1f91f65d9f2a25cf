import Engine
import Foundation

/// What Linux lets a process do with itself, and Glibc's module for Swift leaves out.
enum LinuxProcess {
  /// Whether there is `/proc`, and processes can be adopted.
  static let isSupported = {
    #if os(Linux)
      FileManager.default.fileExists(atPath: "/proc/self/stat")
    #else
      false
    #endif
  }()

  /// From now on processes below this one whose parents die become its children.
  static func adoptOrphans() {
    #if os(Linux)
      typealias Prctl = @convention(c) (CInt, UInt, UInt, UInt, UInt) -> CInt
      guard let symbol = dlsym(nil, "prctl") else { return }
      let setChildSubreaper: CInt = 36  // PR_SET_CHILD_SUBREAPER
      _ = unsafeBitCast(symbol, to: Prctl.self)(setChildSubreaper, 1, 0, 0, 0)
    #endif
  }

  /// Mounts a file system in memory, which this process and those that it starts see, and nobody else. It is gone with the
  /// last of them.
  ///
  /// - Parameters:
  ///   - folder: where; it is there already.
  ///   - bytes: how much it holds.
  /// - Returns: nil, or why it was not permitted.
  static func mountMemory(at folder: String, bytes: Int) -> String? {
    #if os(Linux)
      typealias Unshare = @convention(c) (CInt) -> CInt
      typealias Mount =
        @convention(c) (
          UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UInt,
          UnsafePointer<CChar>?
        ) -> CInt
      guard let unshare = dlsym(nil, "unshare"), let mount = dlsym(nil, "mount") else {
        return "this system has no mount"
      }
      let newMounts: CInt = 0x20000  // CLONE_NEWNS
      let isPrivate: UInt = 1 << 18 | 1 << 14  // MS_PRIVATE | MS_REC
      guard unsafeBitCast(unshare, to: Unshare.self)(newMounts) == 0 else {
        return systemReason(errno)
      }
      let call = unsafeBitCast(mount, to: Mount.self)
      guard call("none", "/", nil, isPrivate, nil) == 0,
        call("tmpfs", folder, "tmpfs", 0, "size=\(bytes)") == 0
      else { return systemReason(errno) }
      return nil
    #else
      return "only Linux does that"
    #endif
  }
}
