import Engine
import TestSupport
import Testing

extension LayerTests {
  private typealias Make = @Sendable () -> AnyModule

  private static let sequences: [(name: String, make: Make)] = [
    ("Conv1D", { Conv1D(4, kernelSize: 3, padding: .causal) }),
    ("Conv1DTranspose", { Conv1DTranspose(4, kernelSize: 3, strides: 2) }),
    ("DepthwiseConv1D", { DepthwiseConv1D(kernelSize: 2) }),
    ("SeparableConv1D", { SeparableConv1D(3, kernelSize: 2) }),
    ("MaxPooling1D", { MaxPooling1D() }),
    ("AveragePooling1D", { AveragePooling1D() }),
    ("GlobalMaxPooling1D", { GlobalMaxPooling1D() }),
    ("GlobalAveragePooling1D", { GlobalAveragePooling1D() }),
    ("ZeroPadding1D", { ZeroPadding1D() }),
    ("Cropping1D", { Cropping1D() }),
    ("UpSampling1D", { UpSampling1D() }),
  ]

  private static let pictures: [(name: String, make: Make)] = [
    ("Conv2D", { Conv2D(4, kernelSize: 3, padding: .same) }),
    ("Conv2D in groups", { Conv2D(4, kernelSize: [3, 2], groups: 2) }),
    ("Conv2DTranspose", { Conv2DTranspose(3, kernelSize: 3, strides: 2, padding: .same) }),
    ("DepthwiseConv2D", { DepthwiseConv2D(kernelSize: 3, depthMultiplier: 2) }),
    ("SeparableConv2D", { SeparableConv2D(3, kernelSize: 3) }),
    ("MaxPooling2D", { MaxPooling2D() }),
    ("AveragePooling2D", { AveragePooling2D(3, strides: 2, padding: .same) }),
    ("GlobalMaxPooling2D", { GlobalMaxPooling2D() }),
    ("GlobalAveragePooling2D", { GlobalAveragePooling2D() }),
    ("ZeroPadding2D", { ZeroPadding2D([[1, 0], [0, 2]]) }),
    ("Cropping2D", { Cropping2D(1) }),
    ("UpSampling2D", { UpSampling2D(interpolation: .bilinear) }),
  ]

  private static let volumes: [(name: String, make: Make)] = [
    ("Conv3D", { Conv3D(3, kernelSize: [1, 2, 2]) }),
    ("Conv3DTranspose", { Conv3DTranspose(3, kernelSize: 2, outputPadding: 0) }),
    ("MaxPooling3D", { MaxPooling3D() }),
    ("AveragePooling3D", { AveragePooling3D() }),
    ("GlobalMaxPooling3D", { GlobalMaxPooling3D() }),
    ("GlobalAveragePooling3D", { GlobalAveragePooling3D() }),
    ("ZeroPadding3D", { ZeroPadding3D() }),
    ("Cropping3D", { Cropping3D([0, 1, 1]) }),
    ("UpSampling3D", { UpSampling3D() }),
  ]

  /// Layers that move windows over images, or change their borders or sizes.
  static let windowExamples: [(name: String, make: @Sendable () -> AnyModule, input: Shape)] =
    sequences.map { (name: $0.name, make: $0.make, input: [3, 5, 2] as Shape) }
    + pictures.map { (name: $0.name, make: $0.make, input: [3, 5, 6, 2] as Shape) }
    + volumes.map { (name: $0.name, make: $0.make, input: [3, 2, 4, 3, 2] as Shape) }

  @Test("Every layer with a window names itself and the axes that it takes")
  func wrongRanks() throws {
    let kinds: [([(name: String, make: Make)], String)] = [
      (Self.sequences, "sequences [batch, steps, channels]"),
      (Self.pictures, "images [batch, height, width, channels]"),
      (Self.volumes, "volumes [batch, depth, height, width, channels]"),
    ]
    for (layers, expectation) in kinds {
      for (name, make) in layers {
        let type = name.prefix { $0 != " " }
        expectError("\(type): expected \(expectation), got [2]") {
          _ = try make().call(structure: .tensor(Tensor([1.0, 2])))
        }
      }
    }
  }

