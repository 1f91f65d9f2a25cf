import Tensors

/// Arrays of samples in memory: inputs, labels and weights with one row a sample.
struct Dataset {
  let x: Structure
  let y: Structure
  /// One weight a sample (class weights included), or nil.
  let sampleWeight: Tensor?
  /// The weights of classes that ``sampleWeight`` contains, for losses that ask for them by name; nil outside of training.
  let classWeight: [Int: Double]?
  /// How many samples there are.
  let count: Int
  /// Everything in order: x, y, weights; row-major.
  private let arrays: [Tensor]

  /// The bytes of all samples.
  var byteCount: Int { arrays.reduce(0) { $0 + $1.spec.byteCount } }

  /// A data set of rows.
  ///
  /// - Parameters:
  ///   - x: inputs.
  ///   - y: labels; `none` where there are none.
  ///   - sampleWeight: the weights of samples.
  ///   - classWeight: a weight for each class, which multiplies those of its samples.
  /// - Throws: ``EngineError/data(message:)`` when there is nothing, when the numbers of rows differ, or when `y` does not fit
  ///   the class weights.
  init(
    x: Structure, y: Structure = .none, sampleWeight: Tensor? = nil,
    classWeight: [Int: Double]? = nil
  ) throws {
    let sampleWeight =
      try classWeight.map {
        try ClassWeights.apply($0, to: y, sampleWeight: sampleWeight)
      } ?? sampleWeight
    try self.init(x, y, weights: sampleWeight, including: classWeight)
  }

  private init(
    _ x: Structure, _ y: Structure, weights sampleWeight: Tensor?,
    including classWeight: [Int: Double]?
  ) throws {
    self.x = x
    self.y = y
    self.sampleWeight = sampleWeight
    self.classWeight = classWeight
    arrays = (x.tensors + y.tensors + [sampleWeight].compactMap(\.self)).map { $0.contiguous() }
    try throwReportedError()
    if let traced = arrays.first(where: \.isTraced) { throw traced.leak("it is given as data") }
    guard let first = arrays.first, first.rank > 0 else {
      throw EngineError.data(
        message: "there is no data: x and y hold no tensor with a batch axis")
    }
    count = first.shape[0]
    let sizes = arrays.map { $0.rank == 0 ? -1 : $0.shape[0] }
    guard sizes.allSatisfy({ $0 == count }) else {
      func text(_ structure: Structure) -> String {
        structure.tensors.map { $0.rank == 0 ? "scalar" : "\($0.shape[0])" }.joined(separator: ", ")
      }
      let weights = sampleWeight.map { "; sampleWeight: \($0.shape)" } ?? ""
      throw EngineError.data(
        message: "the numbers of samples differ: x: \(text(x)); y: \(text(y))\(weights): all must "
          + "have as many rows")
    }
  }

  /// The form of this data set, for what must not keep its arrays alive.
  var withoutRows: Dataset {
    func form(_ tensor: Tensor) -> Tensor { .zeros(tensor.shape, dtype: tensor.dtype) }
    return Dataset(
      x.map(form), y.map(form), weights: sampleWeight.map(form), including: classWeight,
      count: count)
  }

  private init(
    _ x: Structure, _ y: Structure, weights sampleWeight: Tensor?,
    including classWeight: [Int: Double]?, count: Int
  ) {
    (self.x, self.y, self.count) = (x, y, count)
    (self.sampleWeight, self.classWeight) = (sampleWeight, classWeight)
    arrays = []
  }

  /// Throws when there is nothing to compute a loss from.
  func requireSamples(_ run: Run) throws {
    guard count == 0 else { return }
    throw EngineError.data(
      message: "\(run.name) was given no samples: x has a batch axis of length 0")
  }

  /// The form of the data, which all ranks must hold alike.
  var formLines: [String] {
    [
      "x: \(x)", "y: \(y)", "sampleWeight: \(sampleWeight.map { "\($0.spec)" } ?? "none")",
      "samples: \(count)", "classWeight: \(ClassWeights.text(classWeight))",
    ]
  }

