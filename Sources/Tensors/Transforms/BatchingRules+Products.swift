/// How operations work on many examples at once: products, gathers, and what has an axis of examples already.

extension MatMul {
  /// A batch of products; one product where the right factor is the same for all.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    [matmul(inputs[0], inputs[1])]
  }
}

extension Take {
  /// Where both differ from example to example, entries of all examples' axes in a row.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let (x, indices) = (inputs[0], inputs[1])
    guard mapped[1] else { return [apply1(Take(axis: axis + 1), x, indices)] }
    guard mapped[0] else { return [apply1(self, x, indices).movingAxis(axis, to: 0)] }
    let length = x.shape[axis + 1]
    let inRow = x.movingAxis(0, to: axis)
    var shape = inRow.shape.dimensions
    shape.replaceSubrange(axis...(axis + 1), with: [count * length])
    let found = apply1(self, inRow.reshape(Shape(shape)), inOneRow(indices, length: length))
    return [found.movingAxis(axis, to: 0)]
  }
}

extension ScatterAdd {
  /// Where the indices differ from example to example, into all examples' axes in a row.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped[1] else {
      let wide = ScatterAdd(axis: axis + 1, length: length, indexRank: indexRank)
      return [apply1(wide, inputs[0], inputs[1])]
    }
    let values = Example(inputs[0], isMapped: mapped[0]).spread(count: count)
    let inRow = ScatterAdd(axis: axis, length: count * length, indexRank: indexRank + 1)
    let sums = apply1(
      inRow, values.movingAxis(0, to: axis), inOneRow(inputs[1], length: length))
    if sums.isInvalid { return [sums] }
    var shape = sums.shape.dimensions
    shape.replaceSubrange(axis...axis, with: [count, length])
    return [sums.reshape(Shape(shape)).movingAxis(axis, to: 0)]
  }
}

extension Primitive {
  /// Indices `[examples, ...]` into an axis of each example as indices into these axes one after the other.
  fileprivate func inOneRow(_ indices: Tensor, length: Int) -> Tensor {
    let indices = indices.cast(to: .int64)
    let fromFront = select(indices .< 0, indices + length, indices)
    let checked = wholeNumbers(fromFront, below: length, name)
    let starts = Tensor((0..<indices.shape[0]).map { $0 * length })
    let unit = [Int](repeating: 1, count: indices.rank - 1)
    return checked + starts.reshape(Shape([indices.shape[0]] + unit))
  }

  /// Puts the examples into the axis of examples that inputs and outputs begin with.
  ///
  /// - Parameter wide: the operation for `count` times as many examples.
  fileprivate func merged(
    _ wide: some Primitive, _ inputs: [Tensor], mapped: [Bool], count: Int
  ) -> [Tensor] {
    let all = zip(inputs, mapped).map { tensor, isMapped in
      let spread = Example(tensor, isMapped: isMapped).spread(count: count)
      return spread.reshape(Shape([count * spread.shape[1]] + spread.shape.dropFirst(2)))
    }
    return apply(wide, all).map { output in
      guard !output.isInvalid else { return output }
      return output.reshape(Shape([count, output.shape[0] / count] + output.shape.dropFirst()))
    }
  }
}

extension Shape {
  /// The shape of `count` times as many images.
  fileprivate func times(_ count: Int) -> Shape { Shape([count * self[0]] + dropFirst()) }
}

// MARK: Images

extension ConvOperation {
  /// More images, as long as the kernel is the same for all.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false], epilogue == .none else { return nil }
    let kernel = inputs[1]
    let x = inputs[0]
    let y = apply1(self, x.reshape(Shape([count * x.shape[1]] + x.shape.dropFirst(2))), kernel)
    return [y.reshape(Shape([count, x.shape[1]] + y.shape.dropFirst()))]
  }
}

extension ConvInputGradient {
  /// More images, as long as the kernel is the same for all.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false] else { return nil }
    let g = inputs[0]
    let wide = ConvInputGradient(
      window: window, groups: groups, imageShape: imageShape.times(count))
    let dx = apply1(wide, g.reshape(Shape([count * g.shape[1]] + g.shape.dropFirst(2))), inputs[1])
    return [dx.reshape(Shape([count] + imageShape))]
  }
}

extension MaxPoolOperation {
  /// More images.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension AveragePool {
  /// More images.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension PoolGather {
  /// More images.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension PoolScatter {
  /// More images.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = PoolScatter(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}

extension AveragePoolGradient {
  /// More images.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let wide = AveragePoolGradient(window: window, imageShape: imageShape.times(count))
    return merged(wide, inputs, mapped: mapped, count: count)
  }
}

// MARK: Attention and normalisation

extension AttentionOperation {
  /// A larger batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension AttentionGradient {
  /// A larger batch.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    merged(self, inputs, mapped: mapped, count: count)
  }
}

extension ScaledLayerNorm {
  /// More rows; scale and offset of their own for each example are applied afterwards.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    if mapped == [true, false, false] { return apply(self, inputs) }
    let x = Example(inputs[0], isMapped: mapped[0]).spread(count: count)
    let unit = Tensor.ones([x.shape[-1]], dtype: x.dtype)
    let outputs = apply(self, [x, unit, .zeros(unit.shape, dtype: x.dtype)])
    let (gamma, beta) = (
      row(inputs[1], mapped[1], like: x), row(inputs[2], mapped[2], like: x)
    )
    return [outputs[0] * gamma + beta, outputs[1], outputs[2]]
  }
}

extension ScaledLayerNormGradient {
  /// The gradients of scale and offset are sums over the rows of one example.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    func wide(_ index: Int) -> Tensor {
      Example(inputs[index], isMapped: mapped[index]).spread(count: count)
    }
    let (x, scale, g) = (wide(0), wide(2), wide(4))
    let y = (x - wide(1)) * scale
    let rows = Array(1..<(x.rank - 1))
    let dx = apply1(LayerNormGradient(), y, scale, g * row(inputs[3], mapped[3], like: x))
    return [dx, sum(g * y, axes: rows), sum(g, axes: rows)]
  }
}

/// A row `[columns]`, or one for each example, in a shape that broadcasts to `[examples, ..., columns]`.
private func row(_ x: Tensor, _ isMapped: Bool, like whole: Tensor) -> Tensor {
  guard isMapped else { return x }
  let unit = [Int](repeating: 1, count: whole.rank - 2)
  return x.reshape(Shape([x.shape[0]] + unit + [x.shape[1]]))
}

// MARK: Random numbers

extension DropoutOperation {
  /// The same elements of every example, when all have one key.
  public func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false] else { return nil }
    let one = Tensor.ones(Shape(Array(inputs[0].shape.dropFirst())), dtype: inputs[0].dtype)
    return [inputs[0] * apply1(self, one, inputs[1])]
  }
}
