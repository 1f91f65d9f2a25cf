import CKernels
import Foundation

/// Products of bfloat16 on this CPU.
///
/// Whether they are used decides about the bits of every result, so it hangs on the type of the CPU and on what the user says,
/// and never on a measurement, which another process on the machine can disturb.
package enum BFloat16 {
  /// A line of the table: models of a family that multiply bfloat16 faster than float32.
  package struct Gain: Sendable {
    /// What the models are called together.
    package let name: String
    let vendor: String
    let family: Int
    let models: [ClosedRange<Int>]

    func covers(_ type: CPUType) -> Bool {
      type.vendor == vendor && type.family == family
        && models.contains { $0.contains(type.model) }
    }
  }

  /// The CPUs whose VDPBF16PS is known to multiply twice as many numbers in the same time as a float32 multiply-add.
  ///
  /// Intel's are not among them: Emerald Rapids begins one every second cycle and a cycle has two multiply-adds, so that
  /// products by VDPBF16PS take twice as long as those of float32 (in PyTorch as well, without AMX).
  ///
  /// To add one: `apus doctor` prints a CPU's type and how many times faster it is; it belongs here from 1.2 times on.
  package static let gains = [
    Gain(
      name: "AMD Zen 4", vendor: "AuthenticAMD", family: 25,
      models: [0x10...0x1f, 0x60...0x7f, 0xa0...0xaf]),
    Gain(name: "AMD Zen 5", vendor: "AuthenticAMD", family: 26, models: [0x00...0xff]),
  ]

  /// The line of the table for a type of CPU; nil for one that is not known to gain.
  package static func gain(on type: CPUType) -> Gain? { gains.first { $0.covers(type) } }

  /// The environment variable that says otherwise than the table: `on`, `off`, or `auto` for the table.
  package static let variable = "APUS_BFLOAT16"

  /// Whether `mixed_bfloat16` rounds the factors of products.
  ///
  /// - Parameters:
  ///   - type: the CPU's.
  ///   - setting: the value of ``variable``; nil where it is not set.
  ///   - hasInstructions: whether the CPU, and the system on it, has VDPBF16PS.
  /// - Returns: what the setting says, else whether the CPU has the instructions and gains by them.
  /// - Throws: ``EngineError/invalidArgument(message:)`` for another setting.
  package static func isUsed(
    on type: CPUType, setting: String?, hasInstructions: Bool
  ) throws -> Bool {
    switch setting ?? "auto" {
    case "on": return true
    case "off": return false
    case "auto", "": return hasInstructions && gain(on: type) != nil
    default:
      throw EngineError.invalidArgument(
        message: "\(variable) is \"\(setting ?? "")\": it must be on, off or auto")
    }
  }

  /// Whether `mixed_bfloat16` rounds the factors of products in this process.
  package static func isUsed() throws -> Bool {
    try isUsed(
      on: .current, setting: ProcessInfo.processInfo.environment[variable],
      hasInstructions: hasInstructions)
  }

  /// Whether this CPU has VDPBF16PS.
  package static var hasInstructions: Bool { apus_bf16_has_instructions() != 0 }

  /// Whether products are computed by VDPBF16PS: where the CPU has it and gains by it. Elsewhere multiply-adds of float32 give the
  /// same of rounded factors, up to the order of sums.
  @TaskLocal package static var usesPairs = hasInstructions && gain(on: .current) != nil

  /// How many times faster than in float32 this process multiplies in bfloat16, by a product of usual size; for a report, and
  /// for who adds to the table.
  package static func measuredSpeedup() -> Double {
    ProductSpeed.gflops(.bfloat16, size: 384, repetitions: 6)
      / ProductSpeed.gflops(.exact, size: 384, repetitions: 6)
  }
}
