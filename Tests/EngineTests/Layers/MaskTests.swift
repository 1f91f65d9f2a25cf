import Engine
import TestSupport
import Testing

@Suite("Masks", .seeded)
struct MaskTests {
  private let ids = Tensor([[3, 1, 0, 0], [2, 2, 1, 0]])

  private func outputMask(_ module: AnyModule, _ x: Tensor) throws -> Tensor? {
    try withErrors {
      try module.run(isTraining: false) { try module.call(structure: .tensor(x)) }
    }.context.notes.outputMask
  }

  @Test("Embedding and Masking announce which steps count")
  func announced() throws {
    let expected = [true, true, false, false, true, true, true, false]
    let embedding = Embedding(inputs: 4, outputs: 3, maskZero: true)
    #expect(try outputMask(embedding, ids)?.scalars(as: Bool.self) == expected)
    #expect(try outputMask(Embedding(inputs: 4, outputs: 3), ids) == nil)
    let x = ids.cast(to: .float32).expandDims(axis: -1)
    let masking = Masking()
    #expect(try outputMask(masking, x)?.scalars(as: Bool.self) == expected)
    #expect(masking.mask(of: x).scalars(as: Bool.self) == expected)
  }

  @Test("A Sequential hands the mask on to recurrent layers, and announces what is left of it")
  func sequential() throws {
    let embedding = Embedding(inputs: 4, outputs: 3, maskZero: true)
    let (first, second) = (GRU(5, returnSequences: true), LSTM(2))
    let model = Sequential(
      Sequential(embedding, Dropout(0.5)), LayerNormalization(),
      Sequential(first, Tanh()), second, Linear(1))
    model.eval()
    let y = model(ids)
    let mask = embedding.mask(of: ids)
    let norm = try #require(model.layers[1] as? LayerNormalization)
    let head = try #require(model.layers[4] as? Linear)
    let expected = head(
      second(tanh(first(norm(embedding(ids)), mask: mask)), mask: mask))
    expectClose(y, expected, atol: 0, rtol: 0)
    #expect(try outputMask(model, ids) == nil)

    let tagger = Sequential(embedding, first, TimeDistributed(Linear(2)))
    let tags = try outputMask(tagger, ids)
    #expect(tags?.scalars(as: Bool.self) == mask.scalars(as: Bool.self))
    let flat = Sequential(embedding, first, Flatten())
    #expect(try outputMask(flat, ids) == nil)
  }

  @Test("Outside of a Sequential a layer that keeps steps leaves what was announced before")
  func custom() throws {
    let embedding = Embedding(inputs: 4, outputs: 3, maskZero: true)
    let head = Sequential(Linear(2), Tanh())
    let gru = GRU(2, returnSequences: true)
    let model = Lambda { x in head(gru(embedding(x), mask: embedding.mask(of: x))) }
    #expect(try outputMask(model, ids)?.shape == [2, 4])
    let last = Lambda { x in LSTM(2)(embedding(x)) }
    #expect(try outputMask(last, ids) == nil)
  }
}
