import Engine
import Foundation
import Subprocess
import TestSupport
import Testing

/// What another package adds: the other files of this folder, which use nothing but what is public.
@Suite("From outside of the package", .seeded)
struct OutsideTests {
  // MARK: Access

  @Test("All of it compiles in another package")
  func compiles() async throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") && !$0.hasSuffix("Tests.swift") }.sorted()
    #expect(files.count == 6)
    let (status, output) = try await typecheck(files.map { folder.path + "/" + $0 })
    #expect(status == .exited(0), "\(output)")
  }

  @Test("CONTRIBUTING.md shows it")
  func contributing() throws {
    let text = try String(contentsOfFile: SourceFiles.root + "/CONTRIBUTING.md", encoding: .utf8)
    let snippets = try Snippets(file: #filePath, suffix: ".swift").all
    #expect(snippets.count == 6)
    for snippet in snippets {
      let isShown = text.contains("```swift\n\(snippet.text)\n```")
      #expect(isShown, "\(snippet.name) is not what Tests/EngineTests/Outside has")
    }
  }

  @Test("What is the package's own does not")
  func packageAccess() async throws {
    let file = TemporaryFolder.path("use.swift")
    try "import Engine\nlet operation = AddOperation()\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let (status, output) = try await typecheck([file])
    #expect(status == .exited(1))
    #expect(output.contains("AddOperation"), "\(output)")
  }

  @Test("A collective where the others wait does not compile", arguments: [false, true])
  func collectiveOnChief(isInside: Bool) async throws {
    let file = TemporaryFolder.path("ranks-\(isInside).swift")
    try """
    import Engine

    func save(_ model: Model) throws {
      try withRanks(.node) { ranks in
        try ranks.barrier()
        try ranks.onChief {
          \(isInside ? "try ranks.barrier()" : "")
          try model.saveWeights(to: "model.safetensors")
        }
      }
    }

    """.write(toFile: file, atomically: true, encoding: .utf8)
    // Accesses are checked after types.
    let (status, output) = try await compile([file], ["-emit-sil", "-o", "/dev/null"])
    #expect(status == .exited(isInside ? 1 : 0), "\(output)")
    #expect(output.contains("overlapping accesses to 'ranks'") == isInside, "\(output)")
  }

  private func typecheck(_ files: [String]) async throws -> (TerminationStatus, String) {
    try await compile(files, ["-typecheck"])
  }

  /// Lets the compiler look at files as at those of a package that depends on this one, with the modules of this build.
  private func compile(
    _ files: [String], _ mode: [String]
  ) async throws -> (TerminationStatus, String) {
    // The libraries in C are no part of what is public: their headers need not be there.
    let folder = TemporaryFolder.path("outside-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try "module CZlib {}\n".write(
      toFile: folder + "/module.modulemap", atomically: true, encoding: .utf8)
    let build = ErrorTests.products.path
    let arguments =
      mode + [
        "-swift-version", "6", "-package-name", "other", "-I", build + "/Modules", "-I", folder,
        "-Xcc", "-fmodule-map-file=\(build)/CKernels.build/module.modulemap",
        "-Xcc", "-fmodule-map-file=\(build)/COpenBLAS.build/module.modulemap",
      ] + files
    let result = try await Subprocess.run(
      .name("swiftc"), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20))
    return (result.terminationStatus, result.standardError)
  }

  // MARK: A primitive

  private func expected(_ x: Tensor) -> Tensor { x / (abs(x) / 2 + 1) }

  @Test("A primitive: any strides, both types, derivatives, one example of many")
  func primitive() throws {
    let x = noise([40, 7])
    expectClose(softCap(x, cap: 2), expected(x), atol: 1e-7)
    expectClose(softCap(x.transpose(), cap: 2), expected(x.transpose()), atol: 1e-7)
    expectClose(softCap(x[.stride(by: 3), 1..<4], cap: 2), expected(x[.stride(by: 3), 1..<4]))
    expectClose(softCap(Tensor(3.0).broadcast(to: [50, 3]), cap: 2), .full([50, 3], 1.2))
    expectClose(softCap(x[0..<0], cap: 2), x[0..<0])
    expectClose(try vmap { softCap($0, cap: 2) }(x), expected(x), atol: 1e-7)
    try expectGradient(
      of: { softCap($0[0], cap: 2) }, at: [noise([3, 4], dtype: .float64) + 1.5], order: 2)
    #expect(throws: EngineError.dtype(operation: "softCap", message: "does not work on int32")) {
      try withErrors { softCap(Tensor([1, 2])) }
    }
  }

  @Test("A primitive is fused with its neighbours and with a product, on any number of threads")
  func fuses() throws {
    try expectPass(
      ElementwiseFusion(), [noise([32, 48]), noise([48], seed: 2)],
      after: """
        %0 = broadcastTo(in1) : float32 [32, 48]
        %1 = fused(multiply softCap tanh)(in0, %0) : float32 [32, 48]
        return %1
        """
    ) { [tanh(softCap($0[0] * $0[1]))] }
    try expectPass(
      ProductEpilogue(), [noise([64, 20]), noise([20, 47], seed: 2)],
      after: """
        %0 = fused(matMul softCap)(in0, in1) : float32 [64, 47]
        return %0
        """
    ) { [softCap(matmul($0[0], $0[1]))] }
    // Rows that repeat, a constant, columns that repeat, and another order.
    for shape in [[700, 3], [7, 1, 300], [50, 700], [40_000]] as [Shape] {
      let column = Shape(shape.dropLast() + [1])
      try expectPass(
        ElementwiseFusion(), [noise(shape), noise([shape[-1]], seed: 2), noise(column, seed: 3)]
      ) { x in
        [
          softCap(x[0] + x[1]) * softCap(x[1].broadcast(to: shape)),
          softCap(x[2].broadcast(to: shape)) + softCap(Tensor(0.5).broadcast(to: shape)) * x[0],
        ]
      }
    }
    try expectPass(ElementwiseFusion(), [noise([300, 200]), noise([200, 300], seed: 2)]) { x in
      [softCap(x[1].transposed) * x[0]]
    }
  }

  // MARK: A layer

  @Test("A layer keeps the mask, in a Sequential and in a functional model")
  func layer() throws {
    let ids = Tensor([[3, 1, 0, 0], [2, 2, 1, 0]])
    let embedding = Embedding(inputs: 4, outputs: 3, maskZero: true)
    let (gate, gru) = (Gate(), GRU(2))
    let expected = { gru(gate(embedding(ids)), mask: embedding.mask(of: ids)) }
    let sequential = Sequential(embedding, gate, gru)
    expectClose(sequential(ids), expected(), atol: 0, rtol: 0)
    let input = Input(shape: [4], dtype: .int32)
    let model = Model(inputs: input, outputs: gru(gate(embedding(input))))
    expectClose(try model.predict(x: ids) as Tensor, expected(), atol: 1e-6)
    #expect(max(abs(expected() - gru(gate(embedding(ids))))).item() > 1e-3)
  }

  // MARK: A loss and a metric

  @Test("A loss and a metric, in training with weights")
  func lossAndMetric() throws {
    let (yTrue, yPred) = (Tensor([[0.0, 1], [2, 3]]), Tensor([[0.5, 1], [0, 30]]))
    // Half a unit, and 27 units, too much; 2 units too little.
    let expected = [(0.1 * 0.5 + 0) / 2, (0.9 * 2 + 0.1 * 27) / 2]
    let loss = Quantile(q: 0.9)
    expectClose(
      try loss(yTrue: yTrue, yPred: yPred), Tensor((expected[0] + expected[1]) / 2), rtol: 1e-6)
    let metric = Within(0.75)
    #expect(try metric(yTrue: yTrue, yPred: yPred).item() == 0.5)
    metric.reset()
    let weights = Tensor([3.0, 1])
    #expect(
      try metric(yTrue: yTrue, yPred: yPred, sampleWeight: weights).item() == 0.75)
    let model = Model(module: Linear(1), loss: loss, metrics: [Within(1)], optimizer: SGD())
    let x = noise([20, 3])
    let history = try model.fit(
      x: x, y: sum(x, axis: 1, keepDims: true), epochs: 30, verbose: .silent)
    #expect(history["loss"][29] < history["loss"][0])
    #expect(history["within"][29] >= history["within"][0])
  }

  // MARK: An optimizer

  /// The same in operations.
  private final class Reference: Optimizer {
    override var slots: [Slot] { [Slot("momentum")] }
    override func update(
      _ parameter: Tensor, gradient: Tensor, slots: [Tensor], step: Step
    ) -> (parameter: Tensor, slots: [Tensor]) {
      let m = slots[0] * 0.9 + gradient * (1 - 0.9)
      return (parameter - sign(m) * step.learningRate.cast(to: parameter.dtype), [m])
    }
  }

  private func model(_ optimizer: Optimizer) -> Model {
    Model(
      module: Sequential(Linear(32, activation: .relu), Linear(4)), loss: MeanSquaredError(),
      optimizer: optimizer, seed: 1)
  }

  @Test("An optimizer with a rule is one operation in place, and gives what operations give")
  func optimizer() throws {
    let (x, y) = (noise([40, 8]), noise([40, 4], seed: 2))
    let (fast, slow) = (model(Signum(learningRate: 0.01)), model(Reference(learningRate: 0.01)))
    for model in [fast, slow] {
      try model.fit(x: x, y: y, batchSize: 8, epochs: 3, verbose: .silent)
    }
    for (a, b) in zip(fast.module.trainableVariables, slow.module.trainableVariables) {
      expectClose(a.value, b.value, atol: 1e-5, a.path)
    }
    let plan = try Plan(fast.traceTrainingStep(x: x, y: y, batchSize: 8))
    let updates = plan.instructions.filter { $0.primitive.name.hasPrefix("update[") }
    #expect(updates.count == 1)
    #expect(updates.first?.primitive.inPlace.count == 8, "four parameters with a slot each")
  }

  @Test("Its steps allocate nothing")
  func steadySteps() throws {
    func allocations(rows: Int) throws -> Int {
      let model = model(Signum(learningRate: 0.01))
      let (x, y) = (noise([rows, 8]), noise([rows, 4], seed: 2))
      try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
      return try StorageStatistics.allocations {
        try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
      }
    }
    #expect(try allocations(rows: 8) == allocations(rows: 400))
  }

  // MARK: A callback

  @Test("A callback that shows progress gets logs at ten steps of an epoch, and no others are read")
  func callback() throws {
    let (log, percent, watch) = (TextLog(), Percent(), Watch())
    percent.output = log.output()
    let (x, y) = (noise([400, 8]), noise([400, 4], seed: 2))
    try model(SGD()).fit(
      x: x, y: y, batchSize: 4, epochs: 1, verbose: .silent, callbacks: [percent, watch])
    #expect(watch.steps == Array(stride(from: 9, to: 99, by: 10)))
    let lines = log.lines.filter { !$0.isEmpty }
    #expect(lines.count == 9)
    #expect(lines.first?.hasPrefix("10 %: ") == true && lines.last?.hasPrefix("90 %: ") == true)
  }

  private final class Watch: Callback {
    var steps: [Int] = []
    override func onTrainBatchEnd(_ step: Int, logs: Logs) {
      if !logs.isEmpty { steps.append(step) }
    }
  }
}
