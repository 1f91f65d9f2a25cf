import Engine
import Foundation
import TestSupport
import Testing

/// To the nearest number with 8 bits of precision, ties to even (IEEE 754 with a short significand).
private func rounded(_ x: Float) -> Float {
  let bits = x.bitPattern
  return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
}

/// Networks for the digits, by the operation that rounds its factors.
private enum RoundedNetwork: String, CaseIterable, Sendable {
  case dense = "matMul"
  case convolution = "conv2D"
  case attention
}

private final class DigitNetwork: Module {
  private let network: RoundedNetwork

  init(_ network: RoundedNetwork) {
    self.network = network
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    let count = x.shape[0]
    switch network {
    case .dense:
      return Linear(10)(Linear(32, activation: .relu)(Linear(64, activation: .relu)(x)))
    case .convolution:
      let y = relu(Conv2D(16, kernelSize: 3)(x.reshape([count, 8, 8, 1])))
      return Linear(10)(Flatten()(relu(Conv2D(32, kernelSize: 5)(y))))
    case .attention:
      let rows = Linear(32, activation: .tanh)(x.reshape([count, 8, 8]))
      return Linear(10)(Flatten()(rows + MultiHeadAttention(numHeads: 2, keyDim: 16)(rows)))
    }
  }
}

private func product(_ a: Tensor, _ b: Tensor) throws -> Plan {
  try Plan(
    try Trace.record([a.spec, b.spec]) { [matmul($0[0], $0[1])] },
    passes: [BFloat16Products()] + Passes.standard)
}

@Suite struct PrecisionPolicyTests {
  /// Rounded factors multiply without error in float32, so only the order of the sums may differ.
  @Test(arguments: [
    [12, 32, 16], [13, 33, 17], [25, 70, 1030], [128, 40, 515], [150, 520, 64],
  ])
  func `a product rounds its factors and adds up in float32`(sizes: [Int]) throws {
    let (m, n, k) = (sizes[0], sizes[1], sizes[2])
    var generator = SeededGenerator(seed: 3)
    let a = generator.uniform([m, k], dtype: .float32)
    let b = generator.uniform([k, n], dtype: .float32)
    func values(_ x: Tensor) -> Tensor {
      Tensor(x.scalars(as: Float.self).map { Double(rounded($0)) }, shape: x.shape)
        .cast(to: .float64)
    }
    let expected = matmul(values(a), values(b)).cast(to: .float32)
    for pairs in BFloat16.hasInstructions ? [false, true] : [false] {
      for threads in [1, 3] {
        let plan = try BFloat16.$usesPairs.withValue(pairs) {
          try ComputeThreads.with(threads) { try product(a, b) }
        }
        #expect(plan.description.contains("matMul[bfloat16]"))
        expectClose(try plan([a, b])[0], expected, atol: 1e-6 * Double(k), rtol: 1e-5)
      }
    }
    let transposedPlan = try Plan(
      try Trace.record([[k, m], [n, k]].map { TensorSpec(Shape($0), .float32) }) {
        [matmul(transpose($0[0]), transpose($0[1]))]
      }, passes: [BFloat16Products()])
    let flipped = try transposedPlan([transpose(a).contiguous(), transpose(b).contiguous()])[0]
    expectClose(flipped, expected, atol: 1e-6 * Double(k), rtol: 1e-5)
  }

  @Test func `small products and other types stay as they are`() throws {
    for (a, b, dtype) in [([64, 64], [64, 10], DType.float32), ([64, 64], [64, 64], .float64)] {
      let plan = try product(
        .ones(Shape(a), dtype: dtype), .ones(Shape(b), dtype: dtype))
      #expect(plan.description.contains("matMul("))
    }
  }

  @Test(arguments: RoundedNetwork.allCases)
  fileprivate func `digits are learned as well with it as without`(network: RoundedNetwork) throws {
    let digits = try Digits.load()
    // The last rows are by other writers: a random fifth is held out.
    let order = Tensor(Permutation.shuffled(count: Digits.count, seed: 7, epoch: 0))
    let x = take(digits.images.reshape([Digits.count, 64]), order)
    let y = take(digits.labels, order)
    func accuracy(_ bfloat16: Bool) throws -> Double {
      let model = Model(
        module: Sequential(Rescaling(1.0 / 16), DigitNetwork(network)),
        loss: SparseCategoricalCrossentropy(fromLogits: true),
        metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: Adam(learningRate: 3e-3),
        precision: bfloat16 ? .mixedBFloat16 : .float32)
      if bfloat16 { model.usesBFloat16 = true }
      let history = try model.fit(
        x: x, y: y, batchSize: 64, epochs: 20, verbose: .silent, validationSplit: 0.2)
      let plan = model.planOfLastStep?.description ?? ""
      #expect(plan.contains(network.rawValue + "[bfloat16]") == bfloat16)
      return history.history["val_accuracy"]?.last ?? 0
    }
    let (exact, mixed) = (try accuracy(false), try accuracy(true))
    // 360 samples, 97 % right: the standard error of the difference of two such shares is 1.3 %.
    #expect(exact > 0.94 && mixed > 0.94)
    #expect(abs(exact - mixed) < 0.026)
  }

