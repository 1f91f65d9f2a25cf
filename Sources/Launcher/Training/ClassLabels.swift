import Engine

/// Labels as numbers of classes.
struct ClassLabels: Sendable {
  /// int32 `[samples]`, values `0 ..< classes.count`.
  let indices: Tensor
  /// The labels as they are in the data, in ascending order: class k is `classes[k]`.
  let classes: [Int64]
  /// The names of the classes, in the same order, when the data have names; else empty.
  let names: [String]

  /// The most classes: a label that is really a quantity, such as a price, has many more values.
  static let mostClasses = 10_000

  /// Numbers the values that occur in ascending order; for 0, 1, ... they stay as they are.
  ///
  /// - Parameters:
  ///   - labels: whole numbers of any type, `[samples]` or `[samples, 1]`.
  ///   - names: what the numbers stand for, when the data have names.
  ///   - source: the data, for messages.
  /// - Throws: ``LauncherError/data(source:message:)``.
  init(_ labels: Tensor, names: [String] = [], source: String) throws {
    self.names = names
    func wrong(_ message: String) -> LauncherError { .data(source: source, message: message) }
    guard labels.rank == 1 || labels.rank == 2 && labels.shape[1] == 1 else {
      throw wrong("labels have shape \(labels.shape), expected one label a row")
    }
    let values: [Int64]
    if labels.dtype.isFloating {
      let numbers = labels.scalars(as: Double.self)
      if let row = numbers.firstIndex(where: { Int64(exactly: $0) == nil }) {
        throw wrong(
          "label \(numbers[row]) in row \(row) is not a whole number: labels name classes")
      }
      // From here on neighbours are one number in this type.
      let limit = labels.dtype == .float32 ? 0x1p24 : 0x1p53
      if let row = numbers.firstIndex(where: { abs($0) >= limit }) {
        throw wrong(
          "label \(Int64(numbers[row])) in row \(row) is \(labels.dtype), which does not tell whole "
            + "numbers from \(Int64(limit)) on apart: write labels as integers (in a csv file without "
            + "a point), or as names")
      }
      values = numbers.map { Int64($0) }
    } else {
      values = labels.scalars(as: Int64.self)
    }
    classes = Set(values).sorted()
    guard classes.count > 1 else {
      throw wrong(
        classes.isEmpty
          ? "there are no rows" : "all labels are \(classes[0]): there is nothing to tell apart")
    }
    guard classes.count <= Self.mostClasses else {
      throw wrong(
        "\(classes.count) different labels are too many for classes (at most \(Self.mostClasses))")
    }
    let numbers = Dictionary(uniqueKeysWithValues: zip(classes, Int32(0)...))
    indices = Tensor(values.map { numbers[$0, default: 0] })
  }
}
