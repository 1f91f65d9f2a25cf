import CKernels

/// Connectionist temporal classification: the negative logarithm of the probability that a sequence of labels is said, whatever
/// the steps at which each is.
///
/// At each step one of `classes` symbols is said, of which one is the blank. An alignment is one symbol for each step; without
/// repetitions of a symbol, and then without blanks, it is the sequence of labels. Equal neighbours need a blank between them, so
/// `targetLength` plus their number is the least number of steps. Where there are fewer, no alignment exists, and each step that is
/// not allowed counts as the logarithm -1e5: the loss is about 100 000, with gradients, as in Keras (PyTorch gives infinity).
///
/// Sums over alignments are taken in float64. Leading axes may be any.
///
/// - Parameters:
///   - target: the labels, whole numbers in `0 ..< classes`, `[..., labels]`; what is beyond `targetLength` is not used, but must be
///     such a number too.
///   - output: logits `[..., time, classes]`; integers become float32.
///   - targetLength: how many labels there are, `[...]`.
///   - outputLength: how many steps there are, `[...]`.
///   - maskIndex: the number of the blank.
/// - Returns: the losses, `[...]`. Other shapes fail with ``EngineError/shape(operation:message:)``, a label or a length that is out of
///   range with ``EngineError/index(operation:message:)`` when the operation runs.
/// - SeeAlso: Graves, Fernández, Gomez, Schmidhuber, *Connectionist Temporal Classification* (2006), §4.1; Keras, `ops.ctc_loss`.
public func ctcLoss(
  target: Tensor, output: Tensor, targetLength: Tensor, outputLength: Tensor, maskIndex: Int = 0
) -> Tensor {
  attempt {
    let output = floating(output)
    guard output.rank >= 2, target.rank == output.rank - 1,
      target.shape.dropLast() == output.shape.dropLast(2),
      Array(targetLength.shape) == Array(target.shape.dropLast()),
      targetLength.shape == outputLength.shape
    else {
      throw EngineError.shape(
        operation: "ctcLoss",
        message:
          "labels must be [batch, labels], logits [batch, time, classes] and lengths [batch], "
          + "found \(target.shape), \(output.shape), \(targetLength.shape) and \(outputLength.shape)"
      )
    }
    let (time, classes, longest) = (output.shape[-2], output.shape[-1], target.shape[-1])
    guard (0..<classes).contains(maskIndex) else {
      throw EngineError.index(
        operation: "ctcLoss", message: "the blank \(maskIndex) is none of \(classes) classes")
    }
    func lengths(_ x: Tensor, upTo longest: Int) -> Tensor {
      wholeNumbers(x, below: longest + 1, "ctcLoss").cast(to: .int32)
    }
    return apply1(
      CTCOperation(blank: maskIndex), logSoftmax(output),
      wholeNumbers(target, below: classes, "ctcLoss").cast(to: .int32),
      lengths(targetLength, upTo: longest), lengths(outputLength, upTo: time))
  }
}

/// ``ctcLoss(target:output:targetLength:outputLength:maskIndex:)`` of logarithms of probabilities.
///
/// Inputs: `x` `[..., time, classes]`, int32 labels `[..., labels]`, int32 numbers of labels and of steps `[...]`. Outputs: `[...]`.
struct CTCOperation: AnyLeadingAxes {
  /// The number of the blank.
  let blank: Int

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 4)
    let x = inputs[0]
    try expectFloating(x)
    try expectAxis(x.shape.rank - 2, x)
    let front = Shape(x.shape.dimensions.dropLast(2))
    try expectEqual(
      TensorSpec(Shape(front + [inputs[1].shape.last ?? 0]), .int32), inputs[1])
    for lengths in inputs[2...] { try expectEqual(TensorSpec(front, .int32), lengths) }
    return [TensorSpec(front, x.dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    CTCSequences(inputs, blank: blank).kernel(outputs[0], workspace)
  }

  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(CTCGradient(blank: blank), c.x, c.inputs[1], c.inputs[2], c.inputs[3], c.g)]
      + [nil, nil, nil]
  }
}

/// The gradient of ``CTCOperation`` for `x`: `−g` times the probability that a symbol is said at a step. Inputs: those of the
/// operation, and the incoming gradient `g` `[...]`.
struct CTCGradient: AnyLeadingAxes {
  /// The number of the blank.
  let blank: Int

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 5)
    let loss = try CTCOperation(blank: blank).infer(Array(inputs[..<4]))
    try expectEqual(loss[0], inputs[4])
    return [inputs[0]]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    CTCSequences(Array(inputs[..<4]), blank: blank).kernel(
      outputs[0], gradient: inputs[4], workspace)
  }

  /// That of the same gradient composed of ordinary operations.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let leaves = [Node(leaf: c.x), Node(leaf: c.inputs[4])]
    let (x, g) = (leaves[0].output(0), leaves[1].output(0))
    let loss = composedCTC(
      x, labels: c.inputs[1], lengths: c.inputs[2], steps: c.inputs[3], blank: blank)
    let slope = backward(from: [loss], seeds: [g], to: [leaves[0]])[0]
    let found = c.gradients(through: [slope ?? c.x * 0], to: leaves, of: [0, 4])
    return [found[0], nil, nil, nil, found[1]]
  }
}

