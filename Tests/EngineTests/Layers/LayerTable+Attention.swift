import Engine
import TestSupport

extension LayerTable {
  /// Attention and transformers.
  static let attentionRows: [String: Make] = [
    "MultiHeadAttention": { example in
      MultiHeadAttention(
        numHeads: try example.integer("num_heads"), keyDim: try example.integer("key_dim"),
        valueDim: try example.argument("value_dim")?.int(),
        useBias: try example.argument("use_bias")?.bool() ?? true,
        outputDim: try example.argument("output_shape")?.int(),
        useCausalMask: try example.flag("use_causal_mask"),
        returnAttentionScores: try example.flag("return_attention_scores"))
    },
    "Attention": { example in
      let mode = try example.argument("score_mode")?.string()
      return Attention(
        useScale: try example.flag("use_scale"),
        scoreMode: mode.flatMap { Attention.ScoreMode(rawValue: $0) } ?? .dot,
        useCausalMask: try example.flag("use_causal_mask"),
        returnAttentionScores: try example.flag("return_attention_scores"))
    },
    "AdditiveAttention": { example in
      AdditiveAttention(
        useScale: try example.argument("use_scale")?.bool() ?? true,
        useCausalMask: try example.flag("use_causal_mask"),
        returnAttentionScores: try example.flag("return_attention_scores"))
    },
    "TransformerEncoderLayer": { example in
      TransformerEncoderLayer(
        numHeads: try example.integer("num_heads"),
        feedForwardDim: try example.integer("feed_forward_dim"),
        activation: try activation(example) ?? .relu, normFirst: try example.flag("norm_first"),
        epsilon: try example.number("epsilon") ?? 1e-5,
        useBias: try example.argument("use_bias")?.bool() ?? true,
        useCausalMask: try example.flag("causal"))
    },
    "TransformerDecoderLayer": { example in
      TransformerDecoderLayer(
        numHeads: try example.integer("num_heads"),
        feedForwardDim: try example.integer("feed_forward_dim"),
        activation: try activation(example) ?? .relu, normFirst: try example.flag("norm_first"),
        useCausalMask: try example.flag("causal"))
    },
    "TransformerEncoder": { example in
      TransformerEncoder(
        numLayers: try example.integer("num_layers"),
        numHeads: try example.integer("num_heads"),
        feedForwardDim: try example.integer("feed_forward_dim"),
        normFirst: try example.flag("norm_first"))
    },
    "Transformer": { example in
      Transformer(
        numHeads: try example.integer("num_heads"),
        numEncoderLayers: try example.integer("num_layers"),
        numDecoderLayers: try example.integer("num_layers"),
        feedForwardDim: try example.integer("feed_forward_dim"),
        normFirst: try example.flag("norm_first"))
    },
    "TransformerDecoder": { example in
      TransformerDecoder(
        numLayers: try example.integer("num_layers"),
        numHeads: try example.integer("num_heads"),
        feedForwardDim: try example.integer("feed_forward_dim"),
        normFirst: try example.flag("norm_first"), useCausalMask: try example.flag("causal"))
    },
  ]
}

extension LayerTests {
  /// Attention and transformers.
  static let attentionExamples: [(name: String, make: @Sendable () -> AnyModule, input: Shape)] = [
    ("MultiHeadAttention", { MultiHeadAttention(numHeads: 2, keyDim: 3) }, [3, 4, 5]),
    (
      "MultiHeadAttention with dropout and scores",
      {
        MultiHeadAttention(numHeads: 2, keyDim: 3, dropout: 0.5, returnAttentionScores: true)
      }, [3, 4, 5]
    ),
    ("Attention", { Attention() }, [3, 4, 5]),
    ("AdditiveAttention", { AdditiveAttention() }, [3, 4, 5]),
    (
      "TransformerEncoderLayer", { TransformerEncoderLayer(numHeads: 2, feedForwardDim: 8) },
      [3, 4, 6]
    ),
    (
      "TransformerEncoder",
      { TransformerEncoder(numLayers: 2, numHeads: 2, feedForwardDim: 8, normFirst: true) },
      [3, 4, 6]
    ),
    ("PositionalEncoding", { PositionalEncoding() }, [3, 4, 5]),
    ("PositionEmbedding", { PositionEmbedding(maxLength: 6) }, [3, 4, 5]),
  ]
}
