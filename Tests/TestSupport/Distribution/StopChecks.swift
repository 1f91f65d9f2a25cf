import Engine

/// Ends training on some ranks at one moment, and writes down what this rank did.
private final class Stop: Callback {
  enum Moment { case step(Int), epochEnd }
  let epoch: Int
  let moment: Moment
  let isMine: Bool
  var steps: [Int] = []
  private var current = 0

  init(_ moment: Moment, epoch: Int, isMine: Bool) {
    self.epoch = epoch
    self.moment = moment
    self.isMine = isMine
    super.init()
  }

  override func onEpochBegin(_ epoch: Int, logs: Logs) {
    current = epoch
    steps.append(0)
  }

  override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    steps[steps.count - 1] += 1
    if case .step(step) = moment, current == epoch, isMine { model?.stopTraining = true }
  }

  override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    if case .epochEnd = moment, epoch == self.epoch, isMine { model?.stopTraining = true }
  }
}

/// `stopTraining`, set on one rank or on all, ends all of them after the same step of the same epoch.
func checkStopping() throws {
  let communicator = DistributionContext.strategy.communicator
  let last = communicator.size - 1
  // Steps of each epoch of 6. In one process the step ends at which it was set; several ranks hear of it in the next one.
  let cases: [(Stop.Moment, ifAlone: [Int], ifMany: [Int])] = [
    (.step(2), [6, 3], [6, 4]), (.step(4), [6, 5], [6, 6]), (.step(5), [6, 6], [6, 6]),
    (.epochEnd, [6, 6], [6, 6]),
  ]
  for (moment, ifAlone, ifMany) in cases {
    for who in [[last], [0], Array(0...last)] {
      for runEagerly in [false, true] {
        let stop = Stop(moment, epoch: 1, isMine: who.contains(communicator.rank))
        let x = randomNormal([24, 5], key: RandomKey(seed: 7))
        let model = Model(
          module: Linear(2), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1),
          runEagerly: runEagerly)
        let history = try model.fit(
          x: x, y: x[.all, 0..<2], batchSize: 4, epochs: 5, verbose: .silent, callbacks: [stop],
          validationData: ValidationData(x: x, y: x[.all, 0..<2]))
        let place = "\(moment) on \(who) of \(communicator.size), eagerly: \(runEagerly)"
        try requireEqual(stop.steps, communicator.size == 1 ? ifAlone : ifMany, place)
        try requireEqual(history["val_loss"].count, 2, "epochs, \(place)")
        try require(model.stopTraining, "every rank knows that training was stopped, \(place)")
        try agree(on: [model.weightsSHA256], subject: "weights", communicator: communicator)
        // Nothing of it is left: the next run goes on to its end.
        let whole = try model.fit(
          x: x, y: x[.all, 0..<2], batchSize: 4, epochs: 2, verbose: .silent)
        try requireEqual(whole["loss"].count, 2, "epochs of the next run, \(place)")
      }
    }
  }
}
