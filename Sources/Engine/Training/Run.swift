import Tensors

/// What a model can be called for, in errors.
enum Activity {
  static let fit = CollectiveLabel("fit")
  static let evaluate = CollectiveLabel("evaluate")
  static let predict = CollectiveLabel("predict")
  static let trainOnBatch = CollectiveLabel("trainOnBatch")
  static let testOnBatch = CollectiveLabel("testOnBatch")
}

/// One call of `fit`, `evaluate`, `predict`, `trainOnBatch` or `testOnBatch`: what begins and ends with it.
final class Run {
  let model: Model
  /// Whether a callback of another call makes this one.
  let isNested: Bool
  /// Where in the call this rank is, for errors and for ranks that wait for this one.
  private(set) var place = RankJournal.Place()

  fileprivate init(_ model: Model, _ activity: CollectiveLabel, isNested: Bool) {
    self.model = model
    self.isNested = isNested
    place.activity = activity
  }

  /// The name of the method that was called.
  var name: String { place.activity.text }

  /// Notes the epoch, counted from 0; nil between epochs.
  func enter(epoch: Int?) {
    (place.epoch, place.step) = (epoch ?? -1, -1)
    model.communicator.journal?.enter(place)
  }

  /// Notes the step. Allocates nothing.
  func enter(step: Int) {
    place.step = step
    model.communicator.journal?.enter(step: step)
  }
}

extension Model {
  /// Runs `body`, which is one call of the model.
  ///
  /// A callback may make a call while another one is under way: that one goes on with the metrics that it had.
  func withRun<R>(_ activity: CollectiveLabel, _ body: (Run) throws -> R) throws -> R {
    let outer = run
    let counted = outer == nil ? [] : metricStates.map { ($0, $0.stored) }
    let inner = Run(self, activity, isNested: outer != nil)
    run = inner
    defer {
      run = outer
      if outer != nil {
        // A state that the inner call has made was empty.
        resetMetrics()
        for (state, value) in counted { state.store(value) }
      }
    }
    communicator.journal?.enter(inner.place)
    // What throws is left where it was: that is where a launcher finds the rank.
    let result = try body(inner)
    communicator.journal?.enter(outer?.place ?? RankJournal.Place())
    return result
  }
}
