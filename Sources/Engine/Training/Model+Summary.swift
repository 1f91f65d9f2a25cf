extension Model {
  /// A table of the module's children with their parameters, for data like `x`.
  ///
  /// - Throws: ``EngineError`` when the module does not fit `x`.
  public func summary(_ x: some Encodable) throws -> String {
    let dataset = try Dataset(x: try StructureEncoder().encode(x), y: .none, sampleWeight: nil)
    try build(dataset, rows: dataset.count)
    return module.summary
  }
}

extension AnyModule {
  /// A table of child modules, the shapes of their variables and the numbers of parameters. Children and variables exist
  /// after the first call.
  public var summary: String {
    var rows: [[String]] = []
    func visit(_ module: AnyModule, _ path: String) {
      let own = module.scope.variables.values.filter { $0.kind != .randomKey }
      let shapes = own.map { "\($0.path.split(separator: "/").last ?? "") \($0.shape)" }
      let count = own.reduce(0) { $0 + $1.shape.elementCount }
      rows.append([
        path.isEmpty ? "(root)" : path, module.typeName, shapes.joined(separator: ", "),
        Self.grouped(count),
      ])
      for (name, child) in module.children { visit(child, path.isEmpty ? name : path + "/" + name) }
    }
    visit(self, "")
    let variables = variables.filter { $0.kind != .randomKey }
    let trainable = parameters.reduce(0) { $0 + $1.shape.elementCount }
    let total = variables.reduce(0) { $0 + $1.shape.elementCount }
    return Self.table(["Path", "Module", "Variables", "Count"], rows)
      + """

      Total: \(Self.grouped(total)) (\(Self.bytes(variables.reduce(0) { $0 + $1.spec.byteCount })))
      Trainable: \(Self.grouped(trainable))
      Not trainable: \(Self.grouped(total - trainable))
      """
  }

  private static func table(_ header: [String], _ rows: [[String]]) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { index, cell in
        let gap = String(repeating: " ", count: cell.1 - cell.0.count)
        return index == cells.count - 1 ? gap + cell.0 : cell.0 + gap
      }.joined(separator: "  ")
    }
    let rule = String(repeating: "─", count: widths.reduce(2 * (widths.count - 1), +))
    return ([line(header), rule] + rows.map(line) + [rule]).joined(separator: "\n")
  }

  private static func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in "\(number)".reversed().enumerated() {
      if index > 0, index % 3 == 0 { text = "," + text }
      text = "\(digit)" + text
    }
    return text
  }

  private static func bytes(_ count: Int) -> String {
    let units = ["B", "KB", "MB", "GB"]
    var value = Double(count)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    let tenths = (value * 10).rounded() / 10
    return unit == 0 ? "\(count) B" : "\(tenths) \(units[unit])"
  }
}
