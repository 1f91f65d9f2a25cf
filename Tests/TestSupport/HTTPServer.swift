import Foundation
import Synchronization

/// A server on this machine that keeps what it is sent by HTTP and answers with a status: real sockets, a thread.
public final class HTTPServer: Sendable {
  /// A message that came.
  public struct Request: Sendable {
    /// `POST /path HTTP/1.1`
    public let line: String
    /// Lines of the head by lower-case name.
    public let headers: [String: String]
    /// What follows the head.
    public let body: String
  }

  /// The port at 127.0.0.1.
  public let port: Int
  private let descriptor: Int32
  private let received = Mutex<[Request]>([])
  private let status: Int

  /// What has come so far.
  public var requests: [Request] { received.withLock { $0 } }

  /// `http://127.0.0.1:port`
  public var root: String { "http://127.0.0.1:\(port)" }

  /// Begins to listen at a free port.
  ///
  /// - Parameter status: of all answers; 0 for none: messages are read, and nobody answers.
  /// - Throws: ``CheckFailure`` where there are no sockets.
  public init(status: Int = 200) throws {
    self.status = status
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let own = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(own, $0, length) == 0 && listen(own, 16) == 0 && getsockname(own, $0, &length) == 0
      }
    }
    guard isBound else { throw CheckFailure("no socket to listen at") }
    port = Int(UInt16(bigEndian: address.sin_port))
    let thread = Thread { [self] in
      while true {
        let connection = accept(own, nil, nil)
        if connection < 0 { return }
        if let request = Self.read(connection) { received.withLock { $0.append(request) } }
        guard status > 0 else { continue }
        let answer = Array(
          "HTTP/1.1 \(status) -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        _ = answer.withUnsafeBytes {
          send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        close(connection)
      }
    }
    thread.start()
  }

  /// Ends the thread.
  public func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// A message: its head up to an empty line, and as many bytes as that says.
  private static func read(_ connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    func more() -> Bool {
      let count = recv(connection, &buffer, buffer.count, 0)
      if count > 0 { bytes += buffer[..<count] }
      return count > 0
    }
    let gap = Array("\r\n\r\n".utf8)
    var end: Int?
    while end == nil {
      guard more() else { return nil }
      end = bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual(gap) }
    }
    guard let end else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let length = Int(headers["content-length"] ?? "0") ?? 0
    while bytes.count < end + 4 + length { if !more() { return nil } }
    return Request(
      line: lines[0], headers: headers,
      body: String(decoding: bytes[(end + 4)...], as: UTF8.self))
  }
}
