/// What a variable is for. It decides who may change it and how it is kept in step between ranks.
public enum VariableKind: String, Codable, Sendable, CaseIterable {
  /// Weights: changed by the optimizer from gradients.
  case parameter
  /// Running statistics of normalisation: changed by the forward pass, averaged over ranks.
  case batchStatistic
  /// Any other state of a module.
  case state
  /// What a metric has counted so far.
  case metricState
  /// The state of a random number generator; the same on all ranks in a `Model`.
  case randomKey
  /// What an optimizer remembers (moments, step count).
  case optimizerState
  /// A loss logged by `addLoss`.
  case lossLog
  /// A value logged by `addMetric`.
  case metricLog
  /// A value logged by `addSummary`.
  case summary
  /// Values kept to save work, such as the keys and values of attention.
  case cache

  /// Whether files of weights hold it.
  package var isSaved: Bool {
    switch self {
    case .parameter, .batchStatistic, .state: true
    case .metricState, .randomKey, .optimizerState, .lossLog, .metricLog, .summary, .cache: false
    }
  }
}

/// How the copies of a variable on several ranks become one value.
public enum Combine: Sendable {
  /// Added: counts and totals.
  case sum
  /// The smallest of all ranks' elements.
  case min
  /// The largest of all ranks' elements.
  case max
  /// The mean over ranks.
  case mean
  /// That of rank 0.
  case first
}

/// A named tensor that changes: a weight, a running mean, a count.
///
/// Reading `value` inside `jit`, `fit` or `valueAndGrad` gives the value that this code sees; writing it there becomes
/// part of the compiled step.
public final class Variable {
  /// Where it is in its module's tree, such as `linear/kernel`.
  public package(set) var path: String
  /// What it is for.
  public let kind: VariableKind
  /// Its shape; never changes.
  public let shape: Shape
  /// Its scalar type; never changes.
  public let dtype: DType
  /// How copies on several ranks become one value.
  public let combine: Combine
  /// What an optimizer's update is followed by; nil for nothing.
  public let constraint: (any Constraint)?
  /// Whether the optimizer changes it.
  public var trainable: Bool {
    get {
      Trace.active?.addGuard(TraceGuard(path, self, "trainable", \.isTrainable))
      return isTrainable
    }
    set { isTrainable = newValue }
  }
  private var isTrainable: Bool

  private var held: Tensor?
  private var initial: (() -> Tensor)?
  /// Set once a plan knows the address: from then on values are copied in and out of that memory.
  private var pinned = false

  package init(
    path: String, kind: VariableKind, initial: Tensor, combine: Combine = .sum,
    constraint: (any Constraint)? = nil, trainable: Bool = true
  ) {
    self.path = path
    self.kind = kind
    self.combine = combine
    self.constraint = constraint
    isTrainable = trainable
    shape = initial.shape
    dtype = initial.dtype
    held = initial.detached
  }

  /// A variable whose initial value is made when it is first read or ``drawInitial()`` asks for it.
  package init(
    path: String, kind: VariableKind, spec: TensorSpec, combine: Combine,
    constraint: (any Constraint)?, trainable: Bool, initial: @escaping () -> Tensor
  ) {
    self.path = path
    self.kind = kind
    self.combine = combine
    self.constraint = constraint
    isTrainable = trainable
    shape = spec.shape
    dtype = spec.dtype
    self.initial = initial
  }

  /// Whether there is a value already.
  package var isDrawn: Bool { held != nil }

  /// Makes the initial value, unless there is one.
  package func drawInitial() { _ = tensor }

  private var tensor: Tensor {
    get {
      if let held { return held }
      do throws(EngineError) { try shape.expectCountable("variable \(path)") } catch {
        return fail(error)
      }
      let value = checked(initial?() ?? .invalid)
      self.tensor = value
      return value
    }
    set {
      held = newValue
      initial = nil
    }
  }

  /// An initializer's value in this variable's type; zeros after a failure, which is reported.
  private func checked(_ first: Tensor) -> Tensor {
    if first.shape == shape, !first.isInvalid { return first.detached.cast(to: dtype) }
    if !first.isInvalid {
      fail(
        EngineError.shape(
          operation: "variable \(path)",
          message: "its initializer gives shape \(first.shape), not \(shape)"))
    }
    return .zeros(shape, dtype: dtype)
  }

  /// The current value.
  ///
  /// Setting a value of another shape fails as ``withErrors(_:)`` describes; another scalar type is converted, without
  /// its fraction for an integer variable. An integer that does not fit fails with
  /// ``EngineError/index(operation:message:)`` when the operation runs.
  public var value: Tensor {
    get { VariableContext.current?.read(self) ?? stored }
    set {
      guard newValue.shape == shape else {
        fail(
          EngineError.shape(
            operation: "variable \(path)",
            message: "a value of shape \(newValue.shape) does not fit its shape \(shape)"))
        return
      }
      // A fraction is cut off; an integer that does not fit is no other integer.
      let value =
        newValue.dtype.isFloating
        ? newValue.cast(to: dtype) : exactly(newValue, as: dtype, "variable \(path)")
      if let context = VariableContext.current {
        context.write(self, value)
      } else {
        store(value)
      }
    }
  }

  /// Shape and scalar type.
  public var spec: TensorSpec { TensorSpec(shape, dtype) }

  /// The value in memory, whatever the context.
  package var stored: Tensor {
    guard pinned, let storage = tensor.storage else { return tensor }
    return Tensor(shape: shape, dtype: dtype) {
      $0.copyMemory(from: storage.pointer, byteCount: spec.byteCount)
    }
  }

  /// Copies the value in memory to where `target` points, whatever the context.
  package func copyValue(to target: UnsafeMutableRawPointer) {
    if pinned, let storage = tensor.storage {
      target.copyMemory(from: storage.pointer, byteCount: spec.byteCount)
    } else {
      tensor.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { target.copyMemory(from: start, byteCount: bytes.count) }
      }
    }
  }

  /// Puts a value into memory, whatever the context.
  package func store(_ value: Tensor) {
    guard !value.isTraced else {
      fail(value.leak("variable \(path)"))
      return
    }
    guard pinned, let storage = tensor.storage else {
      tensor = value.detached
      return
    }
    value.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      storage.pointer.copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// The address at which plans read and write this variable from now on; nobody else shares this memory.
  package func pin() -> UnsafeMutableRawPointer {
    if pinned, let storage = tensor.storage { return storage.pointer }
    let storage = Storage(byteCount: spec.byteCount)
    move(to: storage)
    return storage.pointer
  }

  /// Moves the value into `storage`, which belongs to this variable from now on.
  ///
  /// - Precondition: no plan knows the old address.
  package func move(to storage: Storage) {
    guard storage.byteCount >= spec.byteCount else {
      fatalError("variable \(path): \(storage.byteCount) bytes do not hold \(spec)")
    }
    let value = stored
    value.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress {
        storage.pointer.copyMemory(from: source, byteCount: bytes.count)
      }
    }
    tensor = Tensor(layout: Layout(rowMajor: shape), dtype: dtype, storage: storage)
    pinned = true
  }

  /// Whether plans know its address.
  package var isPinned: Bool { pinned }
}
