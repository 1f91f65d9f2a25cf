import Tensors

extension Model {
  /// Throws unless each of these counts is missing or at least 1.
  func requireAtLeastOne(_ counts: (name: String, value: Int?)...) throws {
    for (name, value) in counts {
      guard let value, value < 1 else { continue }
      throw EngineError.invalidArgument(message: "\(name) is \(value): it must be at least 1")
    }
  }
}
