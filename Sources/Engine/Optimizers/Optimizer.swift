import Tensors

/// Changes parameters from gradients.
///
/// A subclass says what it remembers for each parameter (``slots``) and how one parameter is changed: with operations on tensors
/// (``update(_:gradient:slots:step:)``), or by a loop over memory (``updateRule``), which is how the built-in ones do it.
open class Optimizer {
  /// A tensor of a parameter's shape that the optimizer remembers for it.
  public struct Slot: Sendable {
    /// The name before that of the parameter: `momentum/linear/kernel`.
    public let name: String
    /// The initial value of every element.
    public let initial: Double

    /// A slot of this name, `initial` everywhere before the first update.
    public init(_ name: String, initial: Double = 0) {
      self.name = name
      self.initial = initial
    }
  }

  /// What an update may depend on besides gradients.
  public struct Step {
    /// The learning rate of this update, a float32 scalar.
    public let learningRate: Tensor
    /// The number of this update, an int64 scalar: 1 at the first one.
    public let iteration: Tensor
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
  private let schedule: (any LearningRateSchedule)?
  /// What is remembered for a parameter, which is kept: another one at its address must not find it.
  private var slotVariables: [ObjectIdentifier: (owner: Variable, slots: [Variable])] = [:]
  private var order: [Variable] = []

  /// An optimizer whose learning rate follows a schedule, or is a ``ConstantLearningRate``.
  public init(
    learningRate: any LearningRateSchedule, weightDecay: Double = 0,
    clipping: GradientClipping? = nil
  ) {
    schedule = learningRate is ConstantLearningRate ? nil : learningRate
    learningRateVariable = Variable(
      path: "learning_rate", kind: .optimizerState,
      initial: Tensor(learningRate.initialValue, dtype: .float32), combine: .first,
      trainable: false)
    iterations = Variable(
      path: "iterations", kind: .optimizerState, initial: Tensor(Int64(0)), combine: .first,
      trainable: false)
    self.weightDecay = weightDecay
    self.clipping = clipping
  }

  /// An optimizer with a learning rate that can be changed at any time.
  public convenience init(
    learningRate: Double, weightDecay: Double = 0, clipping: GradientClipping? = nil
  ) {
    self.init(
      learningRate: ConstantLearningRate(learningRate), weightDecay: weightDecay,
      clipping: clipping)
  }

  /// The learning rate of the next update.
  ///
  /// Setting it under a schedule fails as ``withErrors(_:)`` describes: the schedule alone says what the rate is.
  public var learningRate: Double {
    get {
      schedule.map { $0.value(at: iterations.value).item() } ?? learningRateVariable.value.item()
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
  /// allocated. The rule sees to ``weightDecay`` itself; gradients are clipped already.
  ///
  /// ```swift
  /// final class SignDescent: Optimizer {
  ///   override var slots: [Slot] { [Slot("momentum")] }
  ///   override var updateRule: (any UpdateRule)? { SignRule(momentum: 0.9) }
  /// }
  /// ```
  open var updateRule: (any UpdateRule)? { nil }

  /// The new value of one parameter and of its slots, all of the parameter's shape.
  ///
  /// `gradient` has that shape too, and `slots` are in the order of ``slots``. Fails unless a subclass overrides it, ``updateRule``
  /// or ``updateAll(_:_:_:step:)``.
  open func update(
    _ parameter: Tensor, gradient: Tensor, slots: [Tensor], step: Step
  ) -> (parameter: Tensor, slots: [Tensor]) {
    fail(
      EngineError.model(
        message: "the optimizer \(Self.self) says nowhere how parameters change: override "
          + "update(_:gradient:slots:step:), updateRule or updateAll(_:_:_:step:)"))
    return (parameter, slots)
  }

  /// The new values of all parameters and slots, each of its parameter's shape; `slots[k]` is the k-th slot of every parameter.
  open func updateAll(
    _ parameters: [Tensor], _ gradients: [Tensor], _ slots: [[Tensor]], step: Step
  ) -> (parameters: [Tensor], slots: [[Tensor]]) {
    if let updateRule {
      return fusedUpdate(updateRule, parameters, gradients, slots, step: step)
    }
    var newParameters: [Tensor] = []
    var newSlots = [[Tensor]](repeating: [], count: slots.count)
    for index in parameters.indices {
      var parameter = parameters[index]
      if weightDecay != 0 { parameter = parameter - parameter * step.learningRate * weightDecay }
      let result = update(
        parameter, gradient: gradients[index], slots: slots.map { $0[index] }, step: step)
      newParameters.append(result.parameter)
      for (slot, value) in result.slots.enumerated() { newSlots[slot].append(value) }
    }
    return (newParameters, newSlots)
  }

  /// Makes the slots of `parameters`, laid out in memory in the same order. Called once, before the first update.
  package func build(_ parameters: [Variable]) {
    // What is not trained now may be again: nothing that is remembered gets lost.
    order = parameters + order.filter { old in !parameters.contains { $0 === old } }
    for parameter in parameters where slotVariables[ObjectIdentifier(parameter)] == nil {
      let own = slots.map { slot in
        Variable(
          path: "\(slot.name)/\(parameter.path)", kind: .optimizerState,
          initial: .full(parameter.shape, slot.initial, dtype: parameter.dtype), combine: .first,
          trainable: false)
      }
      slotVariables[ObjectIdentifier(parameter)] = (parameter, own)
    }
  }

  /// Updates the parameters from gradients that are already added over ranks.
  package func apply(_ parameters: [Variable], _ gradients: [Tensor]) throws {
    if parameters.contains(where: { slotVariables[ObjectIdentifier($0)] == nil }) {
      build(parameters)
    }
    let learningRate = schedule?.value(at: iterations.value) ?? learningRateVariable.value
    let iteration = iterations.value + Tensor(Int64(1), dtype: .int64)
    iterations.value = iteration
    let own = parameters.map { slotVariables[ObjectIdentifier($0)]?.slots ?? [] }
    let slotLists = slots.indices.map { slot in own.map { $0[slot] } }
    let result = updateAll(
      parameters.map(\.value), clipping?.apply(gradients) ?? gradients,
      slotLists.map { $0.map(\.value) },
      step: Step(learningRate: learningRate.cast(to: .float32), iteration: iteration))
    for (variable, value) in zip(parameters, result.parameters) {
      variable.value = variable.constraint?(value) ?? value
    }
    for (list, values) in zip(slotLists, result.slots) {
      for (variable, value) in zip(list, values) { variable.value = value }
    }
  }

  /// Updates a module's parameters from gradients in its own shape, as ``valueAndGrad(of:_:)`` gives them.
  ///
  /// Parameters without a gradient, and what the optimizer remembers of them, stay as they are. Gradients are taken as
  /// they come: under several ranks add them up before.
  ///
  /// Under several ranks ``reduceGradients(_:)`` adds the gradients up first.
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

  /// The optimizer's state in a fixed order. Files of weights do not hold it.
  public var variables: [Variable] {
    [iterations, learningRateVariable]
      + slots.indices.flatMap { slot in
        order.compactMap { slotVariables[ObjectIdentifier($0)]?.slots[slot] }
      }
  }
}
