import Engine
import TestSupport
import Testing

/// A step of training on ranks, in small buckets: shared gradients, in-place updates, variables, views.
private func trainingLayout(seed: UInt64 = 4) throws -> PlanLayout {
  let strategy = FixedStrategy(
    EqualRanks(size: 2), gradientReduction: BucketedAllReduce(limits: BucketLimits(bytes: 100)))
  return try DistributionContext.$strategy.withValue(strategy) {
    let model = Model(
      module: Twins(), loss: MeanSquaredError(),
      metrics: [Metrics.MeanAbsoluteError()], optimizer: Adam(), seed: seed)
    let graph = try model.traceTrainingStep(
      x: Tensor.ones([8, 6]), y: Tensor.ones([8, 6]), batchSize: 8)
    return try Plan(graph).layout
  }
}

/// Both biases have one gradient.
private final class Twins: Module {
  func call(_ x: Tensor) -> Tensor {
    let h = tanh(Linear(6, name: "a")(x) + Linear(6, name: "b")(x))
    return h * parameter("scale", shape: [6], initializer: Ones()) + transpose(transpose(h) * 2.0)
  }
}

@Suite struct PlanVerifierTests {
  @Test func `a sound plan has no faults`() throws {
    #expect(PlanVerifier.isOn)
    #expect(PlanVerifier.faults(in: try trainingLayout()) == [])
  }

  @Test func `an instruction that is missing is found`() throws {
    let sound = try trainingLayout()
    for index in sound.instructions.indices {
      var layout = sound
      let removed = layout.instructions.remove(at: index)
      #expect(PlanVerifier.faults(in: layout) != [], "without \(index): \(removed.primitive.name)")
    }
  }

  @Test func `an instruction that comes before what it reads is found`() throws {
    let sound = try trainingLayout()
    for index in sound.instructions.indices {
      let read = Set(sound.instructions[index].inputs.map(\.value))
      let writer = sound.instructions[..<index].lastIndex {
        $0.outputs.contains { read.contains($0.value) }
      }
      guard let writer else { continue }
      var layout = sound
      layout.instructions.insert(layout.instructions.remove(at: index), at: writer)
      #expect(PlanVerifier.faults(in: layout) != [], "\(index) before \(writer)")
    }
  }

  @Test func `two values that live at once in one place are found`() throws {
    let sound = try trainingLayout()
    var writers: [Int: Int] = [:]
    var lastReaders: [Int: Int] = [:]
    for (index, instruction) in sound.instructions.enumerated() {
      for output in instruction.outputs { writers[output.value] = index }
      for input in instruction.inputs { lastReaders[input.value] = index }
    }
    var tried = 0
    for (value, writer) in writers.sorted(by: { $0.key < $1.key }) {
      guard let last = lastReaders[value],
        !sound.variables.contains(where: { $0.new?.value == value })
      else { continue }
      for (other, between) in writers.sorted(by: { $0.key < $1.key })
      where between > writer && between < last && sound.regions[other].byteCount > 0 {
        // What lies in a bucket is moved with it.
        var layout = sound
        layout.regions[other].address = layout.regions[value].address
        #expect(PlanVerifier.faults(in: layout) != [], "v\(other) in the place of v\(value)")
        tried += 1
      }
    }
    #expect(tried > 50)
  }

  /// The first of two parameters that share a gradient has it written into its bucket, and the second reads it from there: when
  /// the sum of the first is under way, or done.
  @Test func `a gradient that is read after its sum has begun is found`() throws {
    let sound = try trainingLayout()
    let starts = sound.instructions.indices.filter {
      sound.instructions[$0].primitive.name == "allReduceStart"
    }
    #expect(starts.count > 2)
    var tried = 0
    for (index, copy) in sound.instructions.enumerated() where copy.primitive is Contiguous {
      guard let start = starts.first(where: { $0 > index }),
        let position = sound.instructions[start].inputs.firstIndex(where: {
          $0.value == copy.outputs[0].value
        }),
        sound.instructions[start...].contains(where: { later in
          later.inputs.contains { $0.value == copy.inputs[0].value }
        })
      else { continue }
      var layout = sound
      layout.regions[copy.inputs[0].value] = layout.regions[copy.outputs[0].value]
      layout.instructions[start].inputs[position] = copy.inputs[0]
      layout.instructions.remove(at: index)
      let faults = PlanVerifier.faults(in: layout)
      #expect(faults.contains { $0.contains("is summing") || $0.contains("stands there") })
      tried += 1
    }
    #expect(tried >= 1)
  }

