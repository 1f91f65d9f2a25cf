/// What a product rounds its factors to.
package enum ProductPrecision: Hashable, Sendable {
  case exact
  case bfloat16

  /// What is appended to the name of an operation that does so.
  var suffix: String { self == .exact ? "" : "[bfloat16]" }
}
