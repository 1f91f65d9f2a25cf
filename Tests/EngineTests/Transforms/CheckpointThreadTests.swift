import Engine
import TestSupport
import Testing

@Suite("Gradients of checkpointed functions on other threads") struct CheckpointThreadTests {
  @Test("are those of the thread that ran the function forward", arguments: [false, true])
  func gradients(isCheckpointed: Bool) async throws {
    let block = Sequential(Linear(8, activation: .gelu), Dropout(0.5), Linear(4))
    let x = Tensor([[1.0, -2, 0.5, 3], [0, 1, 2, -1]], dtype: .float32)
    _ = block(x)
    let leaf = Node(leaf: x)
    let input = leaf.output(0)
    let output = isCheckpointed ? block.checkpointed(input) : block(input)
    let seed = Tensor.ones(output.shape)
    let own = try #require(backward(from: [output], seeds: [seed], to: [leaf])[0])
    // Meanwhile the module is used, and changes.
    let gradients = await withTaskGroup(of: [Double].self) { group in
      for _ in 0..<8 {
        group.addTask {
          (0..<20).flatMap { _ in
            backward(from: [output], seeds: [seed], to: [leaf])[0]?.scalars(as: Double.self) ?? []
          }
        }
      }
      for _ in 0..<20 {
        _ = block(x)
        block.merge(block.parameters().map { $0 * 0.5 })
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    let expected = (0..<20).flatMap { _ in own.scalars(as: Double.self) }
    for values in gradients { expectClose(values, expected, atol: 0, rtol: 0) }
  }
}
