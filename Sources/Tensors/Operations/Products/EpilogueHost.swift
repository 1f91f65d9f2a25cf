/// Elementwise work on the blocks of a result, bound to memory.
struct BlockWork {
  /// What a block is preceded by: leaves in it the numbers that the result is added to.
  var before: ((_ rows: Range<Int>, _ columns: Range<Int>, _ part: Int) -> Void)?
  /// What a block is followed by, on the thread that has just computed it.
  var after: ((_ rows: Range<Int>, _ columns: Range<Int>, _ part: Int) -> Void)?
  /// Whether the result is added to what is in the output's memory (written by `before`, or there already).
  var accumulates = false
}

/// An operation whose result is a matrix (the axes before the last taken together) that it computes in blocks, with other
/// work before and after each.
protocol EpilogueHost: Primitive {
  /// Whether it can be done for these inputs.
  func canHost(_ inputs: [TensorSpec], _ output: TensorSpec) -> Bool

  /// Like ``Primitive/prepare(_:_:_:)``, with `work` around each block.
  func prepare(
    _ inputs: [Operand], _ output: Operand, _ workspace: Workspace, around work: BlockWork
  ) -> Kernel
}
