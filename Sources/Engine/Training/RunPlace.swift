import Tensors

/// What a model does, in errors.
enum Activity {
  static let fit = CollectiveLabel("fit")
  static let evaluate = CollectiveLabel("evaluate")
  static let predict = CollectiveLabel("predict")
  static let trainOnBatch = CollectiveLabel("trainOnBatch")
  static let testOnBatch = CollectiveLabel("testOnBatch")
}

extension Model {
  /// Notes what the model does until `body` returns, for errors and for ranks that wait for this one.
  func at<R>(_ activity: CollectiveLabel, epoch: Int = -1, _ body: () throws -> R) rethrows -> R {
    let outer = place
    place = RankJournal.Place()
    (place.activity, place.epoch) = (activity, epoch)
    communicator.journal?.enter(place)
    // What throws is left where it was: that is where a launcher finds the rank.
    let result = try body()
    place = outer
    communicator.journal?.enter(outer)
    return result
  }

  /// Notes the step. Allocates nothing.
  func enter(step: Int) {
    place.step = step
    communicator.journal?.enter(step: step)
  }
}
