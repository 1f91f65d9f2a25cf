import Tensors

/// The exponential moving average of everything that has come through: `h ← decay · h + (1 − decay) · x`.
///
/// While training each call counts and gives the new average; otherwise the average so far. With `zeroDebias` it is divided by
/// `1 − decayⁿ` after `n` values, so that starting from 0 leaves no trace. During the first `warmup` calls the average is
/// the last value. The state `hidden` has the input's shape; both it and `counter` are those of rank 0.
///
/// - SeeAlso: Elegy, `nn.ExponentialMovingAverage`; Kingma, Ba (2015), §3, for the division.
public final class ExponentialMovingAverage: Module {
  /// How much of the average is kept at each value.
  public let decay: Double
  /// Whether the start from 0 is made up for.
  public let zeroDebias: Bool
  /// For how many calls the average is the last value.
  public let warmup: Int

  /// A layer; `decay` is in 0..<1 and a warm-up needs no `zeroDebias`, else it fails with
  /// ``EngineError/invalidArgument(message:)``.
  public init(_ decay: Double, zeroDebias: Bool = true, warmup: Int = 0, name: String? = nil) {
    self.decay = decay
    self.zeroDebias = zeroDebias
    self.warmup = warmup
    super.init(name: name)
    check(rate: decay, "decay")
    if zeroDebias, warmup > 0 {
      wrongArguments("after a warm-up there is no start from 0: set zeroDebias to false")
    }
  }

  /// The average, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor {
    let x = floating(x)
    let counter = variable(
      "counter", kind: .state, dtype: .float64, combine: .first, initial: -Double(warmup))
    let hidden = variable(
      "hidden", kind: .state, shape: x.shape, dtype: x.dtype, combine: .first)
    if isTraining {
      counter.value = counter.value + 1
      let kept = select(counter.value .<= 0, Tensor(0.0), Tensor(decay)).cast(to: x.dtype)
      hidden.value = hidden.value * kept + x * (1 - kept)
    }
    guard zeroDebias else { return hidden.value }
    // Before the first value there is nothing to divide by.
    let seen = counter.value
    let power = exp(maximum(seen, 1) * log(Tensor(decay)))
    let weight = select(seen .<= 0, 1, 1 - power)
    return hidden.value / weight.cast(to: x.dtype)
  }
}
