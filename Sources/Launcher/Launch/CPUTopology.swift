import Foundation

/// The processors that this process may use.
struct CPUTopology: Equatable, Sendable {
  /// Logical processors of the affinity mask, in ascending order; empty where the system has none.
  var processors: [Int]
  /// Physical cores among them: hyperthreads of a core share its arithmetic units, so they count once.
  var cores: Int

  /// Reads the affinity mask and, where Linux tells, which processors are siblings on a core.
  static func usable() -> CPUTopology {
    let processors = affinity()
    guard !processors.isEmpty else {
      return CPUTopology(processors: [], cores: ProcessInfo.processInfo.activeProcessorCount)
    }
    return CPUTopology(processors: processors, cores: max(1, coreCount(of: processors)))
  }

  /// All cores of the machine that are switched on.
  static func all() -> CPUTopology {
    let count = ProcessInfo.processInfo.processorCount
    let processors = read("/sys/devices/system/cpu/online").map(Self.numbers) ?? Array(0..<count)
    return CPUTopology(processors: processors, cores: max(1, coreCount(of: processors)))
  }

  /// `0-3, 8`
  var processorText: String {
    var runs: [ClosedRange<Int>] = []
    for processor in processors {
      if let last = runs.last, last.upperBound + 1 == processor {
        runs[runs.count - 1] = last.lowerBound...processor
      } else {
        runs.append(processor...processor)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ", ")
  }

  private static func coreCount(of processors: [Int]) -> Int {
    var cores = Set<String>()
    for processor in processors {
      let folder = "/sys/devices/system/cpu/cpu\(processor)/topology"
      // Without that file (some virtual machines) a processor is a core of its own.
      cores.insert(read("\(folder)/thread_siblings_list") ?? "\(processor)")
    }
    return cores.count
  }

  /// The affinity mask, as Linux writes it in the process's status.
  private static func affinity() -> [Int] {
    let name = "Cpus_allowed_list:"
    let line = read("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line.map {
      numbers($0.dropFirst(name.count).trimmingCharacters(in: .whitespaces))
    } ?? []
  }

  /// Reads `0-3,8`, the kernel's way to write a set of processors.
  private static func numbers(_ text: String) -> [Int] {
    text.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  private static func read(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
