import Engine

/// Where the time of a step goes: by kernel and by instruction, each with the most time first.
struct ProfileReport: Encodable, Sendable {
  /// All instructions of one kernel.
  struct KernelTime: Encodable, Sendable {
    var name: String
    var count: Int
    var microseconds: Double
    /// Of the sum of all instructions.
    var share: Double
  }

  /// One instruction.
  struct InstructionTime: Encodable, Sendable {
    var name: String
    /// Shapes of what it reads.
    var inputs: [String]
    var microseconds: Double
    var share: Double
  }

  var workload: String
  /// The sum of all instructions, each at its fastest.
  var microseconds: Double
  var arenaBytes: Int
  var kernels: [KernelTime]
  var instructions: [InstructionTime]

  init(_ profile: StepProfile, _ workload: Workload) {
    let total = profile.entries.reduce(0) { $0 + $1.seconds }
    func microseconds(_ seconds: Double) -> Double { (seconds * 1e6).rounded(places: 2) }
    func share(_ seconds: Double) -> Double { (seconds / max(total, 1e-12)).rounded(places: 4) }
    self.workload = workload.rawValue
    self.microseconds = microseconds(total)
    arenaBytes = profile.arenaBytes
    instructions = profile.entries.sorted { $0.seconds > $1.seconds }.map { entry in
      InstructionTime(
        name: entry.name, inputs: entry.inputs.map { "\($0)" },
        microseconds: microseconds(entry.seconds), share: share(entry.seconds))
    }
    kernels = Dictionary(grouping: profile.entries, by: \.name).map { name, entries in
      let seconds = entries.reduce(0) { $0 + $1.seconds }
      return KernelTime(
        name: name, count: entries.count, microseconds: microseconds(seconds),
        share: share(seconds))
    }.sorted { ($1.microseconds, $0.name) < ($0.microseconds, $1.name) }
  }

  /// Two tables for a person.
  var table: String {
    // The name of an update has all its settings.
    func short(_ text: String) -> String { text.count > 64 ? text.prefix(61) + "..." : text }
    func percent(_ share: Double) -> String { (share * 100).text(1) + " %" }
    var byKernel = TextTable(["kernel", "instructions", "us", "share"])
    for row in kernels {
      byKernel.add([short(row.name), "\(row.count)", row.microseconds.text(1), percent(row.share)])
    }
    var byInstruction = TextTable(["instruction", "us", "share"])
    for row in instructions {
      // An optimizer reads every parameter.
      let shown = row.inputs.prefix(4).joined(separator: " ") + (row.inputs.count > 4 ? " ..." : "")
      byInstruction.add([
        "\(short(row.name)) \(shown)", row.microseconds.text(1), percent(row.share),
      ])
    }
    return """
      \(workload): \(microseconds.text(1)) us in \(instructions.count) instructions, arena of \(arenaBytes) bytes
      \(byKernel.text)

      \(byInstruction.text)
      """
  }
}
