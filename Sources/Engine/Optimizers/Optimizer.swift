import Tensors

/// Changes parameters from gradients.
///
/// A subclass says what it remembers for each parameter (``slots``) and how one parameter is changed: with operations on tensors
/// (``update(_:gradient:slots:step:)``), or by a loop over memory (``updateRule``), which is how the built-in ones do it.
open class Optimizer {
  /// A tensor that the optimizer remembers for a parameter.
  public struct Slot: Sendable {
    /// The name before that of the parameter: `momentum/linear/kernel`.
    public let name: String
    /// The initial value of every element.
    public let initial: Double
    /// Which parameters have it, and of what shape.
    let shape: @Sendable (Variable) -> Shape?
    /// Whether it begins with the parameter's value instead of ``initial``.
    private(set) var copiesParameter = false

    /// A slot of this name, `initial` everywhere before the first update.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - initial: the value of every element before the first update.
    ///   - shape: the shape that the slot of a parameter has, nil for a parameter without it, which gets `[0]` in its place; the parameter's
    ///     own shape, which ``Optimizer/updateRule`` needs, unless given.
    public init(
      _ name: String, initial: Double = 0,
      shape: @escaping @Sendable (_ parameter: Variable) -> Shape? = { $0.shape }
    ) {
      self.name = name
      self.initial = initial
      self.shape = shape
    }

    /// A slot that begins with the parameter's value.
    static func copy(_ name: String) -> Slot {
      var slot = Slot(name)
      slot.copiesParameter = true
      return slot
    }

    /// The value for a parameter before the first update.
    func start(for parameter: Variable) -> Tensor {
      if copiesParameter { return parameter.stored }
      return .full(shape(parameter) ?? [0], initial, dtype: parameter.dtype)
    }
  }

  /// What an update may depend on besides gradients.
  public struct Step {
    /// The learning rate of this update, a float32 scalar.
    public let learningRate: Tensor
    /// The number of this update, an int64 scalar: 1 at the first one.
    public let iteration: Tensor
    /// The decoupled weight decay of these parameters.
    public let weightDecay: Double
    /// The parameters that are updated together.
    public let parameters: [Variable]

    /// `learningRate` times a factor, in float64 and then in the type of a parameter.
    func rate(_ dtype: DType, times factor: Double = 1) -> Tensor {
      (learningRate.cast(to: .float64) * factor).cast(to: dtype)
    }

    /// `1 − betaᵗ` at update t, a float64 scalar.
    func correction(_ beta: Double) -> Tensor {
      1.0 - pow(Tensor(beta, dtype: .float64), iteration.cast(to: .float64))
    }

    /// The same for the parameter at `index` alone.
    func of(_ index: Int) -> Step {
      Step(
        learningRate: learningRate, iteration: iteration, weightDecay: weightDecay,
        parameters: [parameters[index]])
    }
  }

  /// The learning rate as a variable: changing it takes effect at the next step, nothing is compiled again. Under a
  /// schedule nobody reads it.
  public let learningRateVariable: Variable
  /// How many updates have been made (int64).
  public let iterations: Variable
  /// What is done to gradients first, after they are added over ranks.
  public let clipping: GradientClipping?
  /// Decoupled weight decay: `p -= learningRate * weightDecay * p` before the update; 0 for none.
  public let weightDecay: Double
  /// What else all optimizers can be asked for.
  public let options: OptimizerOptions
  private let schedule: (any LearningRateSchedule)?
  /// How many batches' gradients have been accumulated since the last update (int64).
  private let accumulatedBatches: Variable
  private var states: [ObjectIdentifier: State] = [:]
  /// What messages have lost of this rank's gradients.
  private var errors: [ObjectIdentifier: Variable] = [:]
  private var order: [Variable] = []

  /// What is remembered for a parameter, which is kept: another one at its address must not find it.
  private struct State {
    let owner: Variable
    let settings: ParameterSettings
    let slots: [Variable]
    let average: Variable?
    let accumulator: Variable?
  }

