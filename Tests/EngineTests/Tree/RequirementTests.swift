import Engine
import TestSupport
import Testing

private enum Color: String, Decodable { case red, green }
private enum Level: Int, Decodable { case low = 3, high = 5 }
private enum Only: String, Decodable { case one }
private enum Listed: String, Decodable, CaseIterable { case a, b }
private enum Payload: Decodable {
  case single(Tensor)
  case other(name: String, [Int])
}
private indirect enum Endless: Decodable { case again(Endless), end }
private enum Nobody: Decodable {
  init(from decoder: any Decoder) throws {
    throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "never"))
  }
}
private final class Chain: Decodable {
  let value: Tensor
  let next: Chain?
}
private struct Generic<T: Decodable>: Decodable { let value: T }

private struct Everything: Decodable {
  struct Labels: Decodable { let a: Tensor, b: [Tensor], c: [String: Tensor], d: Color }
  let x: Tensor
  let yTrue: Labels
  let yPred: [String: [Tensor]]
  let optional: Labels?
  let optionalNumber: Double?
  let numbers: [Int: Double]
  let truth: Bool
  let string: String
  let small: UInt8
  let color: Color
  let level: Level
  let only: Only
  let listed: Listed
  let payload: Payload
  let chain: Chain
  let structure: Structure
  let fixed: SIMD2<Float>
  let last: Tensor
}

private struct ByHand: Decodable {
  let value: Tensor?
  private enum Keys: String, CodingKey { case first = "x", second = "yPred", third = "training" }
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    value = container.contains(.first) ? try container.decode(Tensor.self, forKey: .first) : nil
    _ = try container.decode(Tensor.self, forKey: .second)
    if try container.decodeNil(forKey: .third) { return }
  }
}

private func names<T: Decodable>(_ type: T.Type) -> [String] {
  requirements(of: type).map { $0.name + ($0.isOptional ? "?" : "") }
}

@Suite struct RequirementTests {
  @Test func `every kind of field is recorded in order`() {
    #expect(
      names(Everything.self) == [
        "x", "yTrue", "yPred", "optional?", "optionalNumber?", "numbers", "truth", "string",
        "small",
        "color", "level", "only", "listed", "payload", "chain", "structure", "fixed", "last",
      ])
    #expect(RecordingDecoder.record(Everything.self).isComplete)
  }

  @Test func `a generic field can be optional`() {
    #expect(names(Generic<Tensor?>.self) == ["value?"])
    #expect(names(Generic<Tensor>.self) == ["value"])
  }

  @Test func `an init written by hand is recorded`() {
    #expect(names(ByHand.self) == ["x?", "yPred", "training?"])
  }

  @Test func `types without names ask for none`() {
    #expect(names(Tensor.self).isEmpty)
    #expect(names([String: Tensor].self).isEmpty)
    #expect(names([Tensor].self).isEmpty)
    #expect(names(Structure.self).isEmpty)
  }

  @Test func `types that cannot be made end the recording and nothing else`() {
    struct Bad: Decodable {
      let x: Tensor
      let endless: Endless
      let yPred: Tensor
    }
    struct Worse: Decodable { let nobody: Nobody, x: Tensor }
    #expect(names(Bad.self) == ["x", "endless"])
    #expect(!RecordingDecoder.record(Bad.self).isComplete)
    #expect(names(Worse.self) == ["nobody"])
  }

  @Test func `an unknown name is refused with the nearest one`() {
    let allowed = ["x", "yTrue", "yPred"]
    #expect(
      errorMessage {
        try validate(
          [.init(name: "x", isOptional: false), .init(name: "yPredicted", isOptional: true)],
          allowed: allowed, asker: "loss my_loss")
      } == """
        loss my_loss asks for "yPredicted", which is not one of x, yTrue, yPred: did you mean "yPred"?
        """)
    #expect(
      errorMessage {
        try validate(
          [.init(name: "weather", isOptional: false)], allowed: allowed, asker: "metric m")
      } == "metric m asks for \"weather\", which is not one of x, yTrue, yPred")
  }

  @Test func `known names pass`() throws {
    try validate(
      requirements(of: ByHand.self), allowed: InjectionContext.names, asker: "loss by_hand")
  }
}
