import Foundation

/// The program that mpirun starts its daemons on other nodes with: ssh unless Open MPI's settings say otherwise.
struct RemoteShell: Sendable {
  /// The program and its arguments, before the name of the node.
  let words: [String]

  /// What the environment says.
  ///
  /// - Parameters:
  ///   - variables: the environment.
  ///   - seconds: how long ssh tries to connect.
  init(in variables: [String: String], seconds: Int) {
    let names = ["OMPI_MCA_plm_rsh_agent", "OMPI_MCA_orte_rsh_agent", "PRTE_MCA_plm_ssh_agent"]
    // Several are separated by colons: the first that is there counts.
    let agents = (names.lazy.compactMap { variables[$0] }.first ?? "ssh : rsh").split(
      separator: ":"
    )
    .map { $0.split(separator: " ").map(String.init) }.filter { !$0.isEmpty }
    let agent = agents.first { ProgramStart.path(of: $0[0]) != nil } ?? agents.first ?? ["ssh"]
    // Nobody is there to type a password: mpirun would wait for one.
    let isSSH = agent[0].split(separator: "/").last == "ssh"
    words = agent + (isSSH ? ["-o", "BatchMode=yes", "-o", "ConnectTimeout=\(seconds)"] : [])
  }

  /// The words that run `command` on `host`, or here.
  func command(_ command: [String], on host: String, isHere: Bool) -> [String] {
    let line = ShellQuoting.line(command)
    return isHere ? ["/bin/sh", "-c", line] : words + [host, line]
  }
}
