import Foundation

/// How far a training is, as a part of the whole: by its places where ranks say them, else by the time in which all ranks were there.
struct TrainingProgress: Sendable {
  /// What an undisturbed run showed.
  struct Measure: Sendable {
    var seconds = 0.0
    var epochs = 0
    var steps = 0

    mutating func add(_ place: TrainingPlace) {
      epochs = max(epochs, place.epoch)
      steps = max(steps, place.step)
    }
  }

  /// Of the undisturbed run.
  let measure: Measure
  private var seconds = 0.0
  private var last: ContinuousClock.Instant?

  /// - Parameter measure: of the undisturbed run.
  init(_ measure: Measure) { self.measure = measure }

  /// The part that is done: 0 at the beginning. By time it may pass 1.
  mutating func part(_ place: TrainingPlace?, areAllHere: Bool) -> Double {
    let now = ContinuousClock.now
    if areAllHere, let last { seconds += (now - last) / .seconds(1) }
    last = areAllHere ? now : nil
    if measure.steps > 0 {
      guard let place else { return 0 }
      let done = (place.epoch - 1) * measure.steps + place.step
      return Double(done) / Double(measure.epochs * measure.steps)
    }
    return measure.seconds > 0 ? seconds / measure.seconds : 0
  }
}
