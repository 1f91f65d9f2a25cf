/// What a product rounds its factors to.
package enum ProductPrecision: Hashable, Sendable {
  case exact
  case bfloat16
}
