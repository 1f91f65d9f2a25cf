import OrderedCollections
import Tensors

/// A module with losses, metrics and an optimizer: what `fit`, `evaluate` and `predict` work on.
///
/// Under a strategy with several ranks every rank makes the same model and calls the same methods; batches are shared
/// out, gradients added and metric states combined.
public final class Model: TrainingControl {
  /// What computes predictions.
  public let module: AnyModule
  /// What changes the parameters; nil for a model that is only evaluated.
  public let optimizer: Optimizer?
  /// The seed of initial values, dropout and shuffling.
  public let seed: UInt64
  /// Runs operations one by one instead of compiling a step. Slow; gives the same numbers.
  public var runEagerly: Bool
  /// The scalar types that compiled steps compute with.
  public let precision: PrecisionPolicy
  /// Whether products round to bfloat16; decided when the model is built, unless it is set before.
  package var usesBFloat16: Bool?
  /// Set by a callback to end `fit`: see ``TrainingControl/stopTraining``. `fit` begins with false.
  public var stopTraining = false
  /// What the last `fit` logged, epoch by epoch.
  public internal(set) var history = History()
  /// How ranks work together: that of the code that made the model. Inside ``alone(_:)`` a model works as one process,
  /// whatever made it.
  public var strategy: any DistributionStrategy {
    hasRanks ? DistributionContext.chosenAlone ?? ownStrategy : ownStrategy
  }
  private let ownStrategy: any DistributionStrategy
  private let hasRanks: Bool

  let losses: [LossEntry]
  let metrics: [MetricEntry]
  let weightedMetrics: [MetricEntry]
  /// Running means of the losses and of what modules log, in order of first use; `loss` is first.
  var trackers = OrderedDictionary<String, MeanTracker>()
  var steps = StepCache()
  /// How many compiled steps are kept, for other shapes of a batch, forms and constants of its data, and modes of the module;
  /// the one that has not been used for longest makes room for a new one.
  public var stepCacheLimit = 32
  /// The memory of all steps.
  let arena = Arena()
  /// Copies the next batch while a step runs; nil where no CPU is free for it.
  package lazy var prefetcher = Prefetcher.whereUseful()
  var statistics = RunningStatistics()
  var isBuilt = false
  /// Whether the ranks have compared their models and hold rank 0's values; not after a first batch on one rank alone.
  var isShared = false
  /// The modules that the steps were compiled for: a module put into a property later takes part from the next call on.
  var builtModules: [Scope] = []
  /// How many epochs `fit` has begun, counted from `initialEpoch` where one was given: the number of the epoch whose order of
  /// samples the next `fit` begins with.
  public internal(set) var trainedEpochs = 0
  /// The first row and the number of rows of this rank's share of the batch, for noise; nil where there are no other ranks.
  var sharePlace: SharePlace? { strategy.replicaCount > 1 ? joinedPlace : nil }
  private let joinedPlace: SharePlace?
  let stopVote = StopVote()
  /// What training does when the loss or a gradient is infinite or NaN, on any rank; the same on all ranks.
  public var nonFinite = NonFinitePolicy.stop
  /// The number of steps of `fit` after which ranks compare their weights, and of calls of `trainOnBatch` and `testOnBatch`
  /// after which they compare settings and weights; the same on all ranks.
  ///
  /// They also do so before the first step of each `fit`, `evaluate` and `predict`, at the end of `fit` (weights), and at the first of
  /// those calls: with 0 only before the first step, and at the first call.
  public var driftInterval = 100
  /// How many calls of `trainOnBatch` and `testOnBatch` there were on several ranks.
  var batchCalls = 0
  /// Whether ranks must round alike: those that compute with other kernels (another CPU, another core type of OpenBLAS), or with another number of threads, which
  /// changes the order of sums in products, are then an error on all ranks. Otherwise other kernels are noted once, and weights are not compared while
  /// training.
  public var requiresSameBits = false
  /// Whether ranks compute with different kernels.
  package internal(set) var hasSeveralKernelSets = false
  /// How many training steps there were: of `fit` and of `trainOnBatch`.
  public internal(set) var trainedSteps = 0
  /// How many calls of `fit` have begun.
  var fitCalls = 0
  /// A state that the next `fit` goes on from, or that variables get when they have been made.
  var loadedState: LoadedState?
  /// What saves states in the `fit` that is under way.
  weak var fitStates: FitStates?
  /// Training steps that have changed nothing, because of ``NonFinitePolicy/skipStep``.
  public internal(set) var skippedSteps = 0
  /// How many ranks have met such numbers: 0, since steps that have others end before this is written.
  let notFinite = Variable(
    path: "not_finite", kind: .state, initial: Tensor(0.0, dtype: .float32), trainable: false)
  /// The call that is under way, the innermost one; nil between calls.
  weak var run: Run?
  package var shareNote = ShareNote()

  /// A model with one loss.
  ///
  /// A loss or metric that asks for an unknown name fails here, as ``withErrors(_:)`` describes.
  ///
  /// - Parameters:
  ///   - module: takes `x` as it is given to `fit`.
  ///   - loss: what is made small.
  ///   - metrics: reported without sample weights (as in Keras), unless a metric asks for them by name.
  ///   - weightedMetrics: reported with sample weights.
  ///   - optimizer: changes the parameters; nil for a model that is only evaluated.
  ///   - seed: of initial values, dropout and shuffling.
  ///   - runEagerly: runs operations one by one instead of compiling a step.
  ///   - precision: the scalar types of compiled steps.
  public convenience init(
    module: AnyModule, loss: some Loss, metrics: MetricTree = [],
    weightedMetrics: MetricTree = [], optimizer: Optimizer? = nil, seed: UInt64 = 42,
    runEagerly: Bool = false, precision: PrecisionPolicy = .float32
  ) {
    self.init(
      module: module, losses: LossTree(loss), metrics: metrics, weightedMetrics: weightedMetrics,
      optimizer: optimizer, seed: seed, runEagerly: runEagerly, precision: precision)
  }

