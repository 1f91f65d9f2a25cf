import Tensors

/// The mean of numbers, each counted as a number of samples: how losses and `addMetric` values are logged over an epoch.
final class MeanTracker: AnyMetric {
  /// Counts `value` (a scalar) as `rows` samples. No samples count nothing, whatever the value.
  func add(_ value: Tensor, rows: Int) {
    // The variables must exist on every rank, also on one without samples: they are combined in one message.
    let (total, count) = (state("total"), state("count"))
    guard rows > 0 else { return }
    total.value = total.value + value.cast(to: .float64) * Double(rows)
    count.value = count.value + Double(rows)
  }

  /// How many samples were counted.
  var samples: Double { state("count").value.item() }

  /// The mean so far, 0 before the first sample.
  func result() -> Tensor { ratio(state("total").value, state("count").value) }
}
