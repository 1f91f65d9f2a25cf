/// Each group of channels of each sample with mean 0 and standard deviation 1; no scale, no offset.
///
/// Input and output `[batch, ..., channels, ...]`. A group is `channels / groups` neighbouring channels at all places. With
/// one group this is layer normalisation of whole samples, with as many as channels instance normalisation.
///
/// - Parameters:
///   - groups: must divide the number of channels.
///   - axis: that of channels, negative from the end; not that of the batch.
///   - epsilon: added to the variance.
///
/// - SeeAlso: Wu, He, *Group Normalization* (2018), §3.1.
public func groupNorm(
  _ x: Tensor, groups: Int, axis: Int = -1, epsilon: Double = 1e-3
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, "groupNorm")
    let channels = x.shape.dimensions[axis]
    guard axis > 0, groups > 0, channels % groups == 0 else {
      throw EngineError.shape(
        operation: "groupNorm",
        message: """
          \(groups) groups do not share \(channels) channels on axis \(axis) of \(x.shape) evenly, \
          or that is the axis of the batch
          """)
    }
    // The elements of one group side by side. One group is the whole sample, in any order.
    let others = (1..<x.rank).filter { $0 != axis }
    let order = groups == 1 ? Array(0..<x.rank) : [0, axis] + others
    let front = floating(x).transpose(order)
    let size = front.shape.dimensions.dropFirst().reduce(1, *) / groups
    let rows = reshape(front, [x.shape.dimensions[0] * groups, size])
    let y = reshape(layerNorm(rows, epsilon: epsilon), front.shape)
    return y.transpose(order.indices.sorted { order[$0] < order[$1] })
  }
}
