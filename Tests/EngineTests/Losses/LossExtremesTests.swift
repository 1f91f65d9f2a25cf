import Engine
import TestSupport
import Testing

/// A loss where predictions are as wrong, or as right, as they can be: one column, values in closed form.
private struct ExtremeCase: Sendable {
  let name: String
  let loss: any Loss
  let yTrue: Tensor
  let yPred: Tensor
  /// One value a row.
  let values: [Double]
  /// The gradient of the sum of the values.
  let gradient: [Double]
}

@Suite("Losses at the extremes")
struct LossExtremesTests {
  /// What is computed from logits, or any numbers, of size `s`: right, wrong, and of both signs.
  private static func numbers(_ s: Double) -> [ExtremeCase] {
    let column = Tensor([[s], [s], [-s], [-s]], dtype: .float64)
    let binary = Tensor([[1], [0], [1], [0]])
    let signs = Tensor([[1], [-1], [1], [-1]])
    let rows = Tensor([[s, -s], [-s, s]], dtype: .float64)
    let first = Tensor([[1], [1]])
    let hot = Tensor([[1, 0], [1, 0]])
    let zero = Tensor([[0.0], [0], [0], [0]])
    func case4(
      _ name: String, _ loss: some Loss, _ yTrue: Tensor, _ values: [Double], _ gradient: [Double]
    ) -> ExtremeCase {
      ExtremeCase(
        name: "\(name) of ±\(Int(s))", loss: loss, yTrue: yTrue, yPred: column, values: values,
        gradient: gradient)
    }
    func case2(
      _ name: String, _ loss: some Loss, _ yTrue: Tensor, _ values: [Double], _ gradient: [Double]
    ) -> ExtremeCase {
      ExtremeCase(
        name: "\(name) of ±\(Int(s))", loss: loss, yTrue: yTrue, yPred: rows, values: values,
        gradient: gradient)
    }
    let wrong = [0, 0, -1, 1.0]
    let binaryCases = [
      case4(
        "binary cross-entropy", BinaryCrossentropy(fromLogits: true, reduction: .none), binary,
        [0, s, s, 0], [0, 1, -1, 0])
    ]
    let focalCases = [0, 0.5, 1, 2, 3.5].flatMap { gamma in
      [
        case4(
          "focal binary cross-entropy \(gamma)",
          BinaryFocalCrossentropy(gamma: gamma, fromLogits: true, reduction: .none), binary,
          [0, s, s, 0], [0, 1, -1, 0]),
        case2(
          "focal cross-entropy \(gamma)",
          CategoricalFocalCrossentropy(
            alpha: 1, gamma: gamma, fromLogits: true, reduction: .none), hot, [0, 2 * s], wrong),
      ]
    }
    let entropies = [
      case2(
        "cross-entropy", CategoricalCrossentropy(fromLogits: true, reduction: .none), hot,
        [0, 2 * s], wrong),
      case2(
        "cross-entropy of numbers",
        SparseCategoricalCrossentropy(fromLogits: true, reduction: .none), first - 1,
        [0, 2 * s], wrong),
      case2(
        "cross-entropy of numbers, some ignored",
        SparseCategoricalCrossentropy(fromLogits: true, ignoreClass: 7, reduction: .none),
        Tensor([[7], [0]]), [0, 2 * s], wrong),
      case2("categorical hinge", CategoricalHinge(reduction: .none), hot, [0, 2 * s + 1], wrong),
    ]
    let margins = [
      case4("hinge", Hinge(reduction: .none), signs, [0, 1 + s, 1 + s, 0], [0, 1, -1, 0]),
      case4(
        "hinge of 0 and 1", Hinge(reduction: .none), binary, [0, 1 + s, 1 + s, 0], [0, 1, -1, 0]),
      case4(
        "squared hinge", SquaredHinge(reduction: .none), signs,
        [0, (1 + s) * (1 + s), (1 + s) * (1 + s), 0], [0, 2 * (1 + s), -2 * (1 + s), 0]),
    ]
    let log2 = 0.6931471805599453
    let errors = [
      case4(
        "squared error", MeanSquaredError(reduction: .none), zero, [s * s, s * s, s * s, s * s],
        [2 * s, 2 * s, -2 * s, -2 * s]),
      case4("error", MeanAbsoluteError(reduction: .none), zero, [s, s, s, s], [1, 1, -1, -1]),
      case4(
        "huber", Huber(reduction: .none), zero, [s - 0.5, s - 0.5, s - 0.5, s - 0.5],
        [1, 1, -1, -1]),
      case4(
        "log cosh", LogCosh(reduction: .none), zero, [s - log2, s - log2, s - log2, s - log2],
        [1, 1, -1, -1]),
      case4(
        "error in per cent of nothing", MeanAbsolutePercentageError(reduction: .none), zero,
        [1e9 * s, 1e9 * s, 1e9 * s, 1e9 * s], [1e9, 1e9, -1e9, -1e9]),
      case2(
        "cosine", CosineSimilarity(reduction: .none), Tensor([[2.0, -2], [3, -3]]), [-1, 1],
        [0, 0, 0, 0]),
      case4(
        "contrastive", Contrastive(margin: 2, reduction: .none), Tensor([[1.0], [0], [0], [1]]),
        [0, s * s / 2, s * s / 2, (s + 2) * (s + 2) / 2], [0, s, -s, -(s + 2)]),
    ]
    return binaryCases + focalCases + entropies + margins + errors
  }

