import Tensors
import TensorsTestSupport

extension GradientTable {
  /// Arguments: the slices, the first states, and weights.
  private static func loop(
    _ name: String, inputs: Shape = [3, 2, 2], states: [Shape] = [[2, 2]], axis: Int = 0,
    reverse: Bool = false, lastOnly: Bool = false,
    _ step:
      @escaping @Sendable (_ states: [Tensor], _ x: Tensor, _ weights: Tensor) throws -> (
        state: [Tensor], result: [Tensor]
      )
  ) -> GradientCase {
    GradientCase(
      name: "scan \(name)",
      arguments: { draw in ([inputs] + states + [[2, 2]]).map { draw.uniform($0) } },
      function: { x in
        let (last, results) = try scan(
          over: x[0], initial: Array(x[1...states.count]), axis: axis, reverse: reverse
        ) { (states: [Tensor], slice: Tensor) in try step(states, slice, x[x.count - 1]) }
        let zero = Tensor(0, dtype: .float64)
        let ends = last.filter(\.dtype.isFloating).reduce(zero) { $0 + sum(square($1)) }
        return lastOnly ? ends : results.reduce(ends) { $0 + sum(sin($1)) }
      })
  }

  static let loops: [GradientCase] = [
    loop("of a recurrent layer") { s, x, w in
      let h = tanh(matmul(s[0], w) + x)
      return ([h], [h])
    },
    loop("backwards along the second axis", inputs: [2, 4, 2], axis: 1, reverse: true) { s, x, w in
      let h = tanh(matmul(s[0] * 2, w) + square(x))
      return ([h], [h * x, s[0]])
    },
    loop("of the last state", lastOnly: true) { s, x, w in
      ([sin(matmul(s[0], w)) * x], [])
    },
    loop("of one step", inputs: [1, 2, 2]) { s, x, w in ([s[0] * x], [matmul(x, w)]) },
    loop("without elements", inputs: [3, 0, 2], states: [[0, 2]]) { s, x, w in
      ([matmul(s[0], w)], [s[0] * x])
    },
    loop("with gates", states: [[2, 2], [2, 2]]) { s, x, w in
      let sums = matmul(s[0] + x, concatenate([w, w, sin(w)], axis: 1))
      let gate = sigmoid(sums[.all, ..<2])
      let c = gate * s[1] + (1 - gate) * tanh(sums[.all, 2..<4])
      return ([gelu(sums[.all, 4...]) * c, c], [c])
    },
    loop("whose states change places", states: [[2, 2], [2, 2]]) { s, x, w in
      ([s[1] * x, s[0]], [s[0], w * s[1], w])
    },
    loop("that ignores its state, its weights or its slices", states: [[2, 2], [2, 2]]) { s, x, w in
      ([x, s[1]], [Tensor(1, dtype: .float64) * s[1]])
    },
    loop("that skips steps") { s, x, w in
      let h = exp(matmul(s[0], w) * 0.1) * x
      return ([select(x .> 0.9, h, s[0])], [select(x .> 0.9, 0, h)])
    },
    loop("of a broadcast state", states: [[2]]) { s, x, w in
      let y = sum(s[0] * x, axis: 0)
      return ([y * 0.5], [matmul(x, w) * s[0]])
    },
    loop("of loops") { s, x, w in
      let (h, steps) = try scan(over: x, initial: s[0], axis: 1) { (h: Tensor, x: Tensor) in
        let next = tanh(matmul(h, w) + x)
        return (next, x * h[0])
      }
      return ([h], [steps])
    },
    loop("with a gradient inside") { s, x, w in
      let slope = try grad { (h: Tensor) in sum(sin(matmul(h, w)) * x) }(s[0])
      return ([s[0] - 0.1 * slope], [slope])
    },
    loop("with a checkpoint inside") { s, x, w in
      let h = try checkpoint { (h: Tensor, x: Tensor) in tanh(matmul(h, w) + sin(x)) }(s[0], x)
      return ([h], [h])
    },
  ]
}
