import Tensors

/// A hash that two models share exactly when their named tensors are the same, in the same order.
///
/// SHA-256 over, for each tensor: the length of its name in UTF-8 bytes, the name; the length of its
/// scalar type's name, the name; the number of axes, the length of each; its bytes in row-major order.
/// Numbers are 64-bit little endian. Since every part's length goes first, no two lists of tensors
/// give the same bytes.
///
/// - Parameter tensors: names and values; the order counts.
/// - Returns: 64 hexadecimal digits.
public func weightsSHA256(of tensors: [(String, Tensor)]) -> String {
  var hash = SHA256()
  for (name, tensor) in tensors {
    for text in [name, tensor.dtype.description] {
      let bytes = Array(text.utf8)
      hash.update(bytes.count)
      hash.update(bytes)
    }
    hash.update(tensor.rank)
    for length in tensor.shape.dimensions { hash.update(length) }
    tensor.withUnsafeBytes { hash.update($0) }
  }
  return hash.hexDigest()
}