  /// What is computed from probabilities of 0 and 1, clipped to 1e-7 and to `1 − u`: float32 holds no number nearer to 1.
  private static func probabilities(_ dtype: DType) -> [ExtremeCase] {
    let e = 1e-7
    let u = dtype == .float64 ? e : Double(1 - Float(1 - e))
    let (yes, no, all) = (-Double.log(1 - u), -Double.log(e), -Double.log(u))
    let p = Tensor([[0], [0], [1], [1]], dtype: .float64)
    let t = Tensor([[1], [0], [1], [0]])
    let rows = Tensor([[1, 0], [0, 1], [0, 0]], dtype: .float64)
    let hot = Tensor([[1, 0], [1, 0], [1, 0]])
    let none = [Double](repeating: 0, count: 6)
    let half = 0.5
    return [
      ExtremeCase(
        name: "binary cross-entropy", loss: BinaryCrossentropy(reduction: .none), yTrue: t,
        yPred: p,
        values: [no, yes, yes, all], gradient: [0, 0, 0, 0]),
      // The factor is (1 − q)², not clipped: 1 where all is wrong; its slope is -2 (1 − q).
      ExtremeCase(
        name: "focal binary cross-entropy", loss: BinaryFocalCrossentropy(reduction: .none),
        yTrue: t,
        yPred: p, values: [no, 0, 0, all], gradient: [-2 * no, 0, 0, 2 * all]),
      ExtremeCase(
        name: "cross-entropy", loss: CategoricalCrossentropy(reduction: .none), yTrue: hot,
        yPred: rows, values: [yes, no, no], gradient: none),
      ExtremeCase(
        name: "cross-entropy of numbers", loss: SparseCategoricalCrossentropy(reduction: .none),
        yTrue: Tensor([0, 0, 0]), yPred: rows, values: [yes, no, no], gradient: none),
      ExtremeCase(
        name: "focal cross-entropy",
        loss: CategoricalFocalCrossentropy(alpha: 1, reduction: .none), yTrue: hot, yPred: rows,
        values: [u * u * yes, (1 - e) * (1 - e) * no, (1 - e) * (1 - e) * no], gradient: none),
      // Below 1e-7 a straight line: its slope is that of the chord from 0.
      ExtremeCase(
        name: "generalized cross-entropy",
        loss: CategoricalGeneralizedCrossEntropy(q: half, reduction: .none),
        yTrue: Tensor([0, 0, 0]), yPred: rows, values: [0, 2, 2],
        gradient: [-1, 0, -2 / e.squareRoot(), 0, -2 / e.squareRoot(), 0]),
      // At 1 half of a gradient passes the bound.
      ExtremeCase(
        name: "divergence", loss: KLDivergence(reduction: .none), yTrue: hot, yPred: rows,
        values: [0, no - e * no, no], gradient: [-half, 0, 0, -half * e, 0, 0]),
      ExtremeCase(
        name: "Poisson", loss: Poisson(reduction: .none), yTrue: Tensor([[2], [0]]),
        yPred: Tensor([[0], [0]], dtype: .float64), values: [2 * no, 0], gradient: [1 - 2 / e, 1]),
      ExtremeCase(
        name: "squared logarithmic error", loss: MeanSquaredLogarithmicError(reduction: .none),
        yTrue: Tensor([[0], [-5]]), yPred: Tensor([[0], [-5]], dtype: .float64), values: [0, 0],
        gradient: [0, 0]),
      ExtremeCase(
        name: "overlap of nothing", loss: Dice(reduction: .none), yTrue: 0 * t, yPred: 0 * p,
        values: [1], gradient: [0, 0, 0, 0]),
      ExtremeCase(
        name: "overlap", loss: Dice(reduction: .none), yTrue: t, yPred: 1 - p,
        values: [1 - 2 / (4 + e)],
        gradient: [1.0, 0, 1, 0].map { (2 - 2 * $0 * (4 + e)) / ((4 + e) * (4 + e)) }),
      ExtremeCase(
        name: "overlap of nothing, weighted", loss: Tversky(reduction: .none), yTrue: 0 * t,
        yPred: 0 * p, values: [1], gradient: [0, 0, 0, 0]),
      ExtremeCase(
        name: "cosine with nothing", loss: CosineSimilarity(reduction: .none),
        yTrue: Tensor([[1.0, 0]]), yPred: Tensor([[0.0, 0]], dtype: .float64), values: [0],
        gradient: [-1 / e, 0]),
    ]
  }

