/// The package that this command is of.
enum Package {
  /// Its version.
  static let version = "0.1.0"
}
