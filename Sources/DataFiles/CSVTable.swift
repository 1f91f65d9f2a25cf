import Tensors

/// The numbers of a table, row after row.
struct CSVTable {
  /// A label that is no name.
  enum Label {
    case whole(Int64)
    case number(Double)
    /// Digits that no Int64 holds.
    case tooLong(Double, text: String, line: Int)
  }

  var names: [String] = []
  var columns = 0
  /// Nil when no column is a label.
  var labelColumn: Int?
  /// The line of the first row of data, from 1.
  var firstLine = 1
  /// Why the first line could also have been taken the other way.
  var doubt: String?
  var features: [Float] = []
  var labels: [Double] = []
  /// The labels, while all are whole numbers: positions in `classNames` for names.
  private var wholeLabels: [Int64]? = []
  /// The first label that is too long to be told from others.
  private var longLabel: (text: String, line: Int)?
  /// Whether labels are names.
  var hasTextLabels = false
  private(set) var classNames: [String] = []
  private var classNumbers: [String: Int] = [:]
  private var firstClassCount = 0

  /// How many rows of data there are.
  var rows: Int { labelColumn == nil ? features.count / max(columns, 1) : labels.count }

  mutating func add(label: Label) {
    switch label {
    case .whole(let number):
      labels.append(Double(number))
      wholeLabels?.append(number)
    case .number(let number):
      labels.append(number)
      wholeLabels = nil
    case .tooLong(let number, let text, let line):
      labels.append(number)
      longLabel = longLabel ?? (text, line)
    }
  }

  mutating func add(label name: String) {
    let number = number(of: name)
    if number == 0 { firstClassCount += 1 }
    add(label: .whole(Int64(number)))
  }

  /// The position of a class, which is new when it was not met before.
  private mutating func number(of name: String) -> Int {
    if let known = classNumbers[name] { return known }
    classNumbers[name] = classNames.count
    classNames.append(name)
    return classNames.count - 1
  }

  /// Whether the name of the first row's class is that of no other row.
  var firstLabelIsSingle: Bool { hasTextLabels && firstClassCount == 1 && labels.count > 2 }

  /// Whether the first row, whole numbers and a name, are names of columns: no other row has its label, and its numbers
  /// count the columns or some number below them is not whole.
  var firstRowIsNoData: Bool {
    guard firstLabelIsSingle else { return false }
    let width = columns - 1
    let counts = (0..<width).allSatisfy {
      features[$0] == Float($0) || features[$0] == Float($0 + 1)
    }
    return counts || features[width...].contains { $0 != $0.rounded() }
  }

  /// Takes the first row out of the data: it was `cells`, the names of the columns.
  mutating func takeFirstRowForNames(_ cells: [String]) {
    names = cells
    firstLine += 1
    features.removeFirst(columns - 1)
    labels.removeFirst()
    // It had class 0, alone.
    wholeLabels = wholeLabels?.dropFirst().map { $0 - 1 }
    classNames.removeFirst()
  }

  /// Numbers classes in ascending order of their names, whatever the order of the rows.
  mutating func sortClasses() {
    guard hasTextLabels else { return }
    let sorted = classNames.sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(sorted, Int64(0)...))
    let renumbered = classNames.map { places[$0, default: 0] }
    wholeLabels = wholeLabels?.map { renumbered[Int($0)] }
    classNames = sorted
  }

  /// Labels in the narrowest type that keeps whole numbers apart.
  ///
  /// - Throws: `EngineError.file` when all are whole numbers and one is too long for 64 bits.
  func labelTensor(_ path: String) throws(EngineError) -> Tensor {
    guard let wholeLabels else { return Tensor(labels.map { Float($0) }) }
    if let longLabel {
      throw .file(
        .init(path, line: longLabel.line),
        "the label \(longLabel.text) does not fit 64 bits; write labels as names, with a letter, to tell them apart"
      )
    }
    let narrow = wholeLabels.compactMap { Int32(exactly: $0) }
    return narrow.count == wholeLabels.count ? Tensor(narrow) : Tensor(wholeLabels)
  }
}
