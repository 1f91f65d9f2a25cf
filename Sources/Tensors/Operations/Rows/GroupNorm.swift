/// Each group of channels of each sample with mean 0 and standard deviation 1; no scale, no offset.
///
/// A group is `channels / groups` neighbouring channels at all places. With
/// one group this is layer normalisation of whole samples, with as many as channels instance normalisation.
///
/// - Parameters:
///   - x: `[batch, ..., channels, ...]`; integers become float32.
///   - groups: must divide the number of channels.
///   - axis: that of channels, negative from the end; not that of the batch.
///   - epsilon: added to the variance; 1e-3, as in Keras.
/// - Returns: of the shape of `x`. Groups that do not divide the channels are an ``EngineError/shape(operation:message:)``.
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
    let x = floating(x)
    let batch = x.shape.dimensions[0]
    let others = (1..<x.rank).filter { $0 != axis }
    // Groups whose elements lie side by side are rows of a matrix, for which there is one kernel.
    if groups == 1 || axis == 1 || others.allSatisfy({ x.shape.dimensions[$0] == 1 }) {
      let size = x.shape.dimensions.dropFirst().reduce(1, *) / groups
      return reshape(layerNorm(reshape(x, [batch * groups, size]), epsilon: epsilon), x.shape)
    }
    let wide = x.shape.reduced(others, keepDims: true)
    let grouped: Shape = [batch, groups, channels / groups]
    /// The mean of a group, for each of its channels.
    func groupMean(_ x: Tensor) -> Tensor {
      let means = mean(x, axes: others, keepDims: true)
      if groups == channels { return means }
      return mean(means.reshape(grouped), axis: 2, keepDims: true).broadcast(to: grouped)
        .reshape(wide)
    }
    let centred = x - groupMean(x)
    return centred * rsqrt(groupMean(square(centred)) + epsilon)
  }
}