  /// The values of the data, which all ranks must hold alike.
  var valueLine: String {
    "data with the fingerprint \(String(fingerprint, radix: 16)) (every rank is given all of "
      + "the data, in one order, and takes its share itself)"
  }

  /// A hash of the values of some 1,000 samples, evenly spread, the first and the last among them: data that differ as
  /// shares or orders of one set do differ there.
  private var fingerprint: UInt64 {
    var hash: UInt64 = 0
    let step = max(count / 1000, 1)
    for array in arrays where count > 0 {
      array.withUnsafeBytes { bytes in
        let rowBytes = bytes.count / count
        for row in Array(stride(from: 0, to: count, by: step)) + [count - 1] {
          let row = bytes[row * rowBytes..<(row + 1) * rowBytes].prefix(1024)
          hash = StableHash.combine(hash, StableHash.of(UnsafeRawBufferPointer(rebasing: row)))
        }
      }
    }
    return hash
  }

  /// The samples `range` of `0..<count`, without copying.
  func slice(_ range: Range<Int>) throws -> Dataset {
    func cut(_ tensor: Tensor) -> Tensor { tensor[range] }
    return try Dataset(
      x.map(cut), y.map(cut), weights: sampleWeight.map(cut), including: classWeight)
  }

  /// Whether batches of as many samples differ in nothing but numbers: names, nesting and constants of x and y, the shapes and
  /// types of rows, and whether there are weights.
  func isLike(_ other: Dataset) -> Bool {
    func haveLikeRows(_ mine: Tensor, _ theirs: Tensor) -> Bool {
      mine.dtype == theirs.dtype
        && mine.shape.dimensions.dropFirst() == theirs.shape.dimensions.dropFirst()
    }
    guard x.isLike(other.x, haveLikeRows), y.isLike(other.y, haveLikeRows) else { return false }
    switch (sampleWeight, other.sampleWeight) {
    case (let mine?, let theirs?): return haveLikeRows(mine, theirs)
    case (nil, nil): return true
    default: return false
    }
  }

  /// Shape and type of a batch of `rows` samples, in the order of ``fill(_:rows:)``.
  func specs(rows: Int) -> [TensorSpec] {
    arrays.map { TensorSpec(Shape([rows] + $0.shape.dimensions.dropFirst()), $0.dtype) }
  }

  /// Rebuilds x, y and weights from tensors in that order.
  func batch(_ tensors: [Tensor]) throws -> Batch {
    let xCount = x.tensorCount
    let yCount = y.tensorCount
    return Batch(
      x: try x.replacingTensors(with: Array(tensors[..<xCount])),
      y: try y.replacingTensors(with: Array(tensors[xCount..<xCount + yCount])),
      sampleWeight: sampleWeight == nil ? nil : tensors.last, classWeight: classWeight)
  }

  /// Copies the samples `rows` to where `target` says, array by array.
  func fill(_ target: (Int) -> UnsafeMutableRawPointer, rows: UnsafeBufferPointer<Int64>) {
    guard let indices = rows.baseAddress else { return }
    for (index, array) in arrays.enumerated() {
      array.copyRows(UnsafeBufferPointer(start: indices, count: rows.count), to: target(index))
    }
  }

  /// The samples `rows` as fresh tensors.
  func gather(rows: UnsafeBufferPointer<Int64>) -> [Tensor] {
    let specs = specs(rows: rows.count)
    let storages = specs.map { Storage(byteCount: $0.byteCount) }
    fill({ storages[$0].pointer }, rows: rows)
    return zip(specs, storages).map {
      Tensor(layout: Layout(rowMajor: $0.shape), dtype: $0.dtype, storage: $1)
    }
  }
}

/// What one step works on.
struct Batch {
  let x: Structure
  let y: Structure
  let sampleWeight: Tensor?
  /// The weights of classes, which ``sampleWeight`` contains.
  let classWeight: [Int: Double]?

  /// The number of samples.
  var rows: Int { (x.tensors.first ?? y.tensors.first)?.shape.first ?? 0 }
}
