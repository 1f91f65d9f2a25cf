import Engine
import Foundation

/// What a process with certain kernels measures.
struct BLASProbe: Codable, Sendable {
  var core: String
  /// What OpenBLAS would take by itself; nil where the environment has chosen.
  var ownCore: String?
  var configuration: String
  /// Why there is no OpenBLAS.
  var problem: String?
  /// 10⁹ operations a second of a float64 product on one thread.
  var oneThread: Double
  /// The same on `threads` threads.
  var allThreads: Double
  /// 10⁹ operations a second of float32 products as training computes them, on one thread and on all.
  var products: [Double]
  /// Whether that is done by Apus's own kernel.
  var isOwnKernel: Bool
  var threads: Int

  /// Measures in this process.
  static func measure() -> BLASProbe {
    let cores = Machine.detect().cores
    let counts = cores > 1 ? [1, cores] : [1]
    let speeds = counts.map { BLASLibrary.measureGFLOPS(.float64, threads: $0) }
    let library = BLASLibrary.shared
    return BLASProbe(
      core: library.coreName, ownCore: library.ownCore, configuration: library.configuration,
      problem: library.problem, oneThread: speeds[0], allThreads: speeds[speeds.count - 1],
      products: counts.map { ProductSpeed.gflops(threads: $0) },
      isOwnKernel: ProductSpeed.isOwnKernel, threads: cores)
  }

  /// Measures in a process of its own, since OpenBLAS chooses its kernels once.
  ///
  /// - Parameter core: `OPENBLAS_CORETYPE` there; nil for unset.
  /// - Returns: what that process has measured.
  /// - Throws: ``LauncherError/child(command:message:)`` when it fails.
  static func run(core: String?) async throws -> BLASProbe {
    let words = [ProgramStart.ownPath(), "doctor", "--probe", "blas"]
    let output = try await ChildProcess.output(words, environment: [BLASLibrary.variable: core])
    return try JSONText.decodeLastLine(output, as: BLASProbe.self)
  }

  /// `SkylakeX: OpenBLAS by itself would take Prescott on this CPU`
  var choice: String {
    guard let ownCore else { return "\(core), by \(BLASLibrary.variable)" }
    return core == ownCore
      ? "\(core), as OpenBLAS by itself"
      : "\(core): OpenBLAS by itself would take \(ownCore) on this CPU"
  }

  /// `Apus's own kernel: 115 GFLOP/s on 1 thread, 228 on 2`
  var productSummary: String {
    let speeds = products.map { String(format: "%.0f", $0) }
    let one = "\(isOwnKernel ? "Apus's own kernel" : "BLAS"): \(speeds[0]) GFLOP/s on 1 thread"
    return speeds.count > 1 ? one + ", \(speeds[1]) on \(threads)" : one
  }

  /// `Haswell kernels: 57 GFLOP/s on 1 thread, 110 on 2`
  var summary: String {
    let one = "\(core) kernels: \(String(format: "%.0f", oneThread)) GFLOP/s on 1 thread"
    return threads > 1 ? one + ", \(String(format: "%.0f", allThreads)) on \(threads)" : one
  }
}

/// What was measured of BLAS: what the report says follows from this alone.
struct BLASFindings: Codable, Sendable {
  /// The value of `OPENBLAS_CORETYPE`; nil when it is not set.
  var preset: String?
  /// With the environment as it is.
  var asSet: BLASProbe
  /// Without the preset; nil where there is none.
  var unset: BLASProbe?
  /// What becomes of `mixed_bfloat16` here, and why.
  var bfloat16: String?

  /// Measures on this machine, in processes of their own.
  static func measure(_ machine: Machine) async throws -> BLASFindings {
    let preset = machine.variables[BLASLibrary.variable]
    var findings = BLASFindings(preset: preset, asSet: try await BLASProbe.run(core: preset))
    findings.bfloat16 = bfloat16Summary()
    if preset != nil { findings.unset = try await BLASProbe.run(core: nil) }
    return findings
  }

  /// `rounds products (AMD Zen 4: AuthenticAMD family 25 model 17); measured 1.8 times as fast as float32`
  private static func bfloat16Summary() -> String {
    let type = CPUType.current
    let reason =
      ProcessInfo.processInfo.environment[BFloat16.variable].map { "\(BFloat16.variable)=\($0)" }
      ?? BFloat16.gain(on: type)?.name ?? "not among the CPUs that gain"
    do {
      let use = try BFloat16.isUsed() ? "rounds products" : "is float32"
      let measured =
        BFloat16.hasInstructions
        ? String(
          format: "measured %.1f times as fast as float32", BFloat16.measuredSpeedup())
        : "no instructions for it"
      return "\(use) (\(reason): \(type)); \(measured)"
    } catch {
      return "\(error)"
    }
  }

  /// A difference below this factor may be noise.
  private static let noise = 1.1

  /// Adds what they mean to the report.
  func describe(in section: inout Section) {
    let name = BLASLibrary.variable
    section.add("library", asSet.configuration)
    section.add(name, preset ?? "not set")
    if let problem = asSet.problem {
      section.advise(
        "products of float64 are slow without OpenBLAS: \(problem). \(BLASLibrary.installHint)")
    } else {
      section.add("core", asSet.choice)
    }
    section.add("dgemm, as set", asSet.summary)
    section.add("training", asSet.productSummary)
    if let bfloat16 { section.add("mixed_bfloat16", bfloat16) }
    guard let preset, let unset else { return }
    section.add("dgemm, unset", unset.summary)
    let factor = unset.oneThread / max(asSet.oneThread, 1e-9)
    if factor > Self.noise {
      let text = "\(name)=\(preset) holds BLAS back: without it, it is %.1f times as fast"
      section.advise(String(format: text, factor))
    } else {
      section.add("preset", "\(name)=\(preset) does not hold BLAS back")
    }
  }
}

/// Which BLAS there is, how fast it is, and whether a preset holds it back.
enum BLASSection {
  static func text(_ machine: Machine) async -> String {
    do {
      return text(try await BLASFindings.measure(machine))
    } catch {
      var section = Section("BLAS")
      section.add("dgemm", "not measured: \(error)")
      return section.text
    }
  }

  static func text(_ findings: BLASFindings) -> String {
    var section = Section("BLAS")
    findings.describe(in: &section)
    return section.text
  }
}
