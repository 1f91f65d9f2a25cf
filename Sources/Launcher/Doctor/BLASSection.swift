import Engine
import Foundation

/// What a process with certain kernels measures.
struct BLASProbe: Codable, Sendable {
  var core: String
  var configuration: String
  /// 10⁹ operations a second of a float32 product on one thread.
  var oneThread: Double
  /// The same on `threads` threads.
  var allThreads: Double
  /// 10⁹ operations a second of products as training computes them, on one thread and on all.
  var products: [Double]
  /// Whether that is done by Apus's own kernel.
  var isOwnKernel: Bool
  var threads: Int

  /// Measures in this process.
  static func measure() -> BLASProbe {
    let cores = Machine.detect().cores
    let counts = cores > 1 ? [1, cores] : [1]
    let speeds = counts.map { BLASLibrary.measureGFLOPS(threads: $0) }
    return BLASProbe(
      core: BLASLibrary.coreName, configuration: BLASLibrary.configuration, oneThread: speeds[0],
      allThreads: speeds[speeds.count - 1],
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
    let output = try await ChildProcess.output(words, environment: [variable: core])
    return try JSONText.decodeLastLine(output, as: BLASProbe.self)
  }

  static let variable = "OPENBLAS_CORETYPE"

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
  /// Whether this CPU has the 512-bit vectors that OpenBLAS's SkylakeX kernels need.
  var hasAVX512: Bool
  /// With the environment as it is.
  var asSet: BLASProbe
  /// Without the preset; nil when there is none.
  var unset: BLASProbe?
  /// With kernels for AVX-512; nil when OpenBLAS chooses such by itself, or has none.
  var wide: BLASProbe?
  /// What becomes of `mixed_bfloat16` here, and why.
  var bfloat16: String?

  /// What OpenBLAS chooses by itself.
  private var own: BLASProbe { unset ?? asSet }

  /// OpenBLAS's names for kernels with AVX-512.
  private static let wideCores = ["SkylakeX", "Cooperlake", "SapphireRapids"]

  /// Measures on this machine, in processes of their own.
  static func measure(_ machine: Machine) async throws -> BLASFindings {
    let preset = machine.variables[BLASProbe.variable]
    var findings = BLASFindings(
      preset: preset, hasAVX512: CPU.hasAVX512, asSet: try await BLASProbe.run(core: preset))
    findings.bfloat16 = bfloat16Summary()
    if preset != nil { findings.unset = try await BLASProbe.run(core: nil) }
    // OpenBLAS may be older than the CPU and take it for an earlier one.
    let isWide = wideCores.contains { $0.lowercased() == findings.own.core.lowercased() }
    if findings.hasAVX512, findings.own.configuration.contains("DYNAMIC_ARCH"), !isWide {
      let other = try await BLASProbe.run(core: wideCores[0])
      if other.core.lowercased() == wideCores[0].lowercased() { findings.wide = other }
    }
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

  /// How many times as fast one thread is with the kernels of `other` as with those of `probe`.
  private func factor(_ other: BLASProbe, over probe: BLASProbe) -> Double {
    other.oneThread / max(probe.oneThread, 1e-9)
  }

  /// Adds what they mean to the report.
  func describe(in section: inout Section) {
    let name = BLASProbe.variable
    section.add("library", asSet.configuration)
    section.add(name, preset ?? "not set")
    section.add("sgemm, as set", asSet.summary)
    section.add("training", asSet.productSummary)
    if let bfloat16 { section.add("mixed_bfloat16", bfloat16) }
    if let preset, let unset {
      section.add("sgemm, unset", unset.summary)
      let factor = factor(unset, over: asSet)
      if factor > Self.noise {
        let text = "\(name)=\(preset) holds BLAS back: without it, it is %.1f times as fast"
        section.advise(String(format: text, factor))
      } else {
        section.add("preset", "\(name)=\(preset) does not hold BLAS back")
      }
    }
    if let wide, factor(wide, over: own) > Self.noise {
      section.add("sgemm, \(wide.core)", wide.summary)
      let text = "this CPU has AVX-512: \(name)=\(wide.core) is %.1f times as fast"
      section.advise(String(format: text, factor(wide, over: own)))
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
      section.add("sgemm", "not measured: \(error)")
      return section.text
    }
  }

  static func text(_ findings: BLASFindings) -> String {
    var section = Section("BLAS")
    findings.describe(in: &section)
    return section.text
  }
}
