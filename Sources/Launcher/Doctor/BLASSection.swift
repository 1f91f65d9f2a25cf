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

/// Which BLAS there is, how fast it is, and whether a preset holds it back.
enum BLASSection {
  /// A difference below this factor may be noise.
  private static let noise = 1.1

  static func text(_ machine: Machine) async -> String {
    var section = Section("BLAS")
    do {
      try await measure(machine, &section)
    } catch {
      section.add("sgemm", "not measured: \(error)")
    }
    return section.text
  }

  private static func measure(_ machine: Machine, _ section: inout Section) async throws {
    let name = BLASProbe.variable
    let preset = machine.variables[name]
    let current = try await BLASProbe.run(core: preset)
    section.add("library", current.configuration)
    section.add(name, preset ?? "not set")
    section.add("sgemm, as set", current.summary)
    section.add("training", current.productSummary)
    var own = current
    if let preset {
      own = try await BLASProbe.run(core: nil)
      section.add("sgemm, unset", own.summary)
      let factor = own.oneThread / max(current.oneThread, 1e-9)
      if factor > noise {
        let text = "\(name)=\(preset) holds BLAS back: without it, it is %.1f times as fast"
        section.advise(String(format: text, factor))
      } else {
        section.add("preset", "\(name)=\(preset) does not hold BLAS back")
      }
    }
    try await tryWiderVectors(own, &section)
  }

  /// OpenBLAS may be older than the CPU and take it for an earlier one: `own` is what it chose itself.
  private static func tryWiderVectors(
    _ own: BLASProbe, _ section: inout Section
  ) async throws {
    let wide = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    guard CPU.hasAVX512, own.configuration.contains("DYNAMIC_ARCH"),
      !wide.contains(where: { $0.lowercased() == own.core.lowercased() })
    else { return }
    let other = try await BLASProbe.run(core: wide[0])
    let factor = other.oneThread / max(own.oneThread, 1e-9)
    guard other.core.lowercased() == wide[0].lowercased(), factor > noise else { return }
    section.add("sgemm, \(other.core)", other.summary)
    let text = "this CPU has AVX-512: \(BLASProbe.variable)=\(wide[0]) is %.1f times as fast"
    section.advise(String(format: text, factor))
  }
}
