import ArgumentParser
import Foundation

extension RankEnvironment {
  /// Checks that each variable of `-x` has one value.
  ///
  /// - Throws: a `ValidationError`.
  static func check(_ exports: [Export]) throws {
    var known: Set<String> = []
    for export in exports {
      guard known.insert(export.name).inserted else {
        throw ValidationError("-x \(export.name) is there twice; expected each variable once")
      }
      if export.value == nil, ProcessInfo.processInfo.environment[export.name] == nil {
        throw ValidationError(
          "-x \(export.name): there is no such variable in the environment; expected one, or "
            + "-x \(export.name)=value")
      }
    }
  }
}

extension ProgramStart {
  /// Sets the variables of `-x` in this process.
  static func setVariables(_ exports: [RankEnvironment.Export]) {
    for export in exports {
      if let value = export.value { setenv(export.name, value, 1) }
    }
  }
}
