import CKernels
import COpenBLAS
import Foundation
import Logging

/// The OpenBLAS that this process multiplies float64 with.
///
/// It is loaded at its first use, with the kernels that suit ``KernelSet/level``: OpenBLAS chooses them once, when it is loaded, and one that
/// is older than the CPU takes those of a much earlier one. The environment variable ``variable`` overrules both.
package struct BLASLibrary: @unchecked Sendable {
  // Nothing changes after `load`, and the functions may be called by any thread.

  /// What it computes with; without functions where it could not be loaded.
  package private(set) var functions = apus_openblas()
  /// The CPU whose kernels it would take by itself; nil where the user has chosen.
  package private(set) var ownCore: String?
  /// Why it could not be loaded.
  package private(set) var problem: String?

  /// The environment variable by which OpenBLAS is told whose kernels to take.
  package static let variable = "OPENBLAS_CORETYPE"

  /// Names of the file, the first that can be loaded counts.
  #if os(macOS)
    package static let names = [
      "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
      "/usr/local/opt/openblas/lib/libopenblas.dylib",
    ]
  #else
    package static let names = ["libopenblas.so.0", "libopenblas.so"]
  #endif

  /// The library of this process.
  package static let shared: BLASLibrary = {
    let library = BLASLibrary(names: names, level: KernelSet.level, best: KernelSet.bestLevel)
    if let problem = library.problem {
      Logger(label: "apus.kernels").notice(
        "OpenBLAS cannot be loaded, and matrix products of float64 are slow without it: \(problem). \(installHint)"
      )
    }
    return library
  }()

  /// What to do where there is none.
  package static let installHint = "On Debian, apt-get install libopenblas0 brings it"

  /// Loads the first of `names` that can be, with the kernels of ``cores(for:best:own:)``.
  ///
  /// - Parameters:
  ///   - names: of the file, as the system's loader takes them.
  ///   - level: whose kernels are wanted, as ``KernelSet/level`` names it.
  ///   - best: the best level that this CPU has.
  package init(names: [String], level: String, best: String) {
    problem = load(names, core: nil)
    guard problem == nil, ProcessInfo.processInfo.environment[Self.variable] ?? "" == "" else {
      return
    }
    ownCore = coreName
    guard configuration.contains("DYNAMIC_ARCH") else { return }
    for core in Self.cores(for: level, best: best, own: coreName) {
      // A library has not always been built for all of them, and then takes others.
      apus_openblas_close(&functions)
      problem = load(names, core: core)
      if coreName.lowercased() == core.lowercased() { return }
    }
    if coreName != ownCore {
      apus_openblas_close(&functions)
      problem = load(names, core: nil)
    }
  }

  /// - Returns: why none of `names` could be loaded; nil when one was.
  private mutating func load(_ names: [String], core: String?) -> String? {
    var problems: [String] = []
    for name in names {
      guard let problem = apus_openblas_open(name, core, &functions) else { return nil }
      problems.append(String(cString: problem))
    }
    return problems.first ?? "it has no name"
  }

  /// Version and options, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64`; `none` without a library.
  package var configuration: String { functions.config.map { Self.string($0()) } ?? "none" }

  /// The CPU whose kernels are in use, such as `SkylakeX`; `none` without a library.
  package var coreName: String { functions.core_name.map { Self.string($0()) } ?? "none" }

  private static func string(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? "unknown"
  }

  /// The kernels that OpenBLAS is asked for: none where what it takes by itself is as good as the level.
  ///
  /// - Parameters:
  ///   - level: whose kernels are wanted, as ``KernelSet/level`` names it.
  ///   - best: the best level that this CPU has.
  ///   - own: what OpenBLAS takes by itself.
  /// - Returns: values of ``variable``, the best first.
  package static func cores(for level: String, best: String, own: String) -> [String] {
    let (wanted, present) = (width(ofLevel: level), width(ofCore: own))
    // What OpenBLAS takes on a CPU without AVX2 needs no advice, unless it was asked to do with less.
    if wanted == present || (level == best && wanted < 256) { return [] }
    return ["SkylakeX", "Haswell", "Prescott"].filter { core in
      let width = width(ofCore: core)
      return width <= wanted && (present > wanted || width > present)
    }
  }

  /// Bits of the vectors of a level.
  private static func width(ofLevel level: String) -> Int {
    switch level {
    case "x86-64-v4": 512
    case "x86-64-v3": 256
    default: 128
    }
  }

  /// Bits of the vectors that the kernels for a CPU multiply and add with in one instruction; for AVX alone counts as 128.
  private static func width(ofCore core: String) -> Int {
    switch core.lowercased() {
    case "skylakex", "cooperlake", "sapphirerapids": 512
    case "haswell", "zen", "excavator": 256
    default: 128
    }
  }
}
