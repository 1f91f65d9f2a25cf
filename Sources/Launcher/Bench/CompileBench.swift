import Engine

/// The time from a model to the plan of its training step, part by part. Nothing is run.
struct CompileBench: Encodable, Sendable {
  /// What is compiled: the workloads, a loop, and two deep networks.
  private enum Network {
    case workload(Workload)
    /// 128 gated recurrent units that reset before the product, over 200 steps of 64 features: a loop.
    case loop
    /// ``ResNet50`` on 64 x 64 images.
    case resNet50
    /// 24 causal pre-LN blocks of width 256 with 4 heads, on 64 tokens.
    case transformer24

    static let all = Workload.allCases.map(Network.workload) + [.loop, .resNet50, .transformer24]

    var name: String {
      switch self {
      case .workload(let workload): workload.rawValue
      case .loop: "gru_loop"
      case .resNet50: "resnet50"
      case .transformer24: "transformer24"
      }
    }
  }

  /// One network.
  struct Row: Encodable, Sendable {
    var network: String
    var parameters: Int
    var instructions: Int
    /// Making the model, with the symbolic calls of a functional one.
    var modelMs: Double
    /// Running the module on shapes and drawing its variables.
    var variablesMs: Double
    /// Tracing the step: forward and backward pass, update, metrics.
    var traceMs: Double
    /// All passes together.
    var passesMs: Double
    /// Each pass, by name.
    var passMs: [String: Double]
    var layoutMs: Double
    var bindingMs: Double
    /// From the first call to the plan: all but the model.
    var totalMs: Double
  }

  var rows: [Row]

  /// Compiles every network once: the first time, as a program does.
  static func measure() throws -> CompileBench {
    CompileBench(rows: try Network.all.map(measure))
  }

  private static func measure(_ network: Network) throws -> Row {
    func milliseconds(_ duration: Duration) -> Double {
      (duration / .milliseconds(1)).rounded(places: 3)
    }
    let clock = ContinuousClock()
    let (x, y, batch) = makeData(network)
    let begin = clock.now
    let model = try withErrors { makeModel(network) }
    let made = clock.now
    _ = try withErrors { try model.traceTrainingStep(x: x, y: y, batchSize: batch) }
    let built = clock.now
    let graph = try withErrors { try model.traceTrainingStep(x: x, y: y, batchSize: batch) }
    let traced = clock.now
    let plan = try Plan(graph, passes: model.passes)
    let end = clock.now
    let durations = Dictionary(uniqueKeysWithValues: plan.durations.map { ($0.part, $0.duration) })
    let passes = model.passes.map(\.name)
    return Row(
      network: network.name,
      parameters: model.module.trainableVariables.reduce(0) { $0 + $1.shape.elementCount },
      instructions: plan.instructions.count, modelMs: milliseconds(made - begin),
      variablesMs: milliseconds((built - made) - (traced - built)),
      traceMs: milliseconds(traced - built),
      passesMs: milliseconds(passes.reduce(.zero) { $0 + (durations[$1] ?? .zero) }),
      passMs: durations.filter { passes.contains($0.key) }.mapValues(milliseconds),
      layoutMs: milliseconds(durations["layout"] ?? .zero),
      bindingMs: milliseconds(durations["binding"] ?? .zero),
      totalMs: milliseconds((built - made) + (end - traced)))
  }

  private static func makeData(_ network: Network) -> (x: Tensor, y: Tensor, batch: Int) {
    switch network {
    case .workload(let workload):
      let data = workload.makeData(rows: workload.batch, seed: 1)
      return (data.x, data.y, workload.batch)
    case .loop: return (.zeros([64, 200, 64]), .zeros([64], dtype: .int32), 64)
    case .resNet50: return (.zeros([2, 64, 64, 3]), .zeros([2], dtype: .int32), 2)
    case .transformer24:
      return (.zeros([2, 64], dtype: .int32), .zeros([2, 64], dtype: .int32), 2)
    }
  }

  private static func makeModel(_ network: Network) -> Model {
    let loss = SparseCategoricalCrossentropy(fromLogits: true)
    switch network {
    case .workload(let workload): return workload.makeModel()
    case .loop:
      return Model(
        module: Sequential(GRU(128, resetAfter: false), Linear(10)), loss: loss, optimizer: Adam())
    case .resNet50:
      return ResNet50.makeModel(imageSize: 64)
    case .transformer24:
      return Model(
        module: LanguageModel(width: 256, blocks: 24), loss: loss,
        optimizer: AdamW(learningRate: 1e-3))
    }
  }
}

extension CompileBench {
  /// A table for a person.
  var table: String {
    var table = TextTable([
      "ms", "instructions", "model", "variables", "trace", "passes", "layout", "binding", "total",
    ])
    for row in rows {
      let times = [
        row.modelMs, row.variablesMs, row.traceMs, row.passesMs, row.layoutMs, row.bindingMs,
        row.totalMs,
      ]
      table.add([row.network, "\(row.instructions)"] + times.map { $0.text(1) })
    }
    let passes = rows.last?.passMs.sorted { $0.value > $1.value }.map {
      "\($0.key) \($0.value.text(1))"
    }
    return """
      From a model to the plan of its training step; total: all but the model
      \(table.text)
        The passes of \(rows.last?.network ?? ""): \(passes?.joined(separator: ", ") ?? "")
      """
  }
}
