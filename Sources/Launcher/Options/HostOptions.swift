import ArgumentParser

/// The nodes of a job, named one by one or in a file.
struct HostOptions: ParsableArguments {
  @Option(
    name: .customLong("hosts"),
    help: ArgumentHelp(
      "Nodes to start ranks on and how many each takes, such as a:2,b:2. "
        + "The command must be at the same path on all. (default in an allocation of Slurm or PBS: its nodes)",
      valueName: "hosts"),
    transform: HostList.init(text:))
  var named: HostList?

  @Option(
    name: .customLong("hostfile"),
    help: ArgumentHelp(
      "A file with a node in each line: node, node:2, or node slots=2 max-slots=4; # begins a comment.",
      valueName: "file"),
    transform: HostFile.read)
  var file: HostList?

  /// The nodes; nil when none are named.
  var list: HostList? { named ?? file }

  func validate() throws {
    if let named, let file {
      throw ValidationError("\(named.origin) and \(file.origin): expected one of the two options")
    }
  }
}

extension RankEnvironment.Export {
  /// Reads `NAME` or `NAME=value`.
  ///
  /// - Throws: a `ValidationError` for what can be no name.
  init(text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    value = parts.count == 2 ? String(parts[1]) : nil
    guard RankEnvironment.isName(name) else {
      throw ValidationError(
        "-x \(text): expected NAME or NAME=value, with a name of letters, digits and _")
    }
  }
}
