import Engine
import Foundation
import TestSupport
import Testing

@Suite("Attention layers", .seeded)
struct AttentionLayerTests {
  private static func sequence(_ shape: Shape = [2, 4, 6], seed: UInt64 = 5) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return generator.uniform(shape, dtype: .float64)
  }

  private static func bools(_ rows: [[Double]]) -> Tensor { Tensor(rows).cast(to: .bool) }

  @Test("The fused way and the one with scores agree, masks and gradients included")
  func twoWays() throws {
    let layer = MultiHeadAttention(numHeads: 2, keyDim: 3, useCausalMask: true)
    let x = Self.sequence()
    let mask = Self.bools([[1, 1, 1, 0], [1, 1, 1, 1]])
    let input = AttentionInputs(query: x, valueMask: mask)
    let (output, scores) = layer.withScores(input)
    expectClose(layer(x, valueMask: mask), output, atol: 1e-14)
    #expect(scores.shape == [2, 2, 4, 4])
    expectClose(sum(scores, axis: -1), Tensor.ones([2, 2, 4]), atol: 1e-14)
    expectClose(scores[0, .all, .all, 3], Tensor.zeros([2, 4]), atol: 0, rtol: 0)
    let fused = try grad { (x: Tensor) in sum(square(layer(x, valueMask: mask))) }(x)
    let composed = try grad { (x: Tensor) in
      sum(square(layer.withScores(AttentionInputs(query: x, valueMask: mask)).output))
    }(x)
    expectClose(fused, composed, atol: 1e-12)
  }

  @Test("Attention without dropout or scores is the fused operation")
  func fused() throws {
    let layer = MultiHeadAttention(numHeads: 2, keyDim: 3, dropout: 0.5)
    let x = Self.sequence()
    _ = layer(x)
    func names() throws -> [String] {
      try Trace.record([x.spec]) { [layer($0[0])] }.nodes.map { $0.primitive.name }
    }
    layer.eval()
    #expect(try names().contains("attention"))
    layer.train()
    #expect(try !names().contains("attention"))
  }

  @Test("A mask for all heads goes with one for each, and numbers other than 0 are true")
  func maskRanks() {
    let layer = MultiHeadAttention(numHeads: 2, keyDim: 3)
    let x = Self.sequence()
    let padding = Tensor([[1, 1, 1, 0], [1, 0, 1, 1]])
    let each = Tensor.ones([2, 2, 4, 4])
    let expected = layer(x, valueMask: padding.cast(to: .bool))
    expectClose(layer(x, attentionMask: each, valueMask: padding), expected, atol: 0, rtol: 0)
    expectClose(layer(x, attentionMask: padding.expandDims(axis: 1)), expected, atol: 0, rtol: 0)
    expectClose(layer(x, keyMask: padding), expected, atol: 0, rtol: 0)
  }

  @Test("Dropout drops weights while training only, and keeps their mean")
  func dropout() {
    let x = Self.sequence([1, 200, 4])
    let layer = MultiHeadAttention(numHeads: 1, keyDim: 4, dropout: 0.5)
    layer.eval()
    let still = layer(x)
    expectClose(layer(x), still, atol: 0, rtol: 0)
    layer.train()
    let dropped = layer(x)
    #expect((abs(dropped - still) .> 1e-3).any().scalars(as: Bool.self) == [true])
    // 200 queries' means of 200 values each: far within six standard errors.
    expectClose(mean(dropped, axis: 1), mean(still, axis: 1), atol: 0.02, rtol: 0)
  }

  @Test("The state of a Sequential's mask reaches attention and what comes after")
  func sequential() throws {
    let embedding = Embedding(inputs: 5, outputs: 6, maskZero: true)
    let encoder = TransformerEncoder(numLayers: 1, numHeads: 2, feedForwardDim: 8, dropout: 0)
    let attention = MultiHeadAttention(numHeads: 2, keyDim: 3)
    let model = Sequential(embedding, PositionalEncoding(), encoder, attention)
    let ids = Tensor([[1, 2, 0, 0], [4, 3, 2, 1]])
    let mask = embedding.mask(of: ids)
    let y = model(ids)
    let x = PositionalEncoding()(embedding(ids))
    let expected = attention(encoder(x, mask: mask), queryMask: mask, valueMask: mask)
    expectClose(y, expected, atol: 0, rtol: 0)
    let context = model.run(isTraining: false) { model(ids) }.context
    #expect(context.notes.outputMask?.scalars(as: Bool.self) == mask.scalars(as: Bool.self))
  }

  @Test("Padding changes nothing at steps that count", arguments: [false, true])
  func padding(_ normFirst: Bool) {
    let x = Self.sequence()
    let memory = Self.sequence([2, 5, 6], seed: 6)
    let mask = Self.bools([[1, 1, 1, 0], [1, 1, 1, 0]])
    let memoryMask = Self.bools([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])
    let encoder = TransformerEncoder(
      numLayers: 2, numHeads: 2, feedForwardDim: 8, dropout: 0, normFirst: normFirst)
    expectClose(
      encoder(x, mask: mask)[.all, ..<3], encoder(x[.all, ..<3]), atol: 1e-14)
    let decoder = TransformerDecoder(
      numLayers: 2, numHeads: 2, feedForwardDim: 8, dropout: 0, normFirst: normFirst)
    let whole = decoder(x, memory: memory, mask: mask, memoryMask: memoryMask)
    expectClose(
      whole[.all, ..<3], decoder(x[.all, ..<3], memory: memory[.all, ..<3]), atol: 1e-14)
    // A causal decoder's first step sees nothing of the rest.
    expectClose(
      decoder(x, memory: memory)[.all, ..<1], decoder(x[.all, ..<1], memory: memory), atol: 1e-14)
  }

  @Test("Children and variables have Keras's and PyTorch's names")
  func names() {
    let layer = TransformerDecoderLayer(numHeads: 2, feedForwardDim: 8)
    _ = layer(Self.sequence(), memory: Self.sequence())
    #expect(
      layer.children.map(\.name).filter { !$0.hasPrefix("dropout") } == [
        "self_attention", "norm1", "cross_attention", "norm2", "linear1", "linear2", "norm3",
      ])
    let attention = layer.self_attention
    #expect(
      attention.namedVariables.map(\.path) == [
        "query/kernel", "query/bias", "key/kernel", "key/bias", "value/kernel", "value/bias",
        "attention_output/kernel", "attention_output/bias",
      ])
    let (query, output): (Tensor, Tensor) = (
      attention.query.kernel, attention.attention_output.kernel
    )
    #expect(query.shape == [6, 2, 3])
    #expect(output.shape == [2, 3, 6])
  }

  @Test("Sines and cosines of the paper's wavelengths are added")
  func positions() {
    let x = Tensor.zeros([1, 3, 5], dtype: .float64)
    let y = PositionalEncoding()(x).scalars(as: Double.self)
    for step in 0..<3 {
      let row = Array(y[(step * 5)..<(step * 5 + 5)])
      let t = Double(step)
      let (slow, slower) = (t / pow(10_000, 0.4), t / pow(10_000, 0.8))
      for (value, expected) in zip(row, [sin(t), cos(t), sin(slow), cos(slow), sin(slower)]) {
        #expect(abs(value - expected) < 1e-15)
      }
    }
    let learned = PositionEmbedding(maxLength: 4, initializer: Ones())
    expectClose(learned(x), Tensor.ones([1, 3, 5]), atol: 0, rtol: 0)
    #expect(learned.namedVariables.map(\.variable.shape) == [[4, 5]])
  }

  @Test("What does not fit is an error that says what was expected")
  func errors() {
    let x = Self.sequence()
    let layer = MultiHeadAttention(numHeads: 2, keyDim: 3)
    expectError("MultiHeadAttention: expected [batch, time, features], got [4, 6]") {
      _ = layer(x[0])
    }
    expectError("expected keys that fit queries [2, 4, 6] and values [2, 3, 6], got [2, 5, 6]") {
      _ = layer(x, value: Self.sequence([2, 3, 6]), key: Self.sequence([2, 5, 6]))
    }
    expectError("cannot combine [2, 1, 1, 3] and [2, 2, 4, 4]") {
      _ = layer(x, valueMask: .ones([2, 3]))
    }
    expectError("MultiHeadAttention: needs a head and a length at least, got 0 heads of 3 and 3") {
      _ = MultiHeadAttention(numHeads: 0, keyDim: 3)
    }
    expectError("MultiHeadAttention: dropout must be in 0..<1, got 1.0") {
      _ = MultiHeadAttention(numHeads: 1, keyDim: 3, dropout: 1)
    }
    expectError("Attention: expected keys with as many features as queries [2, 4, 6]") {
      _ = Attention()(x, value: Self.sequence([2, 4, 5]))
    }
    expectError("expected [batch, time, features] with features that 4 heads can share") {
      _ = TransformerEncoderLayer(numHeads: 4)(x)
    }
    expectError("TransformerEncoder: numLayers must be positive, got 0") {
      _ = TransformerEncoder(numLayers: 0, numHeads: 1)
    }
    expectError("expected [..., time, features] with at most 3 steps, got [2, 4, 6]") {
      _ = PositionEmbedding(maxLength: 3)(x)
    }
    expectError("TransformerDecoderInputs asks for \"memory\"") {
      _ = try TransformerDecoder(numLayers: 1, numHeads: 1).call(structure: ["x": .tensor(x)])
    }
  }
}
