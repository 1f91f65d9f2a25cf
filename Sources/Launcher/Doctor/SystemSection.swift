import Engine
import Foundation

/// The machine and what of it this process may use.
enum SystemSection {
  static func text(_ machine: Machine) -> String {
    let usable = CPUTopology.usable()
    let all = CPUTopology.all()
    var section = Section("System")
    section.add("apus", Package.version)
    section.add("system", ProcessInfo.processInfo.operatingSystemVersionString)
    section.add("CPU", CPU.model ?? "unknown")
    section.add("kernels", KernelSet.levelDescription)
    section.add(
      "cores",
      "\(usable.cores) of \(all.cores) usable (\(usable.processors.count) of "
        + "\(all.processors.count) hardware threads)")
    section.add(
      "affinity mask",
      usable.processors.isEmpty ? "unknown" : "processors \(usable.processorText)")
    if let limit = Container.cpuLimit() {
      section.add("CPU limit", String(format: "%.2f cores (control group)", limit))
    }
    section.add(
      "root", machine.isRoot ? "yes: apus sets OMPI_ALLOW_RUN_AS_ROOT for mpirun" : "no")
    section.add("container", Container.kind() ?? "none found")
    section.add(
      "memory attach",
      machine.allowsMemoryAttach
        ? "permitted"
        : "not permitted: apus runs mpirun with btl_vader_single_copy_mechanism none; with Docker, "
          + "--cap-add SYS_PTRACE permits it")
    if let bytes = Container.sharedMemoryBytes() {
      section.add("/dev/shm", "\(bytes >> 20) MB")
      if bytes < 128 << 20 {
        section.advise(
          "/dev/shm is small: many ranks on this node may not fit; with Docker use --shm-size 1g")
      }
    }
    return section.text
  }
}

/// What the kernel says of the processor.
enum CPU {
  static var model: String? { value("model name") }

  private static func value(_ name: String) -> String? {
    let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
  }
}
