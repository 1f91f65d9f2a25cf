import Tensors

/// Number, mean and variance of each channel over the samples of all ranks.
///
/// Each rank brings its number of elements, its mean and the sum of the squared distances from it; one message joins them.
/// Nothing cancels, as it does in the mean of squares less the square of the mean, and shares may be of any size, or empty. The
/// backward pass sends the gradients of mean and variance in one message.
///
/// - SeeAlso: Chan, Golub, LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample Variances* (1979), eq. 2.1.
struct RankMoments {
  /// Whether any rank has an element of the channel, boolean.
  let isKnown: Tensor
  /// 0 where no rank has one.
  let mean: Tensor
  /// The biased one; 0 where no rank has an element.
  let variance: Tensor

  /// - Parameters:
  ///   - x: this rank's samples.
  ///   - isCounted: booleans of the shape of `x`; nil for all.
  ///   - axes: all axes but that of the channels. They stay, with length 1, in the results.
  ///   - communicator: the ranks.
  init(of x: Tensor, where isCounted: Tensor?, axes: [Int], _ communicator: any Communicator) {
    func total(_ values: Tensor) -> Tensor {
      sum(isCounted.map { select($0, values, 0) } ?? values, axes: axes, keepDims: true)
    }
    let own = total(x)
    let count = axes.reduce(1) { $0 * x.shape[$1] }
    let number =
      isCounted.map { sum($0.cast(to: .float64), axes: axes, keepDims: true) }
      ?? .full(own.shape, Double(count), dtype: .float64)
    let mean = own / maximum(number, 1).cast(to: x.dtype)
    let distances = total(square(x - mean))
    let channels = own.elementCount
    func row(_ values: Tensor) -> Tensor { reshape(values, [1, channels]).cast(to: .float64) }
    let message = concatenate([row(number), row(mean), row(distances)], axis: 0)

    var isKnown = number .> 0
    let moments = mergedOverRanks(message, communicator) { ranks in
      let (numbers, means) = (ranks[0..., 0], ranks[0..., 1])
      let all = sum(numbers, axis: 0)
      isKnown = reshape(all .> 0, own.shape)
      let count = maximum(all, 1)
      let mean = sum(numbers * means, axis: 0) / count
      let variance =
        sum(ranks[0..., 2] + numbers * square(means - mean), axis: 0) / count
      return concatenate([mean, variance], axis: 0).cast(to: x.dtype)
    }
    self.isKnown = isKnown
    self.mean = reshape(moments[0..<channels], own.shape)
    self.variance = reshape(moments[channels..<2 * channels], own.shape)
  }
}
