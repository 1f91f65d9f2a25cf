import Tensors

/// A learning rate that rises once and then falls far below where it began.
///
/// It rises from `maxLearningRate / divFactor` to `maxLearningRate` until update `pctStart · totalSteps − 1`, counted from 0, and falls to
/// `maxLearningRate / divFactor / finalDivFactor` until the last of `totalSteps`. With `threePhase` it falls to where it began, as fast as it rose,
/// and then to the end. After `totalSteps` it stays, where PyTorch has an error. The momentum, which PyTorch moves against the rate unless
/// `cycle_momentum` is false, stays as it is.
///
/// - SeeAlso: Smith, Topin, *Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates* (2018), §2; PyTorch,
///   `optim.lr_scheduler.OneCycleLR`.
public struct OneCycle: LearningRateSchedule {
  /// How the rate goes from one value to the next.
  public enum AnnealStrategy: String, Hashable, Sendable, Codable, CaseIterable {
    /// Along half a cosine.
    case cos
    /// In a straight line.
    case linear
  }

  /// The highest rate.
  public let maxLearningRate: Double
  /// How many updates there are.
  public let totalSteps: Int
  /// The part of the updates in which the rate rises.
  public let pctStart: Double
  /// How the rate goes from one value to the next.
  public let annealStrategy: AnnealStrategy
  /// The highest rate relative to the first one.
  public let divFactor: Double
  /// The first rate relative to the last one.
  public let finalDivFactor: Double
  /// Whether the rate falls to the first one before it falls to the last one.
  public let threePhase: Bool

  /// The schedule; PyTorch's defaults.
  ///
  /// Fails with ``EngineError/invalidArgument(message:)`` for `totalSteps` below 1, a `pctStart` outside of 0...1 (with `threePhase` 0...0.5), and factors
  /// that are not above 0.
  public init(
    maxLearningRate: Double, totalSteps: Int, pctStart: Double = 0.3,
    annealStrategy: AnnealStrategy = .cos, divFactor: Double = 25, finalDivFactor: Double = 1e4,
    threePhase: Bool = false
  ) {
    requirePositive(totalSteps, "OneCycle: totalSteps")
    let most = threePhase ? 0.5 : 1
    if !(0...most).contains(pctStart) || !(divFactor > 0) || !(finalDivFactor > 0) {
      fail(
        EngineError.invalidArgument(
          message:
            "OneCycle: pctStart must be in 0...\(most) and divFactor and finalDivFactor above 0, "
            + "got \(pctStart), \(divFactor) and \(finalDivFactor)"))
    }
    self.maxLearningRate = maxLearningRate
    self.totalSteps = totalSteps
    self.pctStart = pctStart
    self.annealStrategy = annealStrategy
    self.divFactor = divFactor
    self.finalDivFactor = finalDivFactor
    self.threePhase = threePhase
  }

  /// The rate of the first update.
  public var initialValue: Double { maxLearningRate / divFactor }

  /// Where each phase ends, and with which rate.
  private var phases: [(end: Double, rate: Double)] {
    let rise = pctStart * Double(totalSteps)
    let last = (end: Double(totalSteps - 1), rate: initialValue / finalDivFactor)
    let middle = threePhase ? [(end: 2 * rise - 2, rate: initialValue)] : []
    return [(end: rise - 1, rate: maxLearningRate)] + middle + [last]
  }

  /// The rate after `iterations` updates; float32 scalar.
  public func value(at iterations: Tensor) -> Tensor {
    let step = iterations.cast(to: .float64)
    var pieces: [(end: Double, rate: Tensor)] = []
    var (start, from) = (0.0, initialValue)
    for (end, rate) in phases {
      // A phase of no length is over at once.
      let done = end > start ? clip((step - start) / (end - start), min: 0, max: 1) : Tensor(1.0)
      pieces.append((end, between(from, rate, done.cast(to: .float64))))
      (start, from) = (end, rate)
    }
    var rate = pieces.removeLast().rate
    for piece in pieces.reversed() { rate = select(step .<= piece.end, piece.rate, rate) }
    return rate.cast(to: .float32)
  }

  private func between(_ start: Double, _ end: Double, _ done: Tensor) -> Tensor {
    switch annealStrategy {
    case .linear: done * (end - start) + start
    case .cos: (cos(done * Double.pi) + 1) * ((start - end) / 2) + end
    }
  }
}
