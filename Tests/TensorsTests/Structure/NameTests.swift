import Tensors
import Testing

@Suite struct NameTests {
  @Test(arguments: [
    ("MeanSquaredError", "mean_squared_error"), ("Conv2D", "conv2d"), ("MSE", "mse"),
    ("GlobalL1L2", "global_l1l2"), ("BatchNormalization", "batch_normalization"), ("MLP", "mlp"),
    ("ReLU", "relu"), ("GELU", "gelu"), ("LeakyReLU", "leaky_relu"), ("SiLU", "silu"),
    ("KLDivergence", "kl_divergence"), ("Conv2DTranspose", "conv2d_transpose"), ("AUC", "auc"),
    ("GlobalMaxPooling1D", "global_max_pooling1d"), ("LSTMCell", "lstm_cell"),
    ("MeanIoU", "mean_iou"), ("AdamW", "adamw"), ("RMSprop", "rmsprop"), ("MyMLP", "my_mlp"),
    ("Linear", "linear"), ("already_snake", "already_snake"), ("My_Loss", "my_loss"),
    ("Wrapper<Linear>", "wrapper_linear"), ("A", "a"), ("", ""),
  ])
  func `type names become snake case`(_ name: String, _ expected: String) {
    #expect(snakeCase(name) == expected)
  }

  @Test func `a type gives its own name only`() {
    struct InnerLoss {}
    #expect(snakeCaseName(of: InnerLoss.self) == "inner_loss")
  }

  @Test(arguments: [
    ("yPredicted", "yPred"), ("y_pred", "yPred"), ("ytrue", "yTrue"), ("y", "yTrue"),
    ("sampleWeights", "sampleWeight"), ("sampelWeight", "sampleWeight"),
    ("parametrs", "parameters"),
    ("trainig", "training"), ("X", "x"),
  ])
  func `a slip finds the name that was meant`(_ name: String, _ expected: String) {
    let names = [
      "x", "yTrue", "yPred", "sampleWeight", "classWeight", "training", "parameters", "states",
    ]
    #expect(nearestName(to: name, among: names) == expected)
  }

  @Test(arguments: ["weather", "z", "foo", ""])
  func `a name that is far from all finds none`(_ name: String) {
    #expect(nearestName(to: name, among: ["x", "yTrue", "yPred", "states"]) == nil)
  }

  @Test(arguments: [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("same", "same", 0)])
  func `the edit distance counts changes and swaps`(_ a: String, _ b: String, _ expected: Int) {
    #expect(editDistance(Array(a), Array(b)) == expected)
    #expect(editDistance(Array(b), Array(a)) == expected)
  }
}
