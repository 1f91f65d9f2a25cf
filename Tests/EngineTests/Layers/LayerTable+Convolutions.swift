import Engine
import TestSupport

extension LayerTable {
  /// Windows that move over images, and images with other borders or sizes.
  static let convolutionRows: [String: Make] = [
    "Conv1D": { example in
      let c = try Convolution(example)
      return Conv1D(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        dilations: c.dilations, groups: try c.groups, activation: c.activation, useBias: c.useBias)
    },
    "Conv2D": { example in
      let c = try Convolution(example)
      return Conv2D(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        dilations: c.dilations, groups: try c.groups, activation: c.activation, useBias: c.useBias)
    },
    "Conv3D": { example in
      let c = try Convolution(example)
      return Conv3D(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        dilations: c.dilations, groups: try c.groups, activation: c.activation, useBias: c.useBias)
    },
    "Conv1DTranspose": { example in
      let c = try Convolution(example)
      return Conv1DTranspose(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        outputPadding: try example.optionalSize("output_padding"), dilations: c.dilations,
        activation: c.activation, useBias: c.useBias)
    },
    "Conv2DTranspose": { example in
      let c = try Convolution(example)
      return Conv2DTranspose(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        outputPadding: try example.optionalSize("output_padding"), dilations: c.dilations,
        activation: c.activation, useBias: c.useBias)
    },
    "Conv3DTranspose": { example in
      let c = try Convolution(example)
      return Conv3DTranspose(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        outputPadding: try example.optionalSize("output_padding"), dilations: c.dilations,
        activation: c.activation, useBias: c.useBias)
    },
    "DepthwiseConv1D": { example in
      let c = try Convolution(example)
      return DepthwiseConv1D(
        kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        depthMultiplier: try c.multiplier, dilations: c.dilations, activation: c.activation,
        useBias: c.useBias)
    },
    "DepthwiseConv2D": { example in
      let c = try Convolution(example)
      return DepthwiseConv2D(
        kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        depthMultiplier: try c.multiplier, dilations: c.dilations, activation: c.activation,
        useBias: c.useBias)
    },
    "SeparableConv1D": { example in
      let c = try Convolution(example)
      return SeparableConv1D(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        dilations: c.dilations, depthMultiplier: try c.multiplier, activation: c.activation,
        useBias: c.useBias)
    },
    "SeparableConv2D": { example in
      let c = try Convolution(example)
      return SeparableConv2D(
        try c.filters, kernelSize: c.kernelSize, strides: c.strides, padding: c.padding,
        dilations: c.dilations, depthMultiplier: try c.multiplier, activation: c.activation,
        useBias: c.useBias)
    },
    "MaxPooling1D": { try pooling($0, MaxPooling1D.init) },
    "MaxPooling2D": { try pooling($0, MaxPooling2D.init) },
    "MaxPooling3D": { try pooling($0, MaxPooling3D.init) },
    "AveragePooling1D": { try pooling($0, AveragePooling1D.init) },
    "AveragePooling2D": { try pooling($0, AveragePooling2D.init) },
    "AveragePooling3D": { try pooling($0, AveragePooling3D.init) },
    "GlobalMaxPooling1D": { GlobalMaxPooling1D(keepDims: try $0.keepsDims()) },
    "GlobalMaxPooling2D": { GlobalMaxPooling2D(keepDims: try $0.keepsDims()) },
    "GlobalMaxPooling3D": { GlobalMaxPooling3D(keepDims: try $0.keepsDims()) },
    "GlobalAveragePooling1D": { GlobalAveragePooling1D(keepDims: try $0.keepsDims()) },
    "GlobalAveragePooling2D": { GlobalAveragePooling2D(keepDims: try $0.keepsDims()) },
    "GlobalAveragePooling3D": { GlobalAveragePooling3D(keepDims: try $0.keepsDims()) },
    "ZeroPadding1D": { ZeroPadding1D(try $0.border("padding", rank: 1) ?? 1) },
    "ZeroPadding2D": { ZeroPadding2D(try $0.border("padding", rank: 2) ?? 1) },
    "ZeroPadding3D": { ZeroPadding3D(try $0.border("padding", rank: 3) ?? 1) },
    "Cropping1D": { Cropping1D(try $0.border("cropping", rank: 1) ?? 1) },
    "Cropping2D": { Cropping2D(try $0.border("cropping", rank: 2) ?? 0) },
    "Cropping3D": { Cropping3D(try $0.border("cropping", rank: 3) ?? 1) },
    "UpSampling1D": { UpSampling1D(try $0.optionalSize("size") ?? 2) },
    "UpSampling2D": { example in
      let isBilinear = try example.argument("interpolation")?.string() == "bilinear"
      return UpSampling2D(
        try example.optionalSize("size") ?? 2, interpolation: isBilinear ? .bilinear : .nearest)
    },
    "UpSampling3D": { UpSampling3D(try $0.optionalSize("size") ?? 2) },
  ]

  private static func pooling(
    _ example: FixtureCase,
    _ make: (SpatialSize, SpatialSize?, Padding, String?) -> any Layer
  ) throws -> any Layer {
    make(
      try example.optionalSize("pool_size") ?? 2, try example.optionalSize("strides"),
      try example.padding(), nil)
  }
}

/// The arguments that all layers with kernels have.
private struct Convolution {
  let example: FixtureCase
  let kernelSize: SpatialSize
  let strides: SpatialSize
  let padding: Padding
  let dilations: SpatialSize
  let activation: ActivationFunction?
  let useBias: Bool

  init(_ example: FixtureCase) throws {
    self.example = example
    kernelSize = try example.size("kernel_size")
    strides = try example.optionalSize("strides") ?? 1
    padding = try example.padding()
    dilations = try example.optionalSize("dilation_rate") ?? 1
    activation = try LayerTable.activation(example)
    useBias = try example.argument("use_bias")?.bool() ?? true
  }

  var filters: Int { get throws { try example.integer("filters") } }
  var groups: Int { get throws { try example.argument("groups")?.int() ?? 1 } }
  var multiplier: Int { get throws { try example.argument("depth_multiplier")?.int() ?? 1 } }
}

extension FixtureCase {
  /// A number, or one an axis, that the constructor must be given.
  func size(_ key: String) throws -> SpatialSize {
    let value = try self["arguments"][key]
    if let number = try? value.int() { return SpatialSize(number) }
    return SpatialSize(try value.elements().map { try $0.int() })
  }

  /// A number, or one an axis; nil for the default.
  func optionalSize(_ key: String) throws -> SpatialSize? {
    argument(key) == nil ? nil : try size(key)
  }

  /// Keras's name of the padding.
  fileprivate func padding() throws -> Padding {
    let names: [String: Padding] = ["same": .same, "valid": .valid, "causal": .causal]
    return names[try argument("padding")?.string() ?? "valid"] ?? .valid
  }

  fileprivate func keepsDims() throws -> Bool { try argument("keepdims")?.bool() ?? false }

  /// Keras's borders: a number, one an axis (of sequences one a side), or pairs; nil for the default.
  fileprivate func border(_ key: String, rank: Int) throws -> SpatialBorder? {
    guard let value = argument(key) else { return nil }
    if let number = try? value.int() { return SpatialBorder([[number, number]]) }
    let elements = try value.elements()
    if let numbers = try? elements.map({ try $0.int() }) {
      return SpatialBorder(rank == 1 ? [numbers] : numbers.map { [$0, $0] })
    }
    return SpatialBorder(try elements.map { try $0.elements().map { try $0.int() } })
  }
}
