/// The version of this package.
package enum ApusVersion {
  /// As in its tags.
  package static let current = "0.1.0"
}
