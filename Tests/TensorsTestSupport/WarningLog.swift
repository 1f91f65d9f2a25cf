import Logging
import Synchronization

/// Collects warnings.
package struct WarningLog: LogHandler {
  package final class Store: Sendable {
    package let messages = Mutex<[String]>([])
  }
  package let store: Store
  package var metadata: Logger.Metadata = [:]
  package var logLevel = Logger.Level.trace
  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
  package func log(event: LogEvent) {
    store.messages.withLock { $0.append("\(event.level): \(event.message)") }
  }
  package static func logger() -> (logger: Logger, store: Store) {
    let store = Store()
    return (Logger(label: "test") { _ in WarningLog(store: store) }, store)
  }
}
