/// The way to a part of a structure, as `on:` takes it: a key `"a"`, a position `0`, or both in turn `["labels", 0, "a"]`.
public struct StructurePath: Hashable, Sendable {
  /// The steps from the root.
  public let elements: [PathElement]

  /// A path from its steps.
  public init(_ elements: [PathElement]) { self.elements = elements }
}

extension StructurePath: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral
{
  /// The value with this name.
  public init(stringLiteral value: String) { self.init([.key(value)]) }
  /// The value at this position.
  public init(integerLiteral value: Int) { self.init([.index(value)]) }
  /// One step after the other.
  public init(arrayLiteral elements: PathElement...) { self.init(elements) }
}