  @Test func `without a measured gain the policy is that of float32`() throws {
    func train(_ precision: PrecisionPolicy) throws -> [Float] {
      let model = Model(
        module: Linear(64), loss: MeanSquaredError(), optimizer: SGD(), precision: precision)
      if precision == .mixedBFloat16 { model.usesBFloat16 = false }
      let x = randomNormal([32, 40], key: RandomKey(seed: 1).tensor)
      try model.fit(x: x, y: Tensor.ones([32, 64]), batchSize: 32, verbose: .silent)
      return model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) }
    }
    #expect(try train(.mixedBFloat16) == train(.float32))
  }

  @Test func `whether products are rounded hangs on the type of CPU and on what the user says`()
    throws
  {
    func isUsed(
      _ vendor: String, _ family: Int, _ model: Int, _ setting: String? = nil,
      _ instructions: Bool = true
    ) throws -> Bool {
      try BFloat16.isUsed(
        on: CPUType(vendor: vendor, family: family, model: model), setting: setting,
        hasInstructions: instructions)
    }
    // Genoa, Raphael, Phoenix, Bergamo; Turin.
    for model in [0x11, 0x61, 0x74, 0xa0] { #expect(try isUsed("AuthenticAMD", 25, model)) }
    #expect(try isUsed("AuthenticAMD", 26, 0x02))
    // Sapphire, Emerald and Granite Rapids have the instruction, at half of the speed of float32.
    for model in [0x8f, 0xcf, 0xad] { #expect(try !isUsed("GenuineIntel", 6, model)) }
    // Milan and Vermeer, which are of Zen 4's family; Cascade Lake and Cooper Lake; nobody knows.
    for model in [0x01, 0x21, 0x50] { #expect(try !isUsed("AuthenticAMD", 25, model)) }
    #expect(try !isUsed("GenuineIntel", 6, 0x55))
    #expect(try !isUsed("", 0, 0))
    // A virtual machine can hide the instructions.
    #expect(try !isUsed("AuthenticAMD", 25, 0x11, nil, false))
    #expect(try isUsed("GenuineIntel", 6, 0x55, "on", false))
    #expect(try !isUsed("AuthenticAMD", 25, 0x11, "off"))
    #expect(try isUsed("AuthenticAMD", 25, 0x11, "auto"))
    expectError("APUS_BFLOAT16 is \"yes\": it must be on, off or auto") {
      _ = try isUsed("AuthenticAMD", 25, 0x11, "yes")
    }
  }

  @Test func `a model takes what the table says`() throws {
    let model = Model(
      module: Linear(64), loss: MeanSquaredError(), optimizer: SGD(), precision: .mixedBFloat16)
    try model.fit(
      x: randomNormal([32, 40], key: RandomKey(seed: 1).tensor), y: Tensor.ones([32, 64]),
      batchSize: 32, verbose: .silent)
    #expect(try model.usesBFloat16 == BFloat16.isUsed())
    #expect(ProductSpeed.gflops(size: 64, repetitions: 2, threads: 2) > 0)
  }

  @Test(arguments: ["on", "off"])
  func `the environment says otherwise`(setting: String) async {
    await #expect(processExitsWith: .success) { [setting] in
      setenv("APUS_BFLOAT16", setting, 1)
      let model = Model(
        module: Linear(64), loss: MeanSquaredError(), optimizer: SGD(), precision: .mixedBFloat16)
      try model.fit(
        x: Tensor.ones([32, 40]), y: Tensor.ones([32, 64]), batchSize: 32, verbose: .silent)
      #expect(model.usesBFloat16 == (setting == "on"))
      #expect(model.planOfLastStep?.description.contains("bfloat16") == (setting == "on"))
    }
  }

  #if os(Linux) && arch(x86_64)
    @Test func `the type of CPU is that of the system`() throws {
      let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      func value(_ name: String) -> String? {
        let line = text.split(separator: "\n").first {
          $0.split(separator: ":")[0].trimmingCharacters(in: .whitespaces) == name
        }
        return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
      }
      let type = CPUType.current
      #expect(type.vendor == value("vendor_id"))
      #expect("\(type.family)" == value("cpu family"))
      #expect("\(type.model)" == value("model"))
    }
  #endif
}
