import Tensors
import TensorsTestSupport
import Testing

/// One size of problem for comparison with the formula.
private struct Problem: Sendable, CustomTestStringConvertible {
  enum Mask: String, Sendable { case none, bool, padding, added }
  var batch = 2
  var heads = 2
  let queries: Int
  let keys: Int
  let size: Int
  var isCausal = false
  var mask = Mask.none

  var testDescription: String {
    "\(queries) on \(keys), size \(size), \(isCausal ? "causal, " : "")mask \(mask)"
  }

  /// Odd sizes, and sizes around a tile of 64 and around 16 lanes.
  static let all: [Problem] =
    [(1, 1), (5, 7), (7, 5), (16, 48), (64, 64), (65, 63), (130, 70), (70, 130)].flatMap { q, k in
      [1, 5, 16, 40].flatMap { size in
        [false, true].flatMap { isCausal in
          [Mask.none, .bool, .padding, .added].map { mask in
            Problem(queries: q, keys: k, size: size, isCausal: isCausal, mask: mask)
          }
        }
      }
    }

  func inputs(_ dtype: DType) -> (q: Tensor, k: Tensor, v: Tensor, mask: Tensor?) {
    var generator = SeededGenerator(seed: UInt64(queries * 1000 + keys * 10 + size))
    let q = generator.uniform([batch, queries, heads, size], from: -2, to: 2)
    let k = generator.uniform([batch, keys, heads, size], from: -2, to: 2)
    let v = generator.uniform([batch, keys, heads, size])
    let given: Tensor? =
      switch mask {
      case .none: nil
      // Some queries see nothing at all.
      case .bool: generator.uniform([batch, 1, queries, keys]) .> 0.3
      case .padding: generator.uniform([batch, 1, 1, keys]) .> -0.5
      case .added: generator.uniform([heads, queries, keys])
      }
    return (
      q.cast(to: dtype), k.cast(to: dtype), v.cast(to: dtype),
      given.map { $0.dtype == .bool ? $0 : $0.cast(to: dtype) }
    )
  }
}

/// The formula with whole matrices of scores, from operations with tests of their own.
private func formula(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, _ mask: Tensor?, isCausal: Bool, scale: Double
) -> Tensor {
  func headsFirst(_ x: Tensor) -> Tensor { transpose(x, [0, 2, 1, 3]) }
  var scores = matmul(headsFirst(q), headsFirst(k).transposed) * scale
  var visible = Tensor.ones([q.shape[1], k.shape[1]]) .> 0
  if isCausal {
    let rows = Tensor.arange(q.shape[1]).expandDims(axis: 1)
    visible = rows .>= Tensor.arange(k.shape[1])
  }
  if let mask, mask.dtype == .bool { visible = logicalAnd(visible, mask) }
  if let mask, mask.dtype != .bool { scores = scores + mask }
  // exp(−1e30 − x) is 0; a row without visible keys is even, and multiplied by 0.
  let weights = softmax(select(visible, scores, -1e30)) * visible.cast(to: q.dtype)
  return headsFirst(matmul(weights, headsFirst(v)))
}

@Suite("Scaled dot-product attention")
struct AttentionTests {
  @Test("Values and gradients agree with the formula", arguments: Problem.all)
  private func agreesWithFormula(_ problem: Problem) throws {
    let scale = 0.7
    for dtype in [DType.float64, .float32] {
      let (q, k, v, mask) = problem.inputs(dtype)
      let isAdded = mask?.dtype.isFloating ?? false
      var generator = SeededGenerator(seed: 3)
      let cotangent = generator.uniform(q.shape).cast(to: dtype)
      func both(
        _ function: @escaping ([Tensor]) -> Tensor
      ) throws -> (Tensor, [Tensor]) {
        let arguments = [q, k, v] + (isAdded ? [mask].compactMap { $0 } : [])
        return (
          function(arguments), try grad { sum(function($0) * cotangent) }(arguments)
        )
      }
      let (expected, slopes) = try both { x in
        formula(
          x[0], x[1], x[2], isAdded ? x[3] : mask, isCausal: problem.isCausal, scale: scale)
      }
      let (actual, gradients) = try both { x in
        scaledDotProductAttention(
          x[0], x[1], x[2], mask: isAdded ? x[3] : mask, isCausal: problem.isCausal, scale: scale)
      }
      let tolerance = dtype == .float64 ? 1e-12 : 2e-5
      expectClose(actual, expected, atol: tolerance, rtol: tolerance, "\(dtype)")
      for (index, (a, b)) in zip(gradients, slopes).enumerated() {
        expectClose(a, b, atol: tolerance, rtol: tolerance, "\(dtype), by argument \(index)")
      }
    }
  }

