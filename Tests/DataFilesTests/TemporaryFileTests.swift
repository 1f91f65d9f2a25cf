import DataFiles
import Foundation
import Testing

/// Files that writers which were killed have left: they go only when nobody can still be writing them.
@Suite struct TemporaryFileTests {
  /// The name that this process gives a temporary file, in its parts: system, process, start, mark.
  private func ownParts(_ folder: String) throws -> [String] {
    let files = FaultyFiles()
    try AtomicFile.write([1], to: folder + "/file", files: files)
    let path = try #require(files.calls.first { $0.name == "create" }).path
    let name = String(path.dropFirst(folder.count + 1))
    #expect(name.hasPrefix(".apus-") && name.hasSuffix(".tmp"))
    return name.dropFirst(6).dropLast(4).split(separator: "-").map(String.init)
  }

  /// What is left of a file of this name after the next write into the folder.
  private func isKept(_ name: String, _ folder: String) throws -> Bool {
    try DataFixture.write([1, 2, 3], to: folder + "/" + name)
    try AtomicFile.write([1], to: folder + "/file", files: FaultyFiles())
    defer { unlink(folder + "/" + name) }
    return FileManager.default.fileExists(atPath: folder + "/" + name)
  }

  /// Field 22 of `/proc/PID/stat`.
  private func start(_ pid: pid_t) throws -> String {
    let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    let end = try #require(text.lastIndex(of: ")"))
    return String(text[end...].split(separator: " ")[20])
  }

  /// Starts a program that waits; the caller kills it.
  private func sleeper() throws -> pid_t {
    var pid: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("600"), nil]
    defer { for argument in arguments { free(argument) } }
    #expect(posix_spawn(&pid, "/bin/sleep", nil, nil, &arguments, nil) == 0)
    return try #require(pid > 0 ? pid : nil)
  }

  @Test("the file of a process is kept while it runs, and goes when it has been killed")
  func killed() throws {
    try DataFixture.withFolder { folder in
      let own = try ownParts(folder)
      #expect(own.count == 4 && own[1] == "\(getpid())")
      #expect(try own[2] == start(getpid()))
      let pid = try sleeper()
      let name = try ".apus-\(own[0])-\(pid)-\(start(pid))-abc.tmp"
      let recycled = ".apus-\(own[0])-\(pid)-1-abc.tmp"
      #expect(try isKept(name, folder))
      #expect(try !isKept(recycled, folder), "another process had this number before")
      kill(pid, SIGKILL)
      // It has ended, and this process has not asked for its end yet.
      var information = siginfo_t()
      #expect(waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == 0)
      #expect(try !isKept(name, folder))
      #expect(waitpid(pid, nil, 0) == pid)
      #expect(try !isKept(name, folder))
    }
  }

  @Test("files that may be somebody else's are kept")
  func others() throws {
    try DataFixture.withFolder { folder in
      let own = try ownParts(folder)
      let gone = try sleeper()
      kill(gone, SIGKILL)
      #expect(waitpid(gone, nil, 0) == gone)
      for name in [
        ".apus-\(own[0])-\(own[1])-\(own[2])-other.tmp", ".apus-000000000000-\(gone)-5-abc.tmp",
        ".apus-\(own[0])-\(gone)-5-abc", "apus-\(own[0])-\(gone)-5-abc.tmp",
        ".apus-\(gone)-abc.tmp", ".apus-\(own[0])-\(gone)-abc.tmp", ".apus-.tmp", ".apus.tmp",
        ".apus-\(own[0])--5-abc.tmp", ".apus-\(own[0])-0-5-abc.tmp",
        ".apus-\(own[0])-\(gone)-0-abc.tmp", ".apus-\(own[0])-99999999999999999999-5-a.tmp",
      ] {
        #expect(try isKept(name, folder), "\(name)")
      }
      #expect(try !isKept(".apus-\(own[0])-\(gone)-5-abc.tmp", folder))
    }
  }

  @Test("a folder that cannot be listed does not keep a file from being written")
  func noList() throws {
    try DataFixture.withFolder { folder in
      let files = FaultyFiles(.fail(0, code: EACCES))
      try AtomicFile.write([1], to: folder + "/file", files: files)
      #expect(files.calls.first?.name == "list")
      #expect(try StateSample.names(folder) == ["file"])
    }
  }
}