  @Test(
    "have the values and gradients of their closed forms", arguments: [DType.float64, .float32])
  func closedForms(_ dtype: DType) throws {
    let tolerance = dtype == .float64 ? 1e-9 : 1e-5
    for example in Self.numbers(100) + Self.numbers(10_000) + Self.probabilities(dtype) {
      let yPred = example.yPred.cast(to: dtype)
      let loss = { (yPred: Tensor) in try example.loss(yTrue: example.yTrue, yPred: yPred) }
      let values = try loss(yPred)
      let gradient = try grad { sum(try loss($0)) }(yPred)
      #expect(values.dtype == dtype && gradient.dtype == dtype)
      expectClose(
        values.reshape([-1]), Tensor(example.values, dtype: dtype), atol: tolerance,
        rtol: tolerance, "\(example.name)")
      expectClose(
        gradient, Tensor(example.gradient, shape: yPred.shape, dtype: dtype), atol: tolerance,
        rtol: tolerance, "gradient of \(example.name)")
    }
  }

  /// Predictions of a case at the ends of what they can be.
  private func extremes(_ example: FixtureCase) throws -> [Tensor] {
    let yPred = try example["y_pred"].tensor()
    let kind = try example.optional("data")?.string() ?? "real"
    switch kind {
    case "edges": return [yPred]
    case "positive": return [yPred * 0, yPred * 1e4]
    case "binary", "one-hot", "classes", "distributions":
      let some = (yPred .> 0.3).cast(to: .float32)
      return [yPred * 0, yPred * 0 + 1, some, 1 - some]
    default: return [100, -100, 1e4, -1e4, 0].map { yPred * $0 }
    }
  }

  @Test("are numbers, and so are their gradients", arguments: try LossTable.cases("losses"))
  func finite(_ example: FixtureCase) throws { try expectFinite(example) }

  @Test("are numbers, and so are their gradients, of embeddings", arguments: LossTable.others)
  func finiteOfOthers(_ example: FixtureCase) throws { try expectFinite(example) }

  private func expectFinite(_ example: FixtureCase) throws {
    let yTrue = try example["y_true"].tensor()
    let isOfSums = try LossTable.make(example, .none) is any LossOfSums
    for yPred in try extremes(example) {
      for dtype in [DType.float32, .float64] {
        for weight in [nil, isOfSums ? Tensor(0.0) : Tensor.zeros([yPred.shape[0]])] {
          for reduction in [Reduction.sum, .sumOverBatchSize] {
            let loss = try LossTable.make(example, reduction)
            let (value, gradient) = try valueAndGrad { (yPred: Tensor) in
              try loss(yTrue: yTrue, yPred: yPred, sampleWeight: weight)
            }(yPred.cast(to: dtype))
            #expect(value.item().isFinite, "\(loss.name) is \(value) of \(yPred)")
            let isNumber = all(isFinite(gradient)).item(as: Bool.self)
            #expect(isNumber, "the gradient of \(loss.name) is \(gradient) of \(yPred)")
            if weight != nil { #expect(value.item() == 0 && max(abs(gradient)).item() == 0) }
          }
        }
      }
    }
  }

  @Test("of label sequences, where logits are large")
  func sequences() throws {
    for s in [100.0, 10_000] {
      // Right, wrong, and the only alignment.
      let logits = Tensor(
        [[[-s, s], [s, -s]], [[s, -s], [s, -s]], [[-s, s], [-s, s]]], dtype: .float64)
      let labels = Tensor([[1], [1], [1]])
      let loss = CTC(reduction: .none)
      expectClose(
        try loss(yTrue: labels, yPred: logits), [0, 2 * s - 0.6931471805599453, 0], atol: 1e-9)
      let gradient = try grad { sum(try loss(yTrue: labels, yPred: $0)) }(logits)
      expectClose(
        gradient, [0, 0, 0, 0, 0.5, -0.5, 0.5, -0.5, 0, 0, 0, 0], atol: 1e-9)
    }
  }
}

extension Double {
  /// The natural logarithm.
  fileprivate static func log(_ x: Double) -> Double {
    Engine.log(Tensor(x, dtype: .float64)).item()
  }
}
