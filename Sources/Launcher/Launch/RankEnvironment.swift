import Dist

/// Which variables go to ranks on other nodes. Ranks that mpirun starts on its own node inherit everything.
///
/// It is a list, and never everything: what a person has in the environment (tokens, paths of one machine, settings of a
/// shell) is no business of other nodes.
enum RankEnvironment {
  /// A variable that `-x` names.
  struct Export: Hashable, Sendable {
    var name: String
    /// nil for what it is in the environment.
    var value: String?
  }

  /// Where libraries are, and how text and time are written.
  static let names = ["LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ"]
  /// Settings of threads, of BLAS, of Apus, and of what carries messages.
  static let prefixes = [
    "APUS_", "OPENBLAS_", "OMP_", "GOMP_", "KMP_", "GOTO_", "UCX_", "FI_", "PSM2_",
  ]
  /// What a task of srun would be lost without. mpirun's remote shell sets these.
  static let taskNames = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"]
  /// Settings of Open MPI, which mpirun hands on by itself.
  static let taskPrefixes = ["OMPI_MCA_", "PMIX_MCA_"]

  /// What belongs to one process or one machine.
  private static let own = [
    "APUS_TERMINAL", "APUS_RANK_STATE", "APUS_STATE_MEMORY", "APUS_RANK_LAST",
  ]
  /// Parts of names of variables that hold secrets, which nothing but `-x` hands on.
  private static let secrets = [
    "TOKEN", "KEY", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL",
  ]

  /// The names in `variables` that go to other nodes, sorted; with `isForTasks` all that ranks have which srun starts.
  static func forwarded(_ variables: [String: String], isForTasks: Bool = false) -> [String] {
    let names = names + (isForTasks ? taskNames : [])
    let prefixes = prefixes + (isForTasks ? taskPrefixes : [])
    return variables.keys.filter { name in
      isName(name) && !own.contains(name) && !isSecret(name)
        && (names.contains(name) || prefixes.contains { name.hasPrefix($0) })
    }.sorted()
  }

  /// Whether a variable is called like one that holds a secret.
  static func isSecret(_ name: String) -> Bool {
    let words = name.uppercased()
    return secrets.contains { words.contains($0) }
  }

  /// Whether `text` can be the name of a variable that is handed on.
  static func isName(_ text: String) -> Bool {
    text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
  }
}
