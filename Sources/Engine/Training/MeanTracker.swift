import Tensors

/// The mean of numbers, each counted as a number of samples: how losses and `addMetric` values are logged over an epoch.
final class MeanTracker: AnyMetric {
  // The variables must exist on every rank, also on one without samples: they are combined in one message.
  private lazy var total = state("total")
  private lazy var count = state("count")

  /// Counts `value` (a scalar) as `rows` samples. No samples count nothing, whatever the value.
  func add(_ value: Tensor, rows: Int) {
    let (total, count) = (total, count)
    guard rows > 0 else { return }
    total.value = total.value + value.cast(to: .float64) * Double(rows)
    count.value = count.value + Double(rows)
  }

  /// How many samples were counted.
  var samples: Double { count.value.item() }

  /// ``result()`` as a number.
  var mean: Double {
    let samples = samples
    return samples == 0 ? 0 : total.value.item() / samples
  }

  /// The mean so far, 0 before the first sample.
  func result() -> Tensor { ratio(total.value, count.value) }
}
