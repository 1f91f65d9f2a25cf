import CKernels

extension Window {
  /// The window of a pooling of `x`.
  init(
    pooling x: Tensor, _ size: SpatialSize, _ strides: SpatialSize?, _ padding: Padding,
    _ function: String
  ) throws(EngineError) {
    let rank = try x.shape.spatialRank(function)
    let operation = "\(function)\(rank)D"
    try self.init(
      size: size.along(rank, "size", operation), strides: strides ?? size, padding: padding,
      image: x.shape.spatial, operation: operation)
  }

  /// A kernel of a pooling over images, cut over threads.
  ///
  /// - Parameters:
  ///   - image: the shape of the images that the window moves over.
  ///   - output: the shape of the pooled images.
  ///   - x: the one of both that is read.
  ///   - y: the one that is written.
  ///   - workspace: says how many threads there are.
  ///   - body: gets the geometry, the images that are its own, and where they begin in `x` and in `y`.
  /// - Returns: the kernel.
  func kernel(
    image: Shape, output: Shape, from x: Operand, to y: Operand, _ workspace: Workspace,
    _ body:
      @escaping (
        _ geometry: UnsafePointer<apus_conv>, _ images: Range<Int>, _ x: UnsafeMutableRawPointer,
        _ y: UnsafeMutableRawPointer
      ) -> Void
  ) -> Kernel {
    let geometry = geometry(image: image, output: output)
    return workspace.images(from: x, to: y) { images, from, to in
      withUnsafePointer(to: geometry) { body($0, images, from, to) }
    }
  }
}
