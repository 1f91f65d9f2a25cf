/// The name of a type as a variable or log entry has it: `MeanSquaredError` gives
/// `mean_squared_error`.
///
/// The rules are those of Keras: characters that are no letters, digits or underscores go; a new
/// word begins at a capital before a small letter and at a capital after a small letter; so runs of
/// capitals stay together (`MSE` gives `mse`, `Conv2D` gives `conv2d`, `KLDivergence` gives
/// `kl_divergence`). These rules alone cut `ReLU` into `re_lu`, and no rule on letters could tell
/// it from `MyMLP`: names that the field writes with capitals inside a word are listed in
/// ``mixedCaseWords`` and count as one word, also inside longer names (`LeakyReLU` gives
/// `leaky_relu`).
package func snakeCase(_ name: String) -> String {
  var name = String(name.filter { $0.isLetter || $0.isNumber || $0 == "_" })
  for word in mixedCaseWords {
    guard name.contains(word) else { continue }
    let plain = word.prefix(1) + word.dropFirst().lowercased()
    name = name.replacing(word, with: plain)
  }
  let characters = Array(name)
  var result = ""
  for (index, character) in characters.enumerated() {
    if index > 0, character.isUppercase, characters[index - 1] != "_" {
      let beforeSmall = index + 1 < characters.count && characters[index + 1].isLowercase
      if beforeSmall || characters[index - 1].isLowercase { result.append("_") }
    }
    result += character.lowercased()
  }
  return result
}

/// The name of a type in snake case, without the types around it.
package func snakeCaseName(of type: Any.Type) -> String { snakeCase(String(describing: type)) }

/// Words with capitals inside. Longer ones come before those that they contain.
private let mixedCaseWords = [
  "SwiGLU", "GeGLU", "ReGLU", "ReLU", "SiLU", "LoRA", "IoU", "AdamW", "RMSprop",
]
