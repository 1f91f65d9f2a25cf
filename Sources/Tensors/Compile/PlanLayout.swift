/// Where everything of a plan lies in memory: what ``PlanVerifier`` looks at.
package struct PlanLayout {
  /// The memory of a value.
  package struct Region: Hashable {
    package var address: Int
    package var byteCount: Int

    package init(address: Int, byteCount: Int) {
      self.address = address
      self.byteCount = byteCount
    }

    package var range: Range<Int> { address..<address + byteCount }
  }

  /// An input of the plan.
  package struct Input {
    package var value: Int
    package var spec: TensorSpec
    /// Its memory in each input buffer.
    package var inputBuffers: [Region]

    package init(value: Int, spec: TensorSpec, inputBuffers: [Region]) {
      self.value = value
      self.spec = spec
      self.inputBuffers = inputBuffers
    }
  }

  /// A variable that the plan reads or changes.
  package struct VariableMemory {
    package var path: String
    package var region: Region
    /// Its value before the first instruction; nil when it is not read.
    package var old: Int?
    /// What it becomes, and the value that stands in its memory at the end; nil when it is not changed.
    package var new: (source: Reference, value: Int)?

    package init(
      path: String, region: Region, old: Int? = nil, new: (source: Reference, value: Int)? = nil
    ) {
      self.path = path
      self.region = region
      self.old = old
      self.new = new
    }
  }

  /// What runs, in order.
  package var instructions: [Instruction]
  /// The memory of each value.
  package var regions: [Region]
  package var inputs: [Input]
  package var variables: [VariableMemory]
  /// Values that are there before the first instruction and never change.
  package var constants: [Int]
  package var outputs: [Reference]

  package init(
    instructions: [Instruction], regions: [Region], inputs: [Input] = [],
    variables: [VariableMemory] = [], constants: [Int] = [], outputs: [Reference] = []
  ) {
    self.instructions = instructions
    self.regions = regions
    self.inputs = inputs
    self.variables = variables
    self.constants = constants
    self.outputs = outputs
  }

  /// - Throws: ``EngineError/model(message:)`` that lists what ``PlanVerifier`` finds.
  package func verify() throws {
    let faults = PlanVerifier.faults(in: self)
    guard !faults.isEmpty else { return }
    throw EngineError.model(
      message: "the compiled plan is wrong, please report it: \(faults.joined(separator: "; "))")
  }
}

extension PlanLayout {
  init(_ lowering: Lowering, _ memory: PlanMemory) {
    let values = lowering.values
    let regions = values.indices.map {
      Region(address: Int(bitPattern: memory.pointers[$0]), byteCount: values[$0].byteCount)
    }
    let inputs = lowering.inputValues.indices.map { index in
      Input(
        value: lowering.inputValues[index], spec: lowering.graph.inputs[index].spec,
        inputBuffers: lowering.inputStorages[index].map {
          Region(address: Int(bitPattern: $0.pointer), byteCount: $0.byteCount)
        })
    }
    var variables: [VariableMemory] = []
    var positions: [ObjectIdentifier: Int] = [:]
    func position(_ variable: Variable) -> Int {
      let key = ObjectIdentifier(variable)
      if let known = positions[key] { return known }
      let region = Region(
        address: Int(bitPattern: variable.pin()), byteCount: variable.spec.byteCount)
      variables.append(
        VariableMemory(
          path: variable.path, region: region, old: lowering.variableValues[key], new: nil))
      positions[key] = variables.count - 1
      return variables.count - 1
    }
    for (variable, _) in lowering.graph.variables { _ = position(variable) }
    for update in lowering.updates {
      variables[position(update.variable)].new = (update.source, update.value)
    }
    let written = Set(lowering.instructions.flatMap { $0.outputs.map(\.value) })
    let known = Set(inputs.map(\.value) + variables.compactMap(\.old))
    let constants = values.indices.filter { index in
      if case .fixed = values[index].home {
        !written.contains(index) && !known.contains(index)
      } else {
        false
      }
    }
    self.init(
      instructions: lowering.instructions, regions: regions, inputs: inputs, variables: variables,
      constants: constants, outputs: lowering.outputs)
  }
}
