import Tensors

extension Model {
  /// A table of the module's children with their parameters, for data like `x`.
  ///
  /// - Throws: ``EngineError`` when the module does not fit `x`.
  public func summary(_ x: some Encodable) throws -> String {
    let dataset = try Dataset(x: try StructureEncoder().encode(x))
    try build(dataset, rows: dataset.count)
    return module.tabulate()
  }
}
