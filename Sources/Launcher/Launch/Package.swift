import Tensors

/// The package that this command is of.
enum Package {
  /// Its version.
  static let version = ApusVersion.current
}
