import Foundation
import OrderedCollections
import Tensors

extension AnyModule {
  /// Writes parameters, statistics and states as a safetensors file, by path, whole or not at all.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` when the file cannot be written, and for a name that ends like a
  ///   file of another kind.
  public func saveWeights(to path: String) throws {
    let ending = (path as NSString).pathExtension.lowercased()
    let others = ["h5", "hdf5", "keras", "pt", "pth", "ckpt", "npy", "npz", "onnx"]
    guard !others.contains(ending)
    else {
      throw EngineError.file(
        path: path,
        message: "weights are written as safetensors, and another program would take the file for "
          + "what its name ends in: end it in .safetensors")
    }
    try SafeTensors.write(
      savedVariables.map { ($0.path, $0.variable.stored) }, metadata: ["format": "apus"], to: path)
  }

  /// Gives variables the values in a safetensors file.
  ///
  /// ```swift
  /// try cnn.initialize(images).loadWeights(
  ///   from: "torch.safetensors", map: [.torchConvolution("0", to: "conv2d"), .torchLinear("3", to: "linear")])
  /// ```
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - map: how names and layouts in the file become those here; the same ones unless given.
  ///   - isStrict: whether every variable must get a value and every tensor of the file must be used. Else what fits is
  ///     taken and the report says what does not.
  /// - Returns: which variables got a value, and which did not.
  /// - Throws: ``EngineError/file(path:message:)`` that says what does not fit, and ``EngineError/model(message:)`` when
  ///   there are no variables yet; then nothing has been changed.
  @discardableResult
  public func loadWeights(
    from path: String, map: WeightMap = .identity, isStrict: Bool = true
  ) throws -> TransferReport {
    guard isInitialized else {
      throw EngineError.model(
        message:
          "weights are loaded into variables, and \(typeName) has none before the first call: "
          + "initialize(_:) makes them")
    }
    let (tensors, _) = try SafeTensors.read(path)
    let source = try map.apply(to: tensors, path: path)
    let report = transferReport(source)
    guard !isStrict || report.isComplete else {
      throw EngineError.file(path: path, message: "the file does not fit \(typeName): \(report)")
    }
    assign(source, report)
    return report
  }
}