  @Test func `a reduction that nobody waits for is found, and one that was not started`() throws {
    let sound = try trainingLayout()
    for name in ["allReduceStart", "allReduceWait"] {
      var layout = sound
      let index = try #require(layout.instructions.firstIndex { $0.primitive.name == name })
      layout.instructions.remove(at: index)
      let expected = name == "allReduceStart" ? "was not started" : "is never waited for"
      #expect(PlanVerifier.faults(in: layout).contains { $0.contains(expected) })
    }
  }

  // MARK: Small layouts made by hand

  private static let spec = TensorSpec([4], .float32)

  private func reference(_ value: Int, _ count: Int = 4, offset: Int = 0) -> Reference {
    Reference(
      value: value, layout: Layout(shape: [count], strides: [1], offset: offset), dtype: .float32)
  }

  /// `regions` are bytes from 1024 on; value 0 is an input there.
  private func faults(
    _ instructions: [Instruction], regions: [(Int, Int)],
    variables: [PlanLayout.VariableMemory] = [],
    constants: [Int] = [], outputs: [Reference] = []
  ) -> [String] {
    let regions = regions.map { PlanLayout.Region(address: 1024 + $0.0, byteCount: $0.1) }
    return PlanVerifier.faults(
      in: PlanLayout(
        instructions: instructions, regions: regions,
        inputs: [.init(value: 0, spec: Self.spec, inputBuffers: [regions[0]])],
        variables: variables,
        constants: constants, outputs: outputs))
  }

  private func exp(_ input: Reference, _ output: Reference) -> Instruction {
    Instruction(primitive: Exp(), inputs: [input], outputs: [output])
  }

  @Test func `a layout made by hand can be sound`() {
    let chain = [exp(reference(0), reference(1)), exp(reference(1), reference(2))]
    #expect(faults(chain, regions: [(0, 16), (64, 16), (64, 16)], outputs: [reference(2)]) == [])
  }

  @Test func `inputs and constants are not written`() {
    let write = [exp(reference(0), reference(1))]
    #expect(
      faults(write, regions: [(0, 16), (8, 16)]).contains { $0.contains("input of the plan") })
    #expect(
      faults(write, regions: [(0, 16), (64, 16), (64, 16)], constants: [2])
        .contains { $0.contains("constant v2") })
  }

  @Test func `an input needs memory for all of it`() {
    #expect(faults([], regions: [(0, 12)]).contains { $0.contains("has 12 bytes") })
  }

  @Test func `a view beyond its value is found`() {
    let read = [exp(reference(0, 4, offset: 1), reference(1))]
    #expect(
      faults(read, regions: [(0, 16), (64, 16)]).contains { $0.contains("beyond its memory") })
  }

  @Test func `an output over an input needs a primitive that works in place`() {
    let copy = Instruction(
      primitive: Transpose(permutation: [0]), inputs: [reference(1)], outputs: [reference(2)])
    let chain = [exp(reference(0), reference(1)), copy]
    #expect(
      faults(chain, regions: [(0, 16), (64, 16), (64, 16)]).contains {
        $0.contains("over its input 0")
      })
    // A shifted look at the memory that is written is wrong for every primitive.
    let shifted = [
      exp(reference(0), reference(1)), exp(reference(1, 2, offset: 2), reference(2, 2)),
    ]
    #expect(faults(shifted, regions: [(0, 16), (64, 16), (72, 8)]) != [])
  }

  @Test func `a variable is written once, by what it becomes, and after its last reader`() {
    let region = PlanLayout.Region(address: 1024 + 64, byteCount: 16)
    func variable(_ new: Int) -> [PlanLayout.VariableMemory] {
      [.init(path: "w", region: region, old: 1, new: (reference(new), new))]
    }
    // v1 is the old value; v2 and v3 may take its place.
    let places = [(0, 16), (64, 16), (64, 16), (64, 16), (128, 16)]
    let once = [exp(reference(1), reference(2))]
    #expect(faults(once, regions: places, variables: variable(2)) == [])
    let twice = once + [exp(reference(0), reference(3))]
    #expect(
      faults(twice, regions: places, variables: variable(2)).contains {
        $0.contains("over variable w") || $0.contains("written 2 times")
      })
    let early = [exp(reference(0), reference(2)), exp(reference(1), reference(4))]
    #expect(
      faults(early, regions: places, variables: variable(2)).contains {
        $0.contains("but v2 stands there")
      })
    #expect(
      faults([], regions: places, variables: variable(2)).contains { $0.contains("does not end") })
  }
}