  /// A model with any number of losses: a list or dictionary of them, or none (`addLoss` in modules counts as well).
  public init(
    module: AnyModule, losses: LossTree? = nil, metrics: MetricTree = [],
    weightedMetrics: MetricTree = [], optimizer: Optimizer? = nil, seed: UInt64 = 42,
    runEagerly: Bool = false, precision: PrecisionPolicy = .float32
  ) {
    self.module = module
    self.losses = LossEntry.entries(of: losses)
    self.metrics = MetricEntry.entries(of: metrics)
    self.weightedMetrics = MetricEntry.entries(of: weightedMetrics)
    self.optimizer = optimizer
    self.seed = seed
    self.runEagerly = runEagerly
    self.precision = precision
    ownStrategy = DistributionContext.strategy
    hasRanks = ownStrategy.replicaCount > 1
    joinedPlace = hasRanks ? SharePlace(ownStrategy.communicator) : nil
    module.seed = seed
    trackers["loss"] = MeanTracker(name: "loss")
    do {
      for entry in self.losses {
        try validate(
          entry.requirements, allowed: InjectionContext.names, asker: "loss \(entry.loss.name)")
      }
      for metric in ownMetrics {
        try validate(
          metric.requirements, allowed: InjectionContext.names, asker: "metric \(metric.name)")
      }
    } catch {
      fail(error)
    }
  }

  /// The variables of the module, then those of the optimizer. Files of weights (``saveWeights(to:)``, ``ModelCheckpoint``)
  /// hold those of the module only.
  public var variables: [Variable] { module.variables + (optimizer?.variables ?? []) }

  /// The learning rate of the optimizer, 0 without one.
  ///
  /// Setting it fails as ``withErrors(_:)`` describes without an optimizer, and under a schedule.
  public var learningRate: Double {
    get { optimizer?.learningRate ?? 0 }
    set {
      guard let optimizer else {
        fail(
          EngineError.model(
            message: "there is no optimizer whose learning rate could be set to \(newValue): "
              + "Model(..., optimizer: Adam())"))
        return
      }
      optimizer.learningRate = newValue
    }
  }

  /// The name of the schedule that the learning rate follows; nil when it can be set.
  public var learningRateSchedule: String? { optimizer?.scheduleName }

  /// Whether the next batch's gradients are only accumulated.
  var accumulates: Bool { optimizer?.accumulates ?? false }

  /// What joins the ranks.
  public var communicator: any Communicator { strategy.communicator }

  /// Whether this rank prints and writes files.
  ///
  /// What the chief alone may do: ``saveWeights(to:)`` and everything that reads the model. `fit`, `evaluate` and `predict`
  /// need all ranks, which would wait for each other; inside ``alone(_:)`` they work on one.
  public var isChief: Bool { ownStrategy.isChief }

  /// Metrics that the user gave.
  var ownMetrics: [AnyMetric] { (metrics + weightedMetrics).map(\.metric) }

  private var allMetrics: [AnyMetric] { Array(trackers.values) + ownMetrics }

  /// What losses and metrics have counted.
  var metricStates: [Variable] { allMetrics.flatMap(\.stateVariables) }

  func resetMetrics() { allMetrics.forEach { $0.reset() } }

  /// Names in logs of metrics: numbered when equal, weighted ones that clash get a prefix.
  private var loggedMetrics: [(name: String, metric: AnyMetric)] {
    if metrics.isEmpty, weightedMetrics.isEmpty { return [] }
    var unique = UniqueNames(besides: trackers.keys)
    let plain = metrics.map { (unique($0.name()), $0.metric) }
    let weighted = weightedMetrics.map { entry in
      let clashes = unique.contains(entry.name())
      return (unique(entry.name(prefixed: clashes ? "weighted_" : "")), entry.metric)
    }
    return plain + weighted
  }

  /// The values of losses and metrics over everything since the last reset, combined over ranks: the same on every rank.
  ///
  /// Collective: every rank must call it.
  func currentLogs() throws -> Logs {
    // What one process has counted is in the variables themselves.
    let combined =
      communicator.size == 1
      ? []
      : try communicator.named("the losses and metrics") {
        try StateReduction.combined(metricStates, communicator)
      }
    let overlay = VariableOverlay(combined, writes: .allInside)
    return try withErrors { overlay { namedLogs() } }
  }

  private func namedLogs() -> Logs {
    var logs = Logs()
    // With one loss the total says it all.
    let single = losses.count == 1 ? losses[0].name(part: nil) : nil
    let isOnlyTerm =
      single != nil
      && !trackers.keys.contains { $0 != single && $0.hasSuffix("loss") && $0 != "loss" }
    // What was logged in another mode only has no value in this one.
    let hasSamples = trackers.values.contains { $0.samples > 0 }
    for (name, tracker) in trackers where !(isOnlyTerm && name == single) {
      if hasSamples, tracker.samples == 0 { continue }
      logs[name] = tracker.mean
    }
    for (name, metric) in loggedMetrics {
      for (part, value) in metric.namedResults() {
        logs[part.map { "\(name)/\($0)" } ?? name] = value.item()
      }
    }
    return logs
  }
}
