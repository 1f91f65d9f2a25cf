import Tensors
import TensorsTestSupport

extension GradientTable {
  /// Arguments: sums, weights, the first state, that of the memory or the bias, and factors of the states.
  private static func recurrent(
    _ name: String, _ kind: RecurrenceCell.Kind, batch: Int = 2, time: Int = 3, units: Int = 2,
    activation: RecurrenceCell.Activation = .tanh, gate: RecurrenceCell.Activation = .sigmoid,
    isReversed: Bool = false, mask: Tensor? = nil, hasDrop: Bool = false, lastOnly: Bool = false
  ) -> GradientCase {
    let gates = kind == .lstm ? 4 : kind == .gru ? 3 : 1
    return GradientCase(
      name: "\(kind) \(name)",
      arguments: { draw in
        var shapes: [Shape] = [
          [batch, time, gates * units], [units, gates * units], [batch, units],
        ]
        if kind == .gru { shapes.append([units]) }
        if kind == .lstm { shapes.append([batch, units]) }
        if hasDrop { shapes.append([batch, units]) }
        return shapes.map { draw.uniform($0) }
      },
      function: { x in
        let (outputs, states) = recurrence(
          RecurrenceCell(kind, activation: activation, gate: gate, isReversed: isReversed),
          sums: x[0], weights: x[1], states: kind == .lstm ? [x[2], x[3]] : [x[2]],
          bias: kind == .gru ? x[3] : nil, mask: mask, drop: hasDrop ? x[x.count - 1] : nil)
        let ends = states.reduce(Tensor(0, dtype: .float64)) { $0 + sum(square($1)) }
        return lastOnly ? ends : square(outputs) + ends
      })
  }

  static let recurrences: [GradientCase] =
    ([.simple, .gru, .lstm] as [RecurrenceCell.Kind]).flatMap { kind in
      [
        recurrent("layer", kind),
        recurrent("layer with the last state", kind, lastOnly: true),
        recurrent("layer backwards", kind, isReversed: true),
        recurrent(
          "layer with a mask", kind, mask: Tensor([[1.0, 0, 1], [0, 1, 1]]) .> 0),
        recurrent(
          "layer backwards, all that there is", kind, isReversed: true,
          mask: Tensor([[1.0, 0, 1], [0, 1, 1]]) .> 0, hasDrop: true),
        recurrent("layer with other activations", kind, activation: .hardSigmoid, gate: .linear),
        recurrent("layer of one step", kind, batch: 1, time: 1, units: 3),
        recurrent("layer without a batch", kind, batch: 0),
        recurrent("layer without units", kind, units: 0),
      ]
    }
}
