import Foundation

/// How long a rank waits for others before the job ends.
package enum WaitLimit {
  /// The variable that changes it: seconds, 0 for no limit.
  package static let variable = "APUS_WAIT_LIMIT"

  /// 5 minutes.
  package static let standard = 300.0

  /// The limit in seconds that the environment says, or else the standard; nil for none.
  ///
  /// - Throws: ``DistError/invalidWaitLimit(_:)`` when the variable is no number of seconds.
  package static func seconds(
    in environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DistError) -> Double? {
    guard let text = environment[variable], !text.isEmpty else { return standard }
    guard let seconds = Double(text), seconds >= 0, seconds.isFinite else {
      throw .invalidWaitLimit(text)
    }
    return seconds == 0 ? nil : seconds
  }
}
