import CKernels

/// The scalar type of a tensor's elements. Raw values are the codes that the C kernels use.
///
/// In files and other encoded data a type is written by its name.
public enum DType: Int, Sendable, CaseIterable {
  /// IEEE single precision; the default.
  case float32 = 0
  /// IEEE double precision, 64 bits.
  case float64
  /// Signed integers of 32 bits.
  case int32
  /// Signed integers of 64 bits.
  case int64
  /// Unsigned integers of 8 bits.
  case uint8
  /// One byte, 0 or 1.
  case bool

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float32, .int32: 4
    case .float64, .int64: 8
    case .uint8, .bool: 1
    }
  }

  /// Whether values have a fraction, so that gradients exist.
  public var isFloating: Bool { self == .float32 || self == .float64 }

  /// What a type without a fraction holds; every int64 for the others.
  package var integerRange: ClosedRange<Int64> {
    switch self {
    case .bool: 0...1
    case .uint8: 0...255
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .int64, .float32, .float64: Int64.min...Int64.max
    }
  }

  /// The code of this type in CKernels.
  package var code: Int32 { Int32(rawValue) }

  /// The type of what is computed from both: the later one of bool, uint8, int32, int64, float32, float64.
  ///
  /// Operations on several tensors convert all of them to this type first. Integers take the floating type that they meet, as
  /// in JAX and PyTorch: int64 and float32 make float32, where NumPy makes float64, and whole numbers above 2^24 are rounded.
  ///
  /// A Swift number beside a tensor leaves a floating tensor its type. Beside an integer tensor a whole number `n` counts as
  /// `Tensor(n)`, so that bool and uint8 become int32 with an `Int`, and int64 where int32 does not hold it; a number with a
  /// fraction makes the tensor float32. Comparisons with a number are exact.
  public static func promoted(_ a: DType, _ b: DType) -> DType { a.order >= b.order ? a : b }

  private var order: Int {
    switch self {
    case .bool: 0
    case .uint8: 1
    case .int32: 2
    case .int64: 3
    case .float32: 4
    case .float64: 5
    }
  }
}

extension DType: CustomStringConvertible {
  /// The name as NumPy writes it.
  public var description: String {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .bool: "bool"
    }
  }

  /// The type with this name; nil for any other string.
  public init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = found
  }
}

extension DType: Codable {
  /// Reads a name such as "float32".
  ///
  /// - Throws: `DecodingError.dataCorrupted` for any other string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let found = Self(name: name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "no scalar type is called \"\(name)\": there are "
          + Self.allCases.map(\.description).joined(separator: ", "))
    }
    self = found
  }

  /// Writes the name, such as "float32". Throws what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A Swift type that can be an element of a tensor.
public protocol TensorScalar: Sendable {
  /// The tensor type whose memory has this layout.
  static var dtype: DType { get }
  /// The type that `Tensor(_:)` takes for this Swift type unless told otherwise.
  ///
  /// `Double` and `Int` are what Swift's literals are, so they become float32 and int32. Where an `Int` does not fit
  /// int32 the tensor is int64.
  static var defaultDType: DType { get }
  /// The value as a `Double` (exact for all but int64 above 2^53).
  var doubleValue: Double { get }
  /// The value as an `Int` where the type has no fraction (bool: 0 or 1); nil for floating types.
  var integerValue: Int? { get }
}

extension TensorScalar {
  /// ``dtype``: the type with this layout.
  public static var defaultDType: DType { dtype }
  /// Nil: the type has a fraction.
  public var integerValue: Int? { nil }
}

extension TensorScalar where Self: FixedWidthInteger {
  /// The value itself, which fits.
  public var integerValue: Int? { Int(self) }
}

extension Float: TensorScalar {
  /// float32: its memory has this layout.
  public static var dtype: DType { .float32 }
  /// The value in double precision.
  public var doubleValue: Double { Double(self) }
}

extension Double: TensorScalar {
  /// float64: its memory has this layout.
  public static var dtype: DType { .float64 }
  /// float32: a `Double` is what a literal is.
  public static var defaultDType: DType { .float32 }
  /// The value itself, exactly.
  public var doubleValue: Double { self }
}

extension Int32: TensorScalar {
  /// int32: its memory has this layout.
  public static var dtype: DType { .int32 }
  /// The value in double precision.
  public var doubleValue: Double { Double(self) }
}

extension Int64: TensorScalar {
  /// int64: its memory has this layout.
  public static var dtype: DType { .int64 }
  /// The value in double precision.
  public var doubleValue: Double { Double(self) }
}

extension Int: TensorScalar {
  /// int64: the same memory.
  public static var dtype: DType { .int64 }
  /// int32: an `Int` is what a literal is. Values that do not fit it make an int64 tensor.
  public static var defaultDType: DType { .int32 }
  /// The value in double precision.
  public var doubleValue: Double { Double(self) }
}

extension UInt8: TensorScalar {
  /// uint8: its memory has this layout.
  public static var dtype: DType { .uint8 }
  /// The value in double precision.
  public var doubleValue: Double { Double(self) }
}

extension Bool: TensorScalar {
  /// bool: its memory has this layout.
  public static var dtype: DType { .bool }
  /// 1 for true, 0 for false.
  public var doubleValue: Double { self ? 1 : 0 }
  /// 1 for true, 0 for false.
  public var integerValue: Int? { self ? 1 : 0 }
}
