import OrderedCollections

/// Which axis of each tensor ``vmap(_:inAxes:outAxes:)-((Argument)->Result,_,_)`` maps over, as a tree that begins like the structure it is for.
///
/// `0` is the first axis of every tensor below, `-1` the last, `nil` none: the tensor is the same for every example.
/// `[nil, 0]` has an entry for each place of a list (or each argument), `["weights": nil, "x": 0]` one for each name.
public indirect enum MappedAxes: Sendable, Hashable {
  /// This axis of every tensor below; negative from the end.
  case axis(Int)
  /// No axis of any tensor below.
  case unmapped
  /// One entry for each place of a list.
  case list([MappedAxes])
  /// One entry for each name of a dictionary or field of a struct.
  case dictionary([String: MappedAxes])
}

extension MappedAxes: ExpressibleByIntegerLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// This axis of every tensor below.
  public init(integerLiteral value: Int) { self = .axis(value) }
  /// `nil`: the argument is the same for all examples.
  public init(nilLiteral: ()) { self = .unmapped }
  /// One entry for each place of a list.
  public init(arrayLiteral elements: MappedAxes...) { self = .list(elements) }
  /// One entry for each name.
  public init(dictionaryLiteral elements: (String, MappedAxes)...) {
    self = .dictionary(Dictionary(elements, uniquingKeysWith: { _, last in last }))
  }
}

extension MappedAxes {
  /// The axis of each tensor of a structure, in order.
  ///
  /// - Throws: ``EngineError/structure(message:)`` where the tree does not begin like the structure.
  func spread(over structure: Structure, _ name: String) throws(EngineError) -> [Int?] {
    try spread(over: structure, [], name)
  }

  private func spread(
    over structure: Structure, _ path: [PathElement], _ name: String
  ) throws(EngineError) -> [Int?] {
    func place() -> String { path.isEmpty ? name : "\(name) at \(path.pathDescription)" }
    switch (self, structure) {
    case (.axis(let axis), _): return [Int?](repeating: axis, count: structure.tensorCount)
    case (.unmapped, _): return [Int?](repeating: nil, count: structure.tensorCount)
    case (.list(let axes), .list(let values)) where axes.count == values.count:
      var found: [Int?] = []
      for (index, pair) in zip(axes, values).enumerated() {
        found += try pair.0.spread(over: pair.1, path + [.index(index)], name)
      }
      return found
    case (.list(let axes), _):
      throw .structure(
        message: "\(place()) has \(axes.count) entries for \(structure.summary)")
    case (.dictionary(let axes), .dictionary(let values)):
      if let unknown = axes.keys.sorted().first(where: { values[$0] == nil }) {
        throw .structure(
          message: "\(place()) names \(unknown), which is not in \(structure.summary)")
      }
      var found: [Int?] = []
      for (key, value) in values {
        guard let axis = axes[key] else {
          throw .structure(message: "\(place()) has no entry for \(key): nil stands for no axis")
        }
        found += try axis.spread(over: value, path + [.key(key)], name)
      }
      return found
    case (.dictionary, _):
      throw .structure(message: "\(place()) has names for \(structure.summary)")
    }
  }
}