  /// An optimizer whose learning rate follows a schedule, or is a ``ConstantLearningRate``.
  public init(
    learningRate: any LearningRateSchedule, weightDecay: Double = 0,
    clipping: GradientClipping? = nil, options: OptimizerOptions = OptimizerOptions()
  ) {
    func scalar(_ path: String, _ initial: Tensor) -> Variable {
      Variable(
        path: path, kind: .optimizerState, initial: initial, combine: .first, trainable: false)
    }
    schedule = learningRate is ConstantLearningRate ? nil : learningRate
    learningRateVariable = scalar(
      "learning_rate", Tensor(learningRate.initialValue, dtype: .float32))
    iterations = scalar("iterations", Tensor(Int64(0)))
    accumulatedBatches = scalar("accumulated_batches", Tensor(Int64(0)))
    self.weightDecay = weightDecay
    self.clipping = clipping
    self.options = options
  }

  /// An optimizer with a learning rate that can be changed at any time.
  public convenience init(
    learningRate: Double, weightDecay: Double = 0, clipping: GradientClipping? = nil,
    options: OptimizerOptions = OptimizerOptions()
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), weightDecay: weightDecay,
      clipping: clipping, options: options)
  }

  /// The learning rate of the next update.
  ///
  /// Setting it under a schedule fails as ``withErrors(_:)`` describes: the schedule alone says what the rate is.
  public var learningRate: Double {
    get {
      schedule.map { $0.value(at: batches).item() } ?? learningRateVariable.value.item()
    }
    set {
      if let scheduleName {
        fail(
          EngineError.invalidArgument(
            message: "the learning rate follows \(scheduleName) and cannot be set to \(newValue): "
              + "give the optimizer a number instead of a schedule, \(Self.self)(learningRate: "
              + "\(newValue)), which can be changed at any time"))
        return
      }
      learningRateVariable.value = Tensor(newValue, dtype: .float32)
    }
  }

  /// The type of the schedule that the learning rate follows; nil for a number.
  var scheduleName: String? { schedule.map { "\(type(of: $0))" } }

  /// What is remembered for each parameter.
  open var slots: [Slot] { [] }

  /// The loop that changes a stretch of parameters and slots in place; nil, the default, for
  /// ``update(_:gradient:slots:step:)``.
  ///
  /// Parameters and slots lie side by side in memory: all of them are one sweep of the loop, on all threads, and nothing is copied or
  /// allocated. Gradients are clipped already, and weight decay and moving averages are seen to on the way.
  ///
  /// ```swift
  /// final class SignDescent: Optimizer {
  ///   override var slots: [Slot] { [Slot("momentum")] }
  ///   override var updateRule: (any UpdateRule)? { SignRule(momentum: 0.9) }
  /// }
  /// ```
  open var updateRule: (any UpdateRule)? { nil }

  /// The new value of one parameter, of its shape, and of its slots, each of its own shape.
  ///
  /// `gradient` has the shape of the parameter, which has been decayed, and `slots` are in the order of ``slots``. Fails unless a subclass
  /// overrides it, ``updateRule`` or ``updateAll(_:_:_:step:)``.
  open func update(
    _ parameter: Tensor, gradient: Tensor, slots: [Tensor], step: Step
  ) -> (parameter: Tensor, slots: [Tensor]) {
    fail(
      EngineError.model(
        message: "the optimizer \(Self.self) says nowhere how parameters change: override "
          + "update(_:gradient:slots:step:), updateRule or updateAll(_:_:_:step:)"))
    return (parameter, slots)
  }

  /// The new values of parameters and slots, each of its old shape; `slots[k]` is the k-th slot of every parameter. An override sees to
  /// ``Step/weightDecay`` itself.
  ///
  /// Called for all parameters at once, or, where ``OptimizerOptions/groups`` or weight decay tell them apart, for those with the same settings.
  open func updateAll(
    _ parameters: [Tensor], _ gradients: [Tensor], _ slots: [[Tensor]], step: Step
  ) -> (parameters: [Tensor], slots: [[Tensor]]) {
    if let updateRule {
      return fusedUpdate(updateRule, parameters, gradients, slots, step: step)
    }
    var newParameters: [Tensor] = []
    var newSlots = [[Tensor]](repeating: [], count: slots.count)
    for index in parameters.indices {
      let result = update(
        decayed(parameters[index], step), gradient: gradients[index],
        slots: slots.map { $0[index] }, step: step.of(index))
      newParameters.append(result.parameter)
      for (slot, value) in result.slots.enumerated() { newSlots[slot].append(value) }
    }
    return (newParameters, newSlots)
  }

  /// `p − rate · weightDecay · p`.
  func decayed(_ parameter: Tensor, _ step: Step) -> Tensor {
    guard step.weightDecay != 0 else { return parameter }
    return parameter - parameter * step.rate(parameter.dtype, times: step.weightDecay)
  }

  /// Weight decay of a parameter, unless ``options`` say otherwise.
  func weightDecay(of parameter: Variable) -> Double { weightDecay }

  // MARK: State

  /// Whether ``options`` keep a parameter as it is.
  func isFrozen(_ parameter: Variable) -> Bool {
    !options.groups.isEmpty && settings(of: parameter).isFrozen
  }

  private func settings(of parameter: Variable) -> ParameterSettings {
    states[ObjectIdentifier(parameter)]?.settings
      ?? options.settings(at: parameter.path, weightDecay: weightDecay(of: parameter))
  }

  /// Makes what is remembered of `parameters`, laid out in memory in the same order. Called once, before the first update.
  package func build(_ parameters: [Variable]) {
    // What is not trained now may be again: nothing that is remembered gets lost.
    order = parameters + order.filter { old in !parameters.contains { $0 === old } }
    for parameter in parameters where states[ObjectIdentifier(parameter)] == nil {
      func variable(_ name: String, _ initial: Tensor, _ combine: Combine = .first) -> Variable {
        Variable(
          path: "\(name)/\(parameter.path)", kind: .optimizerState, initial: initial,
          combine: combine, trainable: false)
      }
      states[ObjectIdentifier(parameter)] = State(
        owner: parameter, settings: settings(of: parameter),
        slots: slots.map { variable($0.name, $0.start(for: parameter)) },
        average: options.useEMA ? variable("average", parameter.stored) : nil,
        // What a rank has accumulated is its own.
        accumulator: options.gradientAccumulationSteps > 1
          ? variable(
            "gradient_accumulator", .zeros(parameter.shape, dtype: parameter.dtype), .sum) : nil)
    }
  }

  /// Makes the memory of what messages between ranks lose of gradients, of which each rank has its own.
  package func buildGradientErrors(of parameters: [Variable]) {
    for parameter in parameters where errors[ObjectIdentifier(parameter)] == nil {
      errors[ObjectIdentifier(parameter)] = Variable(
        path: "\(Self.gradientErrorName)/\(parameter.path)", kind: .optimizerState,
        initial: .zeros(parameter.shape, dtype: .float32), combine: .sum, trainable: false)
    }
  }

  /// What messages have lost of this rank's gradients of a parameter; nil where nothing is kept.
  package func gradientError(of parameter: Variable) -> Variable? {
    errors[ObjectIdentifier(parameter)]
  }

  /// All of them, in the order of the parameters.
  package var gradientErrors: [Variable] {
    order.compactMap { errors[ObjectIdentifier($0)] }
  }

  /// The name before that of the parameter.
  package static let gradientErrorName = "gradient_error"

  /// What to say of patterns of ``options`` that match none of these parameters: with a slip in it a pattern would change nothing in silence.
  package func warnings(ofPatternsAmong parameters: [Variable]) -> [String] {
    let paths = parameters.map(\.path)
    return options.idlePatterns(among: paths).map { pattern in
      """
      \(Self.self): the pattern "\(pattern)" matches no parameter and so has no effect; there are \
      \(paths.prefix(8).joined(separator: ", "))\(paths.count > 8 ? ", ..." : "")
      """
    }
  }

  /// The moving averages of the parameters that are trained, with ``OptimizerOptions/useEMA``; else none, and none before the first
  /// update.
  ///
  /// Each is a variable of its parameter's shape, which may be read and written between steps: to evaluate with averages, exchange the
  /// values of both. Before the first update an average is the parameter's value.
  public var averages: [(parameter: Variable, average: Variable)] {
    order.compactMap { parameter in
      states[ObjectIdentifier(parameter)]?.average.map { (parameter, $0) }
    }
  }

  /// Sets parameters to their moving averages, as `fit` does at its end; does nothing without ``OptimizerOptions/useEMA``.
  ///
  /// - SeeAlso: Keras, `Optimizer.finalize_variable_values`.
  public func finalizeVariables() {
    for (parameter, average) in averages { parameter.value = average.value }
  }

  /// The optimizer's state in a fixed order. Files of weights do not hold it.
  ///
  /// With ``OptimizerOptions/gradientAccumulationSteps`` a `gradient_accumulator` is the sum of this rank's gradients since the last update: that
  /// of all ranks is the sum over them (``Combine/sum``), and so is a `gradient_error`, what messages have lost of them
  /// (``GradientHook/keepsErrors``). All else is the same on all ranks.
  public var variables: [Variable] {
    let states = order.compactMap { self.states[ObjectIdentifier($0)] }
    return [iterations, learningRateVariable]
      + (options.gradientAccumulationSteps > 1 ? [accumulatedBatches] : [])
      + slots.indices.flatMap { slot in
        states.map { $0.slots[slot] }.filter { $0.shape != [0] }
      } + states.compactMap(\.average) + states.compactMap(\.accumulator) + gradientErrors
  }

  // MARK: Updates

  /// How many batches there have been, a scalar: what schedules count.
  private var batches: Tensor {
    let steps = options.gradientAccumulationSteps
    guard steps > 1 else { return iterations.value }
    return iterations.value * Tensor(Int64(steps), dtype: .int64) + accumulatedBatches.value
  }

  /// Whether the gradients of the next batch are only accumulated: another step than one that updates.
  package var accumulates: Bool {
    let steps = options.gradientAccumulationSteps
    return steps > 1 && accumulatedBatches.pin().load(as: Int64.self) < Int64(steps - 1)
  }

  /// Whether the step after the next one is of another kind than the next one.
  package var changesKind: Bool {
    let steps = options.gradientAccumulationSteps
    return steps > 1
      && (!accumulates || accumulatedBatches.pin().load(as: Int64.self) == Int64(steps - 2))
  }

  /// Adds a batch's gradients, of this rank or of all, to those since the last update.
  package func accumulate(_ parameters: [Variable], _ gradients: [Tensor]) {
    build(new: parameters)
    for (parameter, sum) in zip(parameters, withAccumulated(parameters, gradients)) {
      states[ObjectIdentifier(parameter)]?.accumulator?.value = sum
    }
    accumulatedBatches.value = accumulatedBatches.value + Tensor(Int64(1), dtype: .int64)
  }

  /// A batch's gradients and those accumulated before.
  package func withAccumulated(_ parameters: [Variable], _ gradients: [Tensor]) -> [Tensor] {
    guard options.gradientAccumulationSteps > 1 else { return gradients }
    build(new: parameters)
    return zip(parameters, gradients).map { parameter, gradient in
      let earlier = states[ObjectIdentifier(parameter)]?.accumulator
      return earlier.map { $0.value + gradient.cast(to: $0.dtype) } ?? gradient
    }
  }

  /// Updates parameters from a batch's gradients, or accumulates them; they are added over ranks already.
  package func apply(_ parameters: [Variable], _ gradients: [Tensor]) throws {
    let trained = zip(parameters, gradients).filter { !isFrozen($0.0) }
    let (parameters, gradients) = (trained.map(\.0), trained.map(\.1))
    if options.gradientAccumulationSteps > 1 {
      // Another plan of `jit` for another kind of step.
      Trace.active?.addGuard(TraceGuard("optimizer", self, "accumulates", \.accumulates))
    }
    if accumulates {
      accumulate(parameters, gradients)
    } else {
      update(parameters, sums: withAccumulated(parameters, gradients))
    }
  }

  /// Updates parameters from gradients that are added over ranks, and over the batches since the last update.
  ///
  /// - Parameters:
  ///   - parameters: what is trained.
  ///   - sums: the gradient of each.
  ///   - groups: the numbers of those that come together, in order: each group is updated by itself, while others are under way. None for all
  ///     at once.
  package func update(_ parameters: [Variable], sums: [Tensor], groups: [[Int]] = []) {
    build(new: parameters)
    let learningRate = (schedule?.value(at: batches) ?? learningRateVariable.value)
      .cast(to: .float32)
    let iteration = iterations.value + Tensor(Int64(1), dtype: .int64)
    let steps = options.gradientAccumulationSteps
    let means = steps > 1 ? sums.map { $0 / Double(steps) } : sums
    let gradients = clipping?.apply(means) ?? means
    for (settings, members) in alike(parameters, groups) {
      let factor = settings.learningRateMultiplier
      let rate =
        factor == 1 ? learningRate : (learningRate.cast(to: .float64) * factor).cast(to: .float32)
      let step = Step(
        learningRate: rate, iteration: iteration, weightDecay: settings.weightDecay,
        parameters: members.map { parameters[$0] })
      update(step, members.map { gradients[$0] })
    }
    iterations.value = iteration
    guard steps > 1 else { return }
    accumulatedBatches.value = Tensor(Int64(0))
    for accumulator in parameters.compactMap({ states[ObjectIdentifier($0)]?.accumulator }) {
      accumulator.value = .zeros(accumulator.shape, dtype: accumulator.dtype)
    }
  }

  private func build(new parameters: [Variable]) {
    if parameters.contains(where: { states[ObjectIdentifier($0)] == nil }) { build(parameters) }
  }

  /// The positions of parameters of one group with the same settings.
  private func alike(
    _ parameters: [Variable], _ groups: [[Int]]
  ) -> [(ParameterSettings, [Int])] {
    // One sweep where it must wait for all gradients anyway.
    let isWhole = groups.isEmpty || updateRule == nil || clipping?.needsAllGradients == true
    return (isWhole ? [Array(parameters.indices)] : groups).flatMap { group in
      var alike: [(settings: ParameterSettings, members: [Int])] = []
      for index in group {
        let settings = settings(of: parameters[index])
        if let known = alike.firstIndex(where: { $0.settings == settings }) {
          alike[known].members.append(index)
        } else {
          alike.append((settings, [index]))
        }
      }
      return alike
    }
  }

  /// Updates parameters with the same settings, their slots and averages.
  private func update(_ step: Step, _ gradients: [Tensor]) {
    let states = step.parameters.compactMap { self.states[ObjectIdentifier($0)] }
    let slotLists = slots.indices.map { slot in states.map { $0.slots[slot] } }
    let averages = states.compactMap(\.average)
    let moving = averages.isEmpty ? nil : MovingAverage(options)
    let values = step.parameters.map(\.value)
    let slotValues = slotLists.map { $0.map(\.value) }
    var result: (parameters: [Tensor], slots: [[Tensor]])
    var newAverages: [Tensor] = []
    if let updateRule {
      result = fusedUpdate(
        updateRule, values, gradients, slotValues + (moving == nil ? [] : [averages.map(\.value)]),
        step: step, average: moving)
      if moving != nil { newAverages = result.slots.removeLast() }
    } else {
      result = updateAll(values, gradients, slotValues, step: step)
      if let moving {
        (result.parameters, newAverages) = moving.apply(
          result.parameters, averages.map(\.value), iteration: step.iteration)
      }
    }
    for (variable, value) in zip(step.parameters, result.parameters) {
      variable.value = variable.constraint?(value) ?? value
    }
    for (list, values) in zip(slotLists, result.slots) {
      for (variable, value) in zip(list, values) { variable.value = value }
    }
    for (variable, value) in zip(averages, newAverages) { variable.value = value }
  }

  /// Updates a module's parameters from gradients in its own shape, as ``valueAndGrad(of:_:)->(_,_)`` gives them.
  ///
  /// Parameters without a gradient, and what the optimizer remembers of them, stay as they are. Gradients are taken as
  /// they come: under several ranks ``reduceGradients(_:)`` adds them up first.
  ///
  /// - Throws: ``EngineError`` when a gradient has no parameter or another shape, and in a process that a launcher started as
  ///   one of several and that nothing has joined to the others.
  public func update(_ gradients: ModuleTree, _ module: AnyModule) throws {
    try DistributionContext.refuseUnjoinedRanks(DistributionContext.strategy)
    try withErrors {
      let assignments = try module.assignments(gradients)
      try apply(assignments.map(\.0), assignments.map(\.1))
    }
  }
}
