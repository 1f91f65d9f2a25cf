import Foundation

/// What a container says of itself, and what it takes away.
enum Container {
  /// What kind of container this process runs in, or nil when nothing hints at one.
  static func kind() -> String? {
    let files = FileManager.default
    if files.fileExists(atPath: "/.dockerenv") { return "Docker" }
    if files.fileExists(atPath: "/run/.containerenv") { return "Podman" }
    let variables = ProcessInfo.processInfo.environment
    if variables["KUBERNETES_SERVICE_HOST"] != nil { return "Kubernetes" }
    if variables["APPTAINER_CONTAINER"] != nil || variables["SINGULARITY_CONTAINER"] != nil {
      return "Apptainer"
    }
    return variables["container"]
  }

  /// The CPU time that control groups allow, in cores, or nil without a limit.
  static func cpuLimit() -> Double? {
    // Version 2: "max 100000" or "150000 100000", in microseconds of each period.
    if let words = words("/sys/fs/cgroup/cpu.max"), words.count == 2 {
      guard let quota = Double(words[0]), let period = Double(words[1]), period > 0 else {
        return nil
      }
      return quota / period
    }
    // Version 1: -1 for no limit.
    let folder = "/sys/fs/cgroup/cpu/"
    guard let quota = words(folder + "cpu.cfs_quota_us")?.first.flatMap({ Double($0) }),
      let period = words(folder + "cpu.cfs_period_us")?.first.flatMap({ Double($0) }),
      quota > 0, period > 0
    else { return nil }
    return quota / period
  }

  /// Bytes of `/dev/shm`, through which ranks of a node share memory, or nil when there is none.
  static func sharedMemoryBytes() -> Int? {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: "/dev/shm")
    return (attributes?[.systemSize] as? NSNumber)?.intValue
  }

  private static func words(_ path: String) -> [Substring]? {
    (try? String(contentsOfFile: path, encoding: .utf8))?
      .split(whereSeparator: \.isWhitespace)
  }
}
