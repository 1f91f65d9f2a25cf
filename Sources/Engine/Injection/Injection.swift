import OrderedCollections
import Tensors

/// The values that a loss or metric can ask for by name.
///
/// A struct's fields are the names: its synthesised `Decodable` init asks for exactly those.
///
/// ```swift
/// struct Inputs: Decodable {
///   let x, yPred: Tensor          // must be there
///   let sampleWeight: Tensor?     // absent is fine
/// }
/// ```
///
/// A field can be a tensor, a number, an array, a dictionary or a struct of these, matched to the
/// form of the value as ``StructureDecoder`` describes, or a `Structure` for any form.
public struct InjectionContext: Sendable {
  /// The names that can be asked for, the older ones last.
  public static let names = currentNames + olderNames.keys

  private static let currentNames = [
    "x", "yTrue", "yPred", "sampleWeight", "classWeight", "training", "parameters", "states",
  ]
  private static let olderNames: OrderedDictionary<String, String> = [
    "isTraining": "training", "params": "parameters", "state": "states",
  ]
  private static let aliases = Dictionary(
    uniqueKeysWithValues: olderNames.map { ($0.key, $0.value) })

  /// Who gives the values, for messages: `fit`, `evaluate`, ... .
  public var caller: String
  private var values: OrderedDictionary<String, Structure> = [:]
  /// Which steps of the output count: it becomes a part of the sample weights of metrics.
  var mask: OutputMask?

  /// A context without any values.
  public init(caller: String = "fit") { self.caller = caller }

  /// What a loss or metric gets that is called by itself.
  init(
    x: some Encodable, yTrue: some Encodable, yPred: some Encodable, sampleWeight: Tensor?
  ) throws {
    self.init()
    let encoder = StructureEncoder()
    self.x = try encoder.encode(x)
    self.yTrue = try encoder.encode(yTrue)
    self.yPred = try encoder.encode(yPred)
    self.sampleWeight = sampleWeight.map(Structure.tensor)
  }

  /// The value of a name, current or older; nil and `Structure.none` both mean that there is none.
  public subscript(name: String) -> Structure? {
    get { values[Self.aliases[name] ?? name] }
    set {
      let name = Self.aliases[name] ?? name
      values[name] = newValue.flatMap { $0.isNone ? nil : $0 }
    }
  }

  /// The names that have a value, in the order of ``names``.
  public var available: [String] { Self.currentNames.filter { values[$0] != nil } }
}

extension InjectionContext {
  /// The inputs of the model, as given to `fit`.
  public var x: Structure? {
    get { self["x"] }
    set { self["x"] = newValue }
  }

  /// The labels: the argument `y` of `fit`.
  public var yTrue: Structure? {
    get { self["yTrue"] }
    set { self["yTrue"] = newValue }
  }

  /// The outputs of the module.
  public var yPred: Structure? {
    get { self["yPred"] }
    set { self["yPred"] = newValue }
  }

  /// The importance of each sample.
  public var sampleWeight: Structure? {
    get { self["sampleWeight"] }
    set { self["sampleWeight"] = newValue }
  }

  /// The importance of each class, by class number.
  public var classWeight: Structure? {
    get { self["classWeight"] }
    set { self["classWeight"] = newValue }
  }

  /// Whether the model is training.
  public var training: Structure? {
    get { self["training"] }
    set { self["training"] = newValue }
  }

  /// The trainable variables of the module, by path.
  public var parameters: Structure? {
    get { self["parameters"] }
    set { self["parameters"] = newValue }
  }

  /// All other variables of the module, by path.
  public var states: Structure? {
    get { self["states"] }
    set { self["states"] = newValue }
  }

  /// The same context with only the part at `path` of `yTrue` and `yPred`: what `on:` does.
  ///
  /// - Throws: `EngineError.injection` when a value that is there has no such part.
  public func narrowed(to path: StructurePath, asker: String) throws(EngineError) -> Self {
    var narrowed = self
    for name in ["yTrue", "yPred"] {
      guard let value = self[name] else { continue }
      do {
        narrowed[name] = try value.at(path.elements)
      } catch {
        throw .injection(message: "\(asker): on: \(name)/\(error)")
      }
    }
    return narrowed
  }

  /// The values that `T` asks for.
  ///
  /// - Parameters:
  ///   - type: a type whose fields say by name what is wanted.
  ///   - asker: who asks, for messages: `loss mean_squared_error`.
  /// - Returns: a value of this type.
  /// - Throws: `EngineError.injection` that says what is missing, why, and what there is, or in
  ///   which way a value has another form than the field.
  public func inputs<T: Decodable>(
    _ type: T.Type = T.self, asker: String
  ) throws(EngineError) -> T {
    let session = DecodingSession(asker: asker, aliases: Self.aliases) { name in
      .injection(message: missing(name, asker: asker))
    }
    let present = available.map { ($0, values[$0] ?? .none) }
    do throws(EngineError) {
      return try session.decode(
        type, from: .dictionary(OrderedDictionary(uniqueKeysWithValues: present)))
    } catch {
      // What is missing has been said.
      let isThere = requirements(of: type).allSatisfy { $0.isOptional || self[$0.name] != nil }
      guard isThere, case .dictionary(let parts)? = yTrue ?? yPred, let first = parts.keys.first
      else { throw error }
      var error = error
      error.hint = "what is about one output says which: on: \"\(first)\", for example"
      throw error
    }
  }

  private var isInference: Bool {
    if case .constant(.bool(let training))? = training { !training } else { false }
  }

  private func missing(_ name: String, asker: String) -> ErrorText {
    guard Self.names.contains(name) else {
      return unknownName(name, allowed: Self.names, asker: asker)
    }
    let reason =
      switch Self.aliases[name] ?? name {
      case "yTrue": "\(caller) was given no y"
      case "classWeight" where isInference:
        "class weights are about training only: declare it optional, classWeight: [String: Double]?"
      case "x", "sampleWeight", "classWeight": "\(caller) was given no \(name)"
      default: "\(caller) has no \(name) here"
      }
    let rest = available.isEmpty ? "nothing" : available.joined(separator: ", ")
    return "\(asker) asks for \"\(name)\", but \(reason); there is \(rest)"
  }
}
