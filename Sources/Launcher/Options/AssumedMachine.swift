import ArgumentParser

/// A machine to plan for instead of this one, for `--dry-run`:
/// `cores=8,shared=no,root=no,container=yes,cma=no,host=node-1`.
struct AssumedMachine: ExpressibleByArgument, Sendable {
  private var cores: Int?
  private var isRoot: Bool?
  private var isContainer: Bool?
  private var allowsMemoryAttach: Bool?
  private var isShared: Bool?
  private var hostName: String?

  init?(argument: String) {
    for part in argument.split(separator: ",") {
      let pieces = part.split(separator: "=")
      guard pieces.count == 2 else { return nil }
      let flag: Bool? = pieces[1] == "yes" ? true : pieces[1] == "no" ? false : nil
      switch pieces[0] {
      case "cores": cores = Int(pieces[1])
      case "root": isRoot = flag
      case "container": isContainer = flag
      case "cma": allowsMemoryAttach = flag
      case "shared": isShared = flag
      case "host": hostName = String(pieces[1])
      default: return nil
      }
    }
  }

  /// `machine` with what was named replaced.
  func applied(to machine: Machine) -> Machine {
    var machine = machine
    machine.cores = cores ?? machine.cores
    machine.isRoot = isRoot ?? machine.isRoot
    machine.isContainer = isContainer ?? machine.isContainer
    machine.allowsMemoryAttach = allowsMemoryAttach ?? machine.allowsMemoryAttach
    machine.isShared = isShared ?? machine.isShared
    machine.hostName = hostName ?? machine.hostName
    return machine
  }
}
