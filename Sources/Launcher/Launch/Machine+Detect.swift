import Foundation

extension Machine {
  /// This machine, as this process sees it.
  static func detect() -> Machine {
    let usable = CPUTopology.usable().cores
    let cores = Container.cpuLimit().map { max(1, min(usable, Int($0))) } ?? usable
    return Machine(
      cores: cores, isShared: cores < CPUTopology.all().cores,
      isRoot: geteuid() == 0, isContainer: Container.kind() != nil,
      allowsMemoryAttach: MemoryAttach.isPermitted(), hostName: ProcessInfo.processInfo.hostName,
      variables: ProcessInfo.processInfo.environment)
  }
}

/// Whether Linux lets this process read memory of others by `process_vm_readv`.
enum MemoryAttach {
  /// Tries it on this process itself, which only a security profile (seccomp) can forbid. Open MPI
  /// itself asks about the other obstacle, the Yama module.
  static func isPermitted() -> Bool {
    #if os(Linux)
      // Glibc's module for Swift leaves the function out, as it is no POSIX.
      typealias Read =
        @convention(c) (
          pid_t, UnsafePointer<iovec>, UInt, UnsafePointer<iovec>, UInt, UInt
        ) -> Int
      guard let symbol = dlsym(nil, "process_vm_readv") else { return false }
      let read = unsafeBitCast(symbol, to: Read.self)
      var source: UInt64 = 1
      var target: UInt64 = 0
      let length = MemoryLayout<UInt64>.size
      return withUnsafeMutableBytes(of: &source) { source in
        withUnsafeMutableBytes(of: &target) { target in
          var local = iovec(iov_base: target.baseAddress, iov_len: length)
          var remote = iovec(iov_base: source.baseAddress, iov_len: length)
          return read(getpid(), &local, 1, &remote, 1, 0) == length
        }
      }
    #else
      return true
    #endif
  }
}
