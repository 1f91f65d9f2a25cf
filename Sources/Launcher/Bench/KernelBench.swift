import Engine

/// The speed of single operations, each compiled as a plan of its own.
enum KernelBench {
  /// Elements of a row, where an operation works on rows.
  static let rowLength = 128

  /// What was measured.
  struct Report: Encodable, Sendable {
    struct Row: Encodable, Sendable {
      var name: String
      var elements: Int
      var nsPerElement: Double
      /// 10⁹ bytes a second that its instructions read and write.
      var gbPerS: Double
    }

    var threads: Int
    var kernels: [Row]
    /// Of one thread.
    var memory: [CoreLimits.Memory]
    /// Of one thread: fused multiply-adds from registers, and BLAS.
    var fmaGflops: Double
    var gemmGflops: Double
  }

  /// An operation on `inputs` arrays of `[rows, rowLength]`.
  private struct Case {
    let name: String
    let inputs: Int
    let body: ([Tensor]) throws -> [Tensor]

    init(_ name: String, _ inputs: Int, _ body: @escaping ([Tensor]) throws -> [Tensor]) {
      (self.name, self.inputs, self.body) = (name, inputs, body)
    }
  }

  private static var elementwise: [Case] {
    [
      Case("add", 2) { [$0[0] + $0[1]] },
      Case("multiply", 2) { [$0[0] * $0[1]] },
      Case("divide", 2) { [$0[0] / $0[1]] },
      Case("sqrt", 1) { [sqrt($0[0])] },
      Case("exp", 1) { [exp($0[0])] },
      Case("log", 1) { [log($0[0])] },
      Case("tanh", 1) { [tanh($0[0])] },
      Case("sigmoid", 1) { [sigmoid($0[0])] },
      Case("relu", 1) { [relu($0[0])] },
      Case("reluGradient", 2) { [apply1(ReLUGradient(), $0[0], $0[1])] },
      Case("gelu (tanh)", 1) { [gelu($0[0], approximate: true)] },
      Case("geluGradient (tanh)", 2) { [apply1(GELUGradient(approximate: true), $0[0], $0[1])] },
      Case("fused: relu(a b + c)", 3) { [relu($0[0] * $0[1] + $0[2])] },
      Case("cast to float64", 1) { [$0[0].cast(to: .float64)] },
    ]
  }

  private static var overRows: [Case] {
    [
      Case("sum of all", 1) { [sum($0[0])] },
      Case("sum of rows", 1) { [sum($0[0], axis: -1)] },
      Case("sum of columns", 1) { [sum($0[0], axis: 0)] },
      Case("max of rows", 1) { [max($0[0], axis: -1)] },
      Case("argMax of rows", 1) { [argmax($0[0], axis: -1)] },
      Case("softmax", 1) { [softmax($0[0], axis: -1)] },
      Case("softmaxGradient", 2) { [apply1(SoftmaxGradient(isLogarithm: false), $0[0], $0[1])] },
      Case("logSoftmax", 1) { [logSoftmax($0[0], axis: -1)] },
      Case("layerNorm", 1) { [layerNorm($0[0], epsilon: 1e-5)] },
      Case("transposed copy", 1) { [apply1(Contiguous(), transpose($0[0], [1, 0]))] },
    ]
  }

  /// The optimizers, of every setting that has a loop of its own.
  private static var optimizers: [(String, Optimizer)] {
    [
      ("SGD", SGD()), ("SGD with momentum", SGD(momentum: 0.9)), ("Adam", Adam()),
      ("Adam with AMSGrad", Adam(amsgrad: true)), ("AdamW", AdamW()),
      ("AdamW with averages", AdamW(options: OptimizerOptions(useEMA: true))),
      ("Nadam", Nadam()), ("Adamax", Adamax()), ("RMSprop", RMSprop()),
      ("RMSprop, momentum", RMSprop(momentum: 0.9)), ("Adagrad", Adagrad()),
      ("Adadelta", Adadelta()), ("Lion", Lion()), ("Ftrl", Ftrl()),
      ("ScheduleFreeAdamW", ScheduleFreeAdamW()), ("Lamb", Lamb()),
      ("LARS", LARS(learningRate: 0.1)),
      ("Adafactor", Adafactor()), ("Muon", Muon()),
    ]
  }

  /// One step of an optimizer on one parameter.
  private static func update(_ name: String, _ optimizer: Optimizer, elements: Int) -> Case {
    let parameter = Variable(
      path: "p", kind: .parameter, initial: .ones([elements / rowLength, rowLength]))
    return Case(name + " update", 1) {
      try optimizer.apply([parameter], $0)
      return []
    }
  }

  /// Times every operation on arrays of about these numbers of elements.
  static func measure(threads: Int, sizes: [Int]) throws -> Report {
    ComputeThreads.set(threads)
    let rows = try sizes.flatMap { size in
      let updates = optimizers.map { update($0, $1, elements: size) }
      return try (elementwise + overRows + updates).map { try measure($0, elements: size) }
    }
    return Report(
      threads: threads, kernels: rows,
      memory: CoreLimits.memorySizes.map { CoreLimits.memory(bytes: $0) },
      fmaGflops: CoreLimits.fmaGFLOPS().rounded(places: 1),
      gemmGflops: BLASLibrary.measureGFLOPS().rounded(places: 1))
  }

  private static func measure(_ item: Case, elements: Int) throws -> Report.Row {
    let shape: Shape = [elements / rowLength, rowLength]
    let inputs = (0..<item.inputs).map { index in
      // Above 0, for logarithms and roots.
      randomUniform(shape, key: RandomKey(seed: 1, stream: UInt64(index)).tensor) + 0.5
    }
    let plan = try Plan(try Trace.record(inputs.map(\.spec), item.body))
    for (index, input) in inputs.enumerated() { plan.copyInput(index, input) }
    let seconds = try Times.measure { try plan.run() }.median
    let bytes = plan.instructions.flatMap { $0.inputs + $0.outputs }
      .reduce(0) { $0 + $1.layout.shape.elementCount * $1.dtype.size }
    return Report.Row(
      name: item.name, elements: shape.elementCount,
      nsPerElement: (seconds / Double(shape.elementCount) * 1e9).rounded(places: 4),
      gbPerS: (Double(bytes) / seconds / 1e9).rounded(places: 1))
  }
}

extension KernelBench.Report {
  /// Tables for a person.
  var table: String {
    var kernelTable = TextTable(["kernel", "elements", "ns/element", "GB/s"])
    for row in kernels {
      kernelTable.add([
        row.name, "\(row.elements)", row.nsPerElement.text(3), row.gbPerS.text(1),
      ])
    }
    var memoryTable = TextTable(["memory", "GB/s copied", "GB/s read"])
    for row in memory {
      memoryTable.add([bytesText(row.bytes), row.copyGbPerS.text(1), row.readGbPerS.text(1)])
    }
    return """
      Operations on \(counted(threads, "thread")), float32; GB/s: read and written
      \(kernelTable.text)

      One thread: \(fmaGflops.text(1)) GFLOP/s of multiply-adds on registers, \(gemmGflops.text(1)) of BLAS
      \(memoryTable.text)
      """
  }
}
