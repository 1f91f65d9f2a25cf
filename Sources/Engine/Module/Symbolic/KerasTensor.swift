import Tensors

/// A tensor of a graph of layers: shape and scalar type are known, values come when a model of the graph is called.
///
/// ```swift
/// let x = Input(shape: [32], name: "x")
/// let y = relu(Dense(16)(x)) + 1
/// let model = Functional(inputs: x, outputs: y)
/// ```
///
/// `Input(shape:batchSize:dtype:name:)` makes the first ones; layers, operators and functions called on some give
/// more. Two are equal when they are the same result of the same call.
///
/// - SeeAlso: Keras, `keras.KerasTensor`.
public struct KerasTensor: Hashable {
  /// The call that gives this tensor.
  let node: KerasNode
  /// Which of its results this is.
  let index: Int

  init(node: KerasNode, index: Int) {
    self.node = node
    self.index = index
  }

  /// An input of a graph; usually written `Input(shape: [32])`.
  ///
  /// - Parameters:
  ///   - shape: of one sample, without the batch axis; nil for a length that is open, such as that of a sequence.
  ///   - batchSize: the number of samples, open unless given.
  ///   - dtype: what data is converted to.
  ///   - name: by which dictionaries of data give the input; `input_layer`, numbered, unless given.
  public init(
    shape: [Int?], batchSize: Int? = nil, dtype: DType = .float32, name: String? = nil
  ) {
    self.init(shapeWithBatch: [batchSize] + shape, dtype: dtype, name: name)
  }

  /// An input with all axes in `shape`.
  init(shapeWithBatch shape: [Int?], dtype: DType, name: String?) {
    let layer = InputLayer(shape: shape, dtype: dtype, name: name)
    if let negative = shape.compactMap(\.self).first(where: { $0 < 0 }) {
      fail(
        EngineError.invalidArgument(
          message: "Input(shape:) of \(shapeText(shape)): a length is \(negative): give nil for "
            + "one that is open"))
    }
    let spec = KerasSpec(shape: shape, dtype: dtype)
    node = KerasNode(layer, inputs: nil, form: .tensor(Tensor(0)), outputs: [spec])
    index = 0
  }

  /// What a failed call gives: calls on it do nothing. The failure itself has been reported.
  static var invalid: KerasTensor {
    let layer = InputLayer(shape: [], dtype: .float32, name: nil)
    let spec = KerasSpec(shape: [], dtype: .float32)
    return KerasNode(
      layer, inputs: nil, form: .tensor(Tensor(0)), outputs: [spec], isValid: false
    ).outputTensors[0]
  }

  var isInvalid: Bool { !node.isValid }

  var spec: KerasSpec { node.specs[index] }

  /// The lengths of the axes, the batch first; nil for those that are open.
  public var shape: [Int?] { spec.shape }

  /// The type of the elements that tensors in this place will have.
  public var dtype: DType { spec.dtype }

  /// The number of axes, that of the batch included.
  public var rank: Int { shape.count }

  /// The name of the layer that gives this tensor.
  public var name: String { node.outboundLayer.layerName }

  /// Where this tensor comes from: a layer, which of the layer's calls, and which result of that call.
  public var history: (layer: AnyModule, nodeIndex: Int, tensorIndex: Int) {
    (node.outboundLayer, node.index, index)
  }

  /// Whether both are the same result of the same call.
  public static func == (a: KerasTensor, b: KerasTensor) -> Bool {
    a.node === b.node && a.index == b.index
  }

  /// Hashes the call and the number of the result.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(node))
    hasher.combine(index)
  }
}

/// The start of a graph of layers: `let x = Input(shape: [32], name: "x")`.
///
/// Inside a module's class `Input` is what its `call` takes: write `KerasTensor(shape: [32])` there.
public typealias Input = KerasTensor

extension KerasTensor: CustomStringConvertible {
  /// `float32 [nil, 32] of layer "dense_1"`
  public var description: String { "\(dtype) \(shapeText(shape)) of layer \"\(name)\"" }
}

/// What is known of a ``KerasTensor``.
struct KerasSpec: Hashable {
  /// nil for an open length.
  var shape: [Int?]
  var dtype: DType
}
