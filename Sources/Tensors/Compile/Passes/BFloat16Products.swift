/// Lets matrix products, convolutions and attention round their factors to bfloat16: part of
/// ``PrecisionPolicy/mixedBFloat16``.
///
/// Products too small to fill the registers stay as they are, such as those of a last layer with few classes, whose
/// rounding would also be felt most. So do convolutions that are not computed as products: Winograd's method takes a quarter of
/// the multiplications, which is less than half of them.
///
/// ```
/// %0 = matMul(in0, in1) : float32 [32, 64]        %0 = matMul[bfloat16](in0, in1) : float32 [32, 64]
/// return %0                                       return %0
/// ```
package struct BFloat16Products: Pass {
  package let name = "bfloat16 products"

  package init() {}

  package func run(_ graph: Graph) -> Graph {
    graph.rewritten { node, inputs in
      if let holder = node.primitive as? any HoldsGraph {
        return node.replaced(by: holder.rewritten(by: self), inputs)
      }
      guard node.outputs[0].dtype == .float32,
        let primitive = Self.rounded(node.primitive, inputs, node.outputs[0])
      else { return nil }
      return node.replaced(by: primitive, inputs)
    }
  }

  /// The same operation of rounded factors; nil for one that stays as it is.
  private static func rounded(
    _ primitive: any Primitive, _ inputs: [Tensor], _ output: TensorSpec
  ) -> (any Primitive)? {
    switch primitive {
    case is MatMul:
      let y = output.shape
      return isLarge(rows: y[-2], columns: y[-1], depth: inputs[0].shape[-1])
        ? MatMul(precision: .bfloat16) : nil
    case let convolution as ConvOperation:
      let (window, groups) = (convolution.window, convolution.groups)
      return isRounded(window, groups, image: inputs[0].shape, output: output.shape)
        ? ConvOperation(
          window: window, groups: groups, epilogue: convolution.epilogue, precision: .bfloat16)
        : nil
    case let gradient as ConvInputGradient:
      let (window, groups, image) = (gradient.window, gradient.groups, gradient.imageShape)
      return isRounded(window, groups, image: image, output: inputs[0].shape, unrollsDirect: true)
        ? ConvInputGradient(
          window: window, groups: groups, imageShape: image, precision: .bfloat16) : nil
    case let gradient as ConvKernelGradient:
      return isRounded(
        gradient.window, gradient.groups, image: inputs[0].shape, output: inputs[1].shape)
        ? ConvKernelGradient(
          window: gradient.window, groups: gradient.groups, precision: .bfloat16) : nil
    case var attention as AttentionOperation:
      attention.precision = .bfloat16
      return attention
    case var gradient as AttentionGradient:
      gradient.precision = .bfloat16
      return gradient
    default: return nil
    }
  }

  private static func isLarge(rows: Int, columns: Int, depth: Int) -> Bool {
    rows >= 12 && columns >= 32 && depth >= 16
  }

  /// Whether a convolution, or its gradient, is computed by products that are large enough in each direction.
  private static func isRounded(
    _ window: Window, _ groups: Int, image: Shape, output: Shape, unrollsDirect: Bool = false
  ) -> Bool {
    switch ConvolutionAlgorithm(
      window, groups: groups, image: image, output: output, dtype: .float32)
    {
    case .pointwise, .unrolled: break
    case .direct where unrollsDirect: break
    default: return false
    }
    return isLarge(
      rows: output.dropLast().reduce(1, *), columns: output[-1] / groups,
      depth: window.size.reduce(image[-1] / groups, *))
  }
}
