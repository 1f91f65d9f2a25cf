import Foundation

/// Nodes that are names: a remote shell that runs everything on this machine, in an environment of its own as a login on another machine has it.
struct FakeNodes {
  /// A program in the place of ssh, and folders of the nodes.
  let folder: String
  /// What mpirun and `doctor` start the shell by.
  let environment: [String: String]

  /// Makes the nodes, and takes them away.
  ///
  /// - Parameters:
  ///   - cases: of a shell's `case $host in`, for nodes that are not as they should be; `$*` is the command.
  ///   - prefix: words before the command, such as those that enter a network of its own.
  ///   - body: what uses them.
  /// - Returns: what `body` gives.
  /// - Throws: what `body` throws.
  static func use<R>(
    cases: String = "", prefix: String = "", _ body: (FakeNodes) async throws -> R
  ) async throws -> R {
    try await TemporaryFolder.use { folder in
      let shell = folder + "/shell"
      // A folder for each node: Open MPI's daemons keep files under the same names.
      let script = """
        #!/bin/sh
        host=$1
        shift
        mkdir -p \(folder)/$host
        run() {
          env -i PATH="$PATH" HOME="$HOME" TMPDIR=\(folder)/$host NODE=$host OMPI_ALLOW_RUN_AS_ROOT=1 \\
            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 $settings \(prefix) /bin/sh -c "$*"
        }
        case $host in
        \(cases)
        *) run "$@" ;;
        esac
        """
      try script.write(toFile: shell, atomically: false, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: shell)
      return try await body(
        FakeNodes(
          folder: folder,
          environment: [
            "OMPI_MCA_plm_rsh_agent": shell, "OMPI_MCA_mpi_yield_when_idle": "1",
            "TMPDIR": folder,
          ]))
    }
  }
}
