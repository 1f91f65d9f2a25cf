import CKernels

/// What a fused recurrent layer does at each step: see ``Recurrence``.
package struct RecurrenceCell: Hashable, Sendable {
  /// Which sums there are, in this order of columns, and what becomes of them.
  package enum Kind: Sendable {
    /// `h' = a(s)`.
    case simple
    /// Gates z, r, h: `h' = z ∘ h + (1 − z) ∘ a(s + r ∘ (h R + bias))`, the reset gate after the product.
    case gru
    /// Gates i, f, c, o: `c' = f ∘ c + i ∘ a(s)`, `h' = o ∘ a(c')`.
    case lstm
  }

  /// A function of one number whose slope follows from its value.
  package enum Activation: Sendable {
    case linear, tanh, sigmoid, relu, hardSigmoid
  }

  /// The kind of cell.
  package let kind: Kind
  /// `a` in the formulas.
  package let activation: Activation
  /// What is applied to gates.
  package let gate: Activation
  /// Whether steps go from the last to the first.
  package let isReversed: Bool

  package init(_ kind: Kind, activation: Activation, gate: Activation, isReversed: Bool) {
    self.kind = kind
    self.activation = activation
    self.gate = gate
    self.isReversed = isReversed
  }

  /// How many sums a unit has.
  var gates: Int {
    switch kind {
    case .simple: 1
    case .gru: 3
    case .lstm: 4
    }
  }

  /// The kernel's description of this cell on sums `[batch, time, gates · units]`; pointers are missing.
  func problem(_ sums: Operand) -> apus_recurrence {
    var problem = apus_recurrence()
    problem.dtype = sums.dtype.code
    let cell =
      switch kind {
      case .simple: APUS_RECURRENCE_SIMPLE
      case .gru: APUS_RECURRENCE_GRU
      case .lstm: APUS_RECURRENCE_LSTM
      }
    problem.cell = Int32(cell.rawValue)
    problem.activation = Int32(activation.code.rawValue)
    problem.gate = Int32(gate.code.rawValue)
    problem.reversed = isReversed ? 1 : 0
    (problem.batch, problem.time) = (sums.shape[0], sums.shape[1])
    problem.units = sums.shape[2] / gates
    return problem
  }
}

extension RecurrenceCell.Activation {
  fileprivate var code: apus_activation {
    switch self {
    case .linear: APUS_ACTIVATION_LINEAR
    case .tanh: APUS_ACTIVATION_TANH
    case .sigmoid: APUS_ACTIVATION_SIGMOID
    case .relu: APUS_ACTIVATION_RELU
    case .hardSigmoid: APUS_ACTIVATION_HARD_SIGMOID
    }
  }

  /// The function, from operations that have gradients.
  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .linear: x
    case .tanh: Tensors.tanh(x)
    case .sigmoid: Tensors.sigmoid(x)
    case .relu: Tensors.relu(x)
    case .hardSigmoid: select(x .>= 3, 6, Tensors.relu(x + 3)) / 6
    }
  }

  /// The slope where the value is `y`.
  func slope(at y: Tensor) -> Tensor {
    switch self {
    case .linear: .ones(y.shape, dtype: y.dtype)
    case .tanh: 1 - square(y)
    case .sigmoid: y * (1 - y)
    case .relu: (y .> 0).cast(to: y.dtype)
    case .hardSigmoid: logicalAnd(y .> 0, y .< 1).cast(to: y.dtype) / 6
    }
  }
}

extension apus_recurrence {
  /// A kernel that does `body` for some sequences on each thread, which meet only at the end.
  func kernel(
    _ workspace: Workspace,
    _ body:
      @escaping (
        UnsafePointer<apus_recurrence>, _ first: Int, _ last: Int, UnsafeMutableRawPointer
      ) -> Void
  ) -> Kernel {
    guard batch * time * units > 0 else { return {} }
    let gates = cell == Int32(APUS_RECURRENCE_LSTM.rawValue) ? 4 : 3
    workspace.require(bytes: withUnsafePointer(to: self) { apus_recurrence_scratch($0) })
    let grain = 1 + ProductBlocks.grain / (time * units * units * gates)
    // Products take eight rows at a time.
    return workspace.parallel(batch, grain: grain, multiple: 8) { items, part in
      withUnsafePointer(to: self) {
        body($0, items.lowerBound, items.upperBound, workspace.base(part: part))
      }
    }
  }
}
