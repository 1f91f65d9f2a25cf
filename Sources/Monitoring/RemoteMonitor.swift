import Engine
import Foundation
import Logging
import OrderedCollections
import Synchronization
import Tensors

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Sends the logs of each epoch to a server, on rank 0, as JSON by HTTP: `{"epoch": 0, "loss": 0.25, ...}`.
///
/// The form is Keras's: epochs count from 0, and the text is a field of a form unless `sendAsJSON` makes it the whole of the message.
///
/// A server that cannot be reached, or answers with a status of 400 or more, is warned of once and ends no training. The training waits for each answer,
/// `timeout` seconds at most.
///
/// - Note: Departs from Keras: a value that is infinite or NaN, which JSON does not have, is `null`; Keras writes `NaN`, or fails with
///   `send_as_json`. `timeout` ends the wait for an answer; Keras waits for ever.
/// - SeeAlso: Keras, `callbacks.RemoteMonitor`.
public final class RemoteMonitor: Callback {
  private let root: String
  private let path: String
  private let field: String
  private let headers: [(name: String, value: String)]
  private let sendAsJSON: Bool
  private let timeout: Double
  private var hasWarned = false

  /// Sends to `root` and `path` together.
  ///
  /// - Parameters:
  ///   - root: the server, with `http://` or `https://`.
  ///   - path: the place at the server, with a slash in front.
  ///   - field: the field of the form; not used with `sendAsJSON`.
  ///   - headers: more lines in the head of the message, such as `["Authorization": "Bearer ..."]`.
  ///   - sendAsJSON: whether the message is the JSON, of the type `application/json`, and no form.
  ///   - timeout: seconds after which an answer is no longer waited for.
  ///
  /// An address that is none is an error when training begins.
  public init(
    root: String = "http://localhost:9000", path: String = "/publish/epoch/end/",
    field: String = "data", headers: [String: String] = [:], sendAsJSON: Bool = false,
    timeout: Double = 10
  ) {
    self.root = root
    self.path = path
    self.field = field
    self.headers = headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    self.sendAsJSON = sendAsJSON
    self.timeout = timeout
  }

  private var url: URL? {
    guard let url = URL(string: root + path), ["http", "https"].contains(url.scheme),
      url.host?.isEmpty == false
    else { return nil }
    return url
  }

  /// Looks at the address.
  ///
  /// - Throws: `EngineError.invalidArgument` when it is none of a server, and when `timeout` is not above 0.
  public override func onTrainBegin(logs: Logs) throws {
    let address = (root + path).debugDescription
    try require(
      url != nil, "root + path", "an address that begins with http:// or https://",
      found: address)
    try require(timeout > 0 && timeout.isFinite, "timeout", "above 0", found: timeout)
    hasWarned = false
  }

  /// Sends the logs.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    guard isChief, let url else { return }
    guard let problem = send(Self.json(epoch, logs), to: url) else { return }
    if !hasWarned {
      logger.warning(
        "RemoteMonitor could not send an epoch to \(url.absoluteString): \(problem); training goes on"
      )
    }
    hasWarned = true
  }

  /// Sends a message and waits for the answer; what went wrong, or nil.
  private func send(_ json: String, to url: URL) -> String? {
    var request = URLRequest(url: url, timeoutInterval: timeout)
    request.httpMethod = "POST"
    request.setValue(
      sendAsJSON ? "application/json" : "application/x-www-form-urlencoded",
      forHTTPHeaderField: "Content-Type")
    for header in headers { request.setValue(header.value, forHTTPHeaderField: header.name) }
    let body = sendAsJSON ? json : "\(Self.formEncoded(field))=\(Self.formEncoded(json))"
    request.httpBody = Data(body.utf8)
    let outcome = Outcome()
    let task = URLSession.shared.dataTask(with: request) { _, response, error in
      let status = (response as? HTTPURLResponse)?.statusCode ?? 0
      outcome.end(
        error.map { $0.localizedDescription }
          ?? (status >= 400 ? "the answer has the status \(status)" : nil))
    }
    task.resume()
    let answer = outcome.wait(seconds: timeout)
    if case .waiting = answer { task.cancel() }
    switch answer {
    case .waiting: return "no answer within \(timeout) s"
    case .ended(let problem): return problem
    }
  }

  /// The epoch and the logs in their order.
  static func json(_ epoch: Int, _ logs: Logs) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let fields = logs.map { name, value in
      let quoted = (try? encoder.encode(name)).map { String(decoding: $0, as: UTF8.self) }
      return "\(quoted ?? "\"\""): \(value.isFinite ? "\(value)" : "null")"
    }
    return "{" + (["\"epoch\": \(epoch)"] + fields).joined(separator: ", ") + "}"
  }

  /// Text in a form: letters, digits and `-._*` as they are, a space as `+`, others as bytes.
  static func formEncoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "*"):
        String(UnicodeScalar(byte))
      case UInt8(ascii: " "): "+"
      default: String(format: "%%%02X", Int(byte))
      }
    }.joined()
  }
}

/// What became of a message, for the thread that waits for it.
private final class Outcome: Sendable {
  enum Answer {
    case waiting
    case ended(String?)
  }

  private let answer = Mutex(Answer.waiting)
  private let arrived = DispatchSemaphore(value: 0)

  func end(_ problem: String?) {
    answer.withLock { $0 = .ended(problem) }
    arrived.signal()
  }

  /// Waits no longer than `seconds`.
  func wait(seconds: Double) -> Answer {
    _ = arrived.wait(timeout: .now() + seconds)
    return answer.withLock { $0 }
  }
}
