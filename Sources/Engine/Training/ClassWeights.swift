import Tensors

/// Class weights as one weight a sample.
enum ClassWeights {
  /// The weights of samples, with those of their classes.
  ///
  /// - Parameters:
  ///   - weights: a weight for every class from 0 to classes - 1.
  ///   - y: class numbers `[count]` or `[count, 1]`, or one-hot rows `[count, classes]`.
  ///   - sampleWeight: one weight a sample, or nil.
  /// - Returns: the product of `sampleWeight` and of each sample's class weight; float32 `[count]`.
  /// - Throws: ``EngineError/data(message:)`` when a class has no weight, a label is a fraction or NaN, or `y` is not a single tensor.
  static func apply(
    _ weights: [Int: Double], to y: Structure, sampleWeight: Tensor?
  ) throws -> Tensor {
    guard let labels = y.tensor else {
      throw EngineError.data(
        message: "classWeight needs labels that are one tensor, y is \(y.summary)")
    }
    guard labels.rank <= 2 else {
      throw EngineError.data(
        message: "classWeight needs labels of rank 1 or 2, y is \(labels.shape)")
    }
    let isOneHot = labels.rank == 2 && labels.shape[1] > 1
    let numbers = isOneHot ? argmax(labels, axis: 1) : reshape(labels, [labels.elementCount])
    if let row = numbers.dtype.isFloating
      ? numbers.scalars(as: Double.self).firstIndex(where: { Int(exactly: $0) == nil }) : nil
    {
      let label = numbers.withUnsafeBytes { bytes in
        bytes.baseAddress.map { numberString($0 + row * numbers.dtype.size, numbers.dtype) } ?? ""
      }
      throw EngineError.data(
        message: "classWeight needs class numbers, label \(label) (sample \(row)) is not whole")
    }
    let classes = numbers.scalars(as: Int.self)
    var values: [Float] = []
    for (row, label) in classes.enumerated() {
      guard let weight = weights[label] else {
        throw EngineError.data(
          message: "classWeight has no weight for class \(label) (sample \(row)): it has "
            + "\(weights.keys.sorted())")
      }
      values.append(Float(weight))
    }
    let tensor = Tensor(values)
    if let sampleWeight, sampleWeight.elementCount != values.count {
      throw EngineError.data(
        message: "sampleWeight \(sampleWeight.shape) does not fit the \(values.count) samples that "
          + "classWeight is given for: it must have one weight a sample")
    }
    return sampleWeight.map { reshape($0, [$0.elementCount]).cast(to: .float32) * tensor } ?? tensor
  }

  /// `0: 1.0, 1: 2.5`
  static func text(_ weights: [Int: Double]?) -> String {
    guard let weights else { return "none" }
    return weights.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      .joined(separator: ", ")
  }
}
