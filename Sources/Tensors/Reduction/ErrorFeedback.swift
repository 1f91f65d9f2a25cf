/// A gradient with what earlier messages have lost of it, and what the next one loses of that.
///
/// Inputs: gradient and earlier loss, float32 of one shape. Outputs of the same shape: their sum `x`, which is what is sent, and `x` less what
/// arrives of it.
package struct ErrorFeedback: Primitive {
  /// One that is like no other.
  private final class Encoder: Hashable, Sendable {
    let hook: any GradientHook

    init(_ hook: any GradientHook) { self.hook = hook }

    static func == (a: Encoder, b: Encoder) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
  }

  private let encoder: Encoder

  package init(_ hook: any GradientHook) { encoder = Encoder(hook) }

  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 1, input: 1)]
  }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    guard inputs[0] == inputs[1], inputs[0].dtype == .float32 else {
      throw .shape(operation: name, message: "\(inputs[0].shape) and \(inputs[1].shape) differ")
    }
    return inputs
  }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let hook = encoder.hook
    let (g, e) = (inputs[0].pointer(as: Float.self), inputs[1].pointer(as: Float.self))
    let (x, loss) = (outputs[0].pointer(as: Float.self), outputs[1].pointer(as: Float.self))
    // Whole blocks, as messages are cut.
    let block = max(hook.blockLength, 1)
    let length = (8192 + block - 1) / block * block
    workspace.require(bytes: hook.byteCount(of: length))
    return workspace.parallel(
      outputs[0].elementCount, grain: Workspace.elementGrain, multiple: length
    ) { items, part in
      let bytes = workspace.base(part: part)
      for start in stride(from: items.lowerBound, to: items.upperBound, by: length) {
        let end = min(start + length, items.upperBound)
        for i in start..<end { x[i] = g[i] + e[i] }
        _ = hook.encode(UnsafeBufferPointer(start: x + start, count: end - start), into: bytes)
        hook.decode(
          bytes, into: UnsafeMutableBufferPointer(start: loss + start, count: end - start),
          adds: false)
        for i in start..<end { loss[i] = x[i] - loss[i] }
      }
    }
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] { [nil, nil] }
}
