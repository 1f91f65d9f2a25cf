import Tensors

/// Metrics that share their name with a loss or an operation: `Metrics.MeanSquaredError()`.
public enum Metrics {}