  @Test("Numbers that do not fit the axes or each other are named")
  func wrongWindows() {
    expectError("Conv2D: kernelSize must be one number or 2, of at least 1, got [3, 3, 3]") {
      _ = Conv2D(1, kernelSize: [3, 3, 3])
    }
    expectError("Conv1D: strides must be one number or 1, of at least 1, got [0]") {
      _ = Conv1D(1, kernelSize: 1, strides: 0)
    }
    expectError("Conv3D: dilations must be one number or 3, of at least 1, got [1, 2]") {
      _ = Conv3D(1, kernelSize: 1, dilations: [1, 2])
    }
    expectError("Conv2D: filters must not be negative, got -1") { _ = Conv2D(-1, kernelSize: 1) }
    expectError("Conv2D: groups must be at least 1 and divide the filters (4), got 3") {
      _ = Conv2D(4, kernelSize: 1, groups: 3)
    }
    expectError("Conv2D: expected channels that 3 groups divide, got [1, 2, 2, 4]") {
      _ = Conv2D(6, kernelSize: 1, groups: 3)(Tensor.zeros([1, 2, 2, 4]))
    }
    expectError("a window of [3, 3] with dilations [1, 1] spans 3 elements of axis 1") {
      _ = Conv2D(1, kernelSize: 3)(Tensor.zeros([1, 2, 2, 1]))
    }
    expectError("DepthwiseConv2D: depthMultiplier must be at least 1, got 0") {
      _ = DepthwiseConv2D(kernelSize: 1, depthMultiplier: 0)
    }
    expectError("MaxPooling3D: strides must be one number or 3, of at least 1, got [1, 1]") {
      _ = MaxPooling3D(strides: [1, 1])
    }
    expectError("maxPool1D: a window of [4] with dilations [1] spans 4 elements of axis 1") {
      _ = MaxPooling1D(4)(Tensor.zeros([1, 3, 1]))
    }
    expectError("conv1DTranspose: outputPadding must be at least 0 and less than the strides [2]") {
      _ = Conv1DTranspose(1, kernelSize: 3, strides: 2, outputPadding: 2)(Tensor.zeros([1, 3, 1]))
    }
    expectError("conv1DTranspose: padding cannot be causal") {
      _ = Conv1DTranspose(1, kernelSize: 3, padding: .causal)(Tensor.zeros([1, 3, 1]))
    }
    expectError("conv2D: padding must be 2 numbers of at least 0 before and as many after") {
      let padding = Padding.explicit(before: [1], after: [1, 1])
      _ = Conv2D(1, kernelSize: 1, padding: padding)(Tensor.zeros([1, 2, 2, 1]))
    }
    expectError("ZeroPadding2D: padding must be numbers or pairs of at least 0, one or 2 of them") {
      _ = ZeroPadding2D([1, 2, 3])
    }
    expectError("Cropping1D: expected axes longer than the borders [3, 2], got [1, 5, 1]") {
      _ = Cropping1D([[3, 2]])(Tensor.zeros([1, 5, 1]))
    }
    expectError("UpSampling2D: size must be one number or 2, of at least 1, got [0]") {
      _ = UpSampling2D(0)
    }
  }

  @Test("The mean over time leaves masked steps out")
  func maskedMean() throws {
    let x = Tensor([[[1.0, 2], [3, 6], [0, 0]], [[0, 0], [0, 0], [0, 0]]])
    expectClose(
      try withErrors { Sequential(Masking(), GlobalAveragePooling1D())(x) }, [2, 4, 0, 0])
    let kept = Sequential(Masking(), GlobalAveragePooling1D(keepDims: true))
    #expect(try withErrors { kept(x) }.shape == [2, 1, 2])
    let gradient = try grad { (x: Tensor) in
      sum(Sequential(Masking(), GlobalAveragePooling1D())(x))
    }(x)
    expectClose(gradient, [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("Every parameter of a layer with a kernel has its own penalty")
  func penalties() throws {
    let layer = SeparableConv2D(
      2, kernelSize: [1, 2], depthwiseInitializer: Ones(), pointwiseInitializer: Constant(2),
      biasInitializer: Constant(3), depthwiseRegularizer: L1(1), pointwiseRegularizer: L1(10),
      biasRegularizer: L1(100), activityRegularizer: L1(1000), depthwiseConstraint: MaxNorm(1),
      pointwiseConstraint: NonNegative(), biasConstraint: UnitNorm())
    let x = Tensor.ones([2, 1, 2, 1])
    let context = layer.run(isTraining: false) { layer(x) }.context
    // Two cells of 1, two of 2, two of 3; outputs 2 · 2 + 3 = 7, of which each sample has two.
    let losses: [Double] = context.notes.losses.map { $0.value.item() }
    #expect(losses == [2, 40, 600, 14_000])
  }
}
