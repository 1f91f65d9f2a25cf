import OrderedCollections
import Tensors

extension AnyModule {
  /// A table of this module and the modules in it: paths, types, variables with shapes and kinds, elements and bytes.
  ///
  /// Variables exist after the first call, or ``Callable/initialize(_:)``.
  ///
  /// - Parameter depth: modules further down are counted with the one above them; 0 gives one row.
  /// - Returns: the lines of the table, to be printed.
  public func tabulate(depth: Int = .max) -> String {
    let header = ["Path", "Module", "Variables", "Count", "Bytes"]
    var table = TextTable(header, style: .ruled, alignedRight: 3..<5)
    func count(_ variables: [Variable]) -> [String] {
      [
        variables.reduce(0) { $0 + $1.shape.elementCount }.grouped,
        variables.reduce(0) { $0 + $1.spec.byteCount }.asBytes,
      ]
    }
    func describe(_ path: String, _ module: AnyModule, _ depth: Int) {
      let isFolded = depth <= 0 && !module.scope.children.isEmpty
      let own = isFolded ? module.variables : Array(module.scope.variables.values)
      let counted = own.filter(\.isTabulated)
      let names = isFolded ? [] : counted.map(\.inTable)
      table.add([path, module.typeName, names.joined(separator: ", ")] + count(counted))
      if isFolded { return }
      for (name, child) in module.children {
        describe(path == "(root)" ? name : path + "/" + name, child, depth - 1)
      }
    }
    describe("(root)", self, depth)
    let all = variables.filter(\.isTabulated)
    let trainable = count(all.filter { $0.kind == .parameter && $0.trainable })
    let rest = count(all.filter { $0.kind != .parameter || !$0.trainable })
    let total = count(all)
    return """
      \(table.text)
      Total: \(total[0]) (\(total[1]))
      Trainable: \(trainable[0]) (\(trainable[1]))
      Not trainable: \(rest[0]) (\(rest[1]))
      """
  }
}

extension Variable {
  /// Whether it belongs to the model itself.
  fileprivate var isTabulated: Bool { kind.isSaved || kind == .cache }

  /// `kernel [3, 8]`, and what is out of the ordinary.
  fileprivate var inTable: String {
    let name = "\(path.split(separator: "/").last ?? "") \(shape)"
    if kind != .parameter { return "\(name) \(kind.rawValue)" }
    return trainable ? name : "\(name) frozen"
  }
}

extension Int {
  /// `1,234,567`
  var grouped: String {
    var text = ""
    for (index, digit) in "\(self)".reversed().enumerated() {
      if index > 0, index % 3 == 0 { text = "," + text }
      text = "\(digit)" + text
    }
    return text
  }

  /// `1.2 MB`
  var asBytes: String {
    let units = ["B", "KB", "MB", "GB"]
    var value = Double(self)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    let tenths = (value * 10).rounded() / 10
    return unit == 0 ? "\(self) B" : "\(tenths) \(units[unit])"
  }
}