  @Test(
    "PyTorch's values and gradients, at once and compiled",
    arguments: try Fixture.load("attention", from: .module).cases, [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let tolerance = dtype == .float64 ? 1e-8 : 2e-6
    let inputs = try ["query", "key", "value"].map { try example[$0].tensor(dtype) }
    let isAdded = example.optional("mask_gradient") != nil
    let mask = try example.optional("mask").map { try $0.tensor(isAdded ? dtype : nil) }
    let isCausal = try example["causal"].bool()
    let scale = try example.optional("scale")?.double()
    let cotangent = try example["cotangent"].tensor(dtype)
    let attention = { (x: [Tensor]) in
      scaledDotProductAttention(
        x[0], x[1], x[2], mask: isAdded ? x[3] : mask, isCausal: isCausal, scale: scale)
    }
    let whole = { (x: [Tensor]) in
      [attention(x)] + (try grad { sum(attention($0) * cotangent) }(x))
    }
    let arguments = inputs + (isAdded ? [mask].compactMap { $0 } : [])
    let names =
      ["output", "query_gradient", "key_gradient", "value_gradient"]
      + (isAdded ? ["mask_gradient"] : [])
    for results in [try whole(arguments), try jit(whole)(arguments)] {
      #expect(results.count == names.count)
      for (name, result) in zip(names, results) {
        expectClose(
          result, try example[name].tensor(dtype), atol: tolerance, rtol: tolerance, name)
      }
    }
  }

  @Test("Parts of one tensor, and any strides, give what copies give")
  func stridesDoNotMatter() throws {
    var generator = SeededGenerator(seed: 5)
    let joined = generator.uniform([2, 20, 3, 2, 6])
    let parts = (0..<3).map { joined[.all, .all, $0] }
    let copies = parts.map { $0 + Tensor(0.0, dtype: .float64) }
    // [batch, time, heads, size] with neighbours along the last axis far apart.
    let turned = copies.map {
      transpose(transpose($0, [3, 2, 1, 0]) + Tensor(0.0, dtype: .float64), [3, 2, 1, 0])
    }
    let expected = scaledDotProductAttention(copies[0], copies[1], copies[2], isCausal: true)
    let slopes = try grad {
      sum(square(scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true)))
    }(copies)
    for inputs in [parts, turned] {
      expectClose(
        scaledDotProductAttention(inputs[0], inputs[1], inputs[2], isCausal: true), expected,
        atol: 1e-14, rtol: 1e-14)
      let gradients = try grad {
        sum(square(scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true)))
      }(inputs)
      for (a, b) in zip(gradients, slopes) { expectClose(a, b, atol: 1e-13, rtol: 1e-13) }
    }
  }

  @Test("A query that sees no key gives zeros and has no gradient", arguments: [false, true])
  func hiddenQueries(isAdded: Bool) throws {
    var generator = SeededGenerator(seed: 6)
    let x = (0..<3).map { _ in generator.uniform([1, 3, 1, 2], dtype: .float32) }
    let visible = Tensor([1.0, 0, 1]).reshape([3, 1]) .> 0
    let mask = isAdded ? select(visible, Tensor([0.0]), Tensor([-Double.infinity])) : visible
    let attention = { (x: [Tensor]) in scaledDotProductAttention(x[0], x[1], x[2], mask: mask) }
    expectClose(attention(x)[0, 1, 0], [0, 0], atol: 0)
    let gradients = try grad { sum(attention($0)) }(x)
    expectClose(gradients[0][0, 1, 0], [0, 0], atol: 0)
    for gradient in gradients { #expect(all(isFinite(gradient)).item() == 1) }
  }

  @Test("NaN in a query reaches its own result and no other")
  func notANumber() throws {
    var generator = SeededGenerator(seed: 7)
    let (k, v) = (generator.uniform([1, 3, 1, 2]), generator.uniform([1, 3, 1, 2]))
    let q = Tensor([0.1, 0.2, .nan, 0.3, 0.4, 0.5], shape: [1, 3, 1, 2], dtype: .float64)
    let y = scaledDotProductAttention(q, k, v).scalars(as: Double.self)
    #expect(y.map(\.isNaN) == [false, false, true, true, false, false])
  }

  @Test("Large scores do not overflow")
  func largeScores() {
    let q = Tensor([1000.0], shape: [1, 1, 1, 1], dtype: .float32)
    let k = Tensor([1.0, 2, -3], shape: [1, 3, 1, 1], dtype: .float32)
    let v = Tensor([5.0, 6, 7], shape: [1, 3, 1, 1], dtype: .float32)
    expectClose(scaledDotProductAttention(q, k, v), [6], atol: 0)
  }

  @Test("Types promote, and integers become float32")
  func types() {
    let x = Tensor.ones([1, 2, 1, 2], dtype: .int32)
    #expect(scaledDotProductAttention(x, x, x).dtype == .float32)
    let wide = x.cast(to: .float64)
    #expect(scaledDotProductAttention(x, wide, x).dtype == .float64)
  }

  @Test("What does not fit is described")
  func mistakes() {
    func message(_ body: () -> Tensor) -> String {
      do { _ = try withErrors { body() } } catch { return "\(error)" }
      return ""
    }
    let x = Tensor.zeros([2, 3, 4, 5])
    #expect(
      message { scaledDotProductAttention(x, Tensor.zeros([2, 3, 4, 6]), x) }
        == "scaledDotProductAttention: queries [2, 3, 4, 5], keys [2, 3, 4, 6] and values "
        + "[2, 3, 4, 5] do not fit: they must be [batch, queries, heads, size] and twice "
        + "[batch, keys, heads, size]")
    #expect(
      message { scaledDotProductAttention(x, x, x, mask: Tensor.zeros([5, 4, 3, 3])) }
        == "scaledDotProductAttention: cannot combine [5, 4, 3, 3] and [2, 4, 3, 3]: axis -4 has "
        + "lengths 5 and 2, which must be equal or one of them 1")
    #expect(
      message { scaledDotProductAttention(x, x, x, mask: Tensor.zeros([7, 2, 4, 3, 3])) }
        == "scaledDotProductAttention: a mask of shape [7, 2, 4, 3, 3] does not broadcast to "
        + "[batch, heads, queries, keys] = [2, 4, 3, 3]")
    #expect(
      message { scaledDotProductAttention(x, x, x, mask: Tensor.ones([3, 3], dtype: .int32)) }
        == "scaledDotProductAttention: the mask must be bool (true: visible) or floating (added), "
        + "got int32")
  }
}
