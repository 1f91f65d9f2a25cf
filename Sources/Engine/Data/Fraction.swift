/// How many of `count` samples are left when the part `fraction` is held out: `floor(count · (1 − fraction))` of the
/// fraction that is meant.
///
/// In binary 1 − 0.9 is a little less than 0.1, and of 10 samples none would be left. A product that is off a whole number
/// by no more than the rounding of its factors is that number.
func samplesLeft(of count: Int, holdingOut fraction: Double) -> Int {
  let product = Double(max(count, 0)) * (1 - fraction)
  let whole = product.rounded()
  // 1 − fraction is off by at most 2⁻⁵³ (both terms' rounding), the product by half a unit of its last place.
  let error = Double(count) * 0x1p-52
  return Int(abs(product - whole) <= error ? whole : product.rounded(.down))
}