/// The sequences of a ``CTCOperation``, bound to memory.
private struct CTCSequences {
  let inputs: [Operand]
  let blank: Int

  init(_ inputs: [Operand], blank: Int) {
    self.inputs = inputs
    self.blank = blank
  }

  /// A kernel that writes losses to `output`, or gradients for the incoming `gradient`, some sequences on each thread.
  func kernel(
    _ output: Operand, gradient: Operand? = nil, _ workspace: Workspace
  ) -> Kernel {
    let (x, blank) = (inputs[0], blank)
    let (time, classes, longest) = (x.shape[-2], x.shape[-1], inputs[1].shape[-1])
    let (dtype, size) = (x.dtype.code, x.dtype.size)
    let labels = inputs[1].pointer(as: Int32.self)
    let (lengths, steps) = (inputs[2].pointer(as: Int32.self), inputs[3].pointer(as: Int32.self))
    workspace.require(bytes: apus_ctc_scratch(time, longest, gradient == nil ? 0 : 1))
    // A step of a state takes an exponential and a logarithm.
    let work = 8 * (time * (2 * longest + 1) + 1)
    return workspace.parallel(
      inputs[2].elementCount, grain: 1 + Workspace.elementGrain / work
    ) { items, part in
      let (first, rows) = (items.lowerBound, items.count)
      let scores = x.pointer + first * time * classes * size
      let scratch = workspace.base(part: part)
      if let gradient {
        apus_ctc_grad(
          dtype, scores, labels + first * longest, lengths + first, steps + first,
          gradient.pointer + first * size, output.pointer + first * time * classes * size, rows,
          time, classes, longest, blank, scratch)
      } else {
        apus_ctc(
          dtype, scores, labels + first * longest, lengths + first, steps + first,
          output.pointer + first * size, rows, time, classes, longest, blank, scratch)
      }
    }
  }
}

/// What ``CTCOperation`` computes, from operations that have gradients themselves: one state after each label and one on it, and
/// all states at once for each step.
private func composedCTC(
  _ x: Tensor, labels: Tensor, lengths: Tensor, steps: Tensor, blank: Int
) -> Tensor {
  guard labels.shape[-1] > 0 else {
    // A place for a label that no sequence has.
    let one = Tensor.zeros(Shape(labels.shape.dimensions.dropLast() + [1]), dtype: .int32)
    return composedCTC(x, labels: one, lengths: lengths, steps: steps, blank: blank)
  }
  let (time, longest) = (x.shape[-2], labels.shape[-1])
  let front = Array(x.shape.dimensions.dropLast(2))
  func full(_ last: Int, _ value: Double) -> Tensor {
    .full(Shape(front + [last]), value, dtype: x.dtype)
  }
  func number(_ n: Int) -> Tensor { Tensor(n, dtype: .int32) }
  let length = expandDims(lengths, axis: -1)
  let places = Tensor.arange(longest, dtype: .int32)
  // Which symbol each label is, [..., labels, classes].
  let isSaid = expandDims(labels, axis: -1) .== Tensor.arange(x.shape[-1], dtype: .int32)
  var repeats = full(0, 0)
  if longest > 1 {
    let isRepeated = slice(labels, axis: -1, from: 1) .== slice(labels, axis: -1, to: longest - 1)
    let isUsed = slice(places, axis: -1, from: 1) .< length
    repeats = logicalAnd(isRepeated, isUsed).cast(to: x.dtype)
  }
  let needed = lengths.cast(to: x.dtype) + sum(repeats, axis: -1)
  let cost = expandDims(
    select(needed .> steps.cast(to: x.dtype), full(1, -1e5).reshape(Shape(front)), -1e30), axis: -1)
  // Before the first step; then `on` a label, and `beside` them.
  var beside = concatenate([full(1, 0), full(longest, 0) + cost], axis: -1)
  var on = full(longest, 0) + cost
  let between = repeats * cost
  func either(_ a: Tensor, _ b: Tensor) -> Tensor { logSumExp(stack([a, b], axis: -1), axis: -1) }
  for t in 0..<time {
    let scores = slice(x, axis: -2, from: t, to: t + 1).reshape(
      Shape(front + [x.shape[-1]]))
    let said = sum(select(isSaid, expandDims(scores, axis: -2), 0), axis: -1)
    let silent = slice(scores, axis: -1, from: blank, to: blank + 1)
    var arriving = either(slice(beside, axis: -1, to: longest), on)
    if longest > 1 {
      let skipping = slice(on, axis: -1, to: longest - 1) + between
      let rest = either(slice(arriving, axis: -1, from: 1), skipping)
      arriving = concatenate([slice(arriving, axis: -1, to: 1), rest], axis: -1)
    }
    let resting = concatenate(
      [
        slice(beside, axis: -1, to: 1), either(slice(beside, axis: -1, from: 1), on),
      ], axis: -1)
    let isRunning = expandDims(number(t) .< steps, axis: -1)
    on = select(isRunning, arriving + said, on)
    beside = select(isRunning, resting + silent, beside)
  }
  let last = takeAlong(beside, lengths, axis: -1)
  let spoken = takeAlong(on, maximum(lengths - 1, number(0)), axis: -1)
  return -select(lengths .> 0, either(last, spoken), last)
}
