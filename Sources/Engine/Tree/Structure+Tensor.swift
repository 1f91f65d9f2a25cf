extension Structure {
  /// The tensor, when this is one.
  public var tensor: Tensor? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }
}
