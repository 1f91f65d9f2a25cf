import Foundation

/// The connections of mpirun's daemon, which starts the ranks of another machine.
///
/// Its keepalive says nothing while something that it has sent is under way, as the output of ranks nearly always is: TCP then sends that again
/// and again, for a quarter of an hour. Linux says how often it has.
package enum DaemonConnection {
  /// How often the same is sent without an answer before the other end counts as gone: TCP waits 0.2 s at first and twice as long
  /// each time, which makes some 12 s.
  package static let limit = 6

  /// Whether a connection of `process`, when that is a daemon of mpirun, leads nowhere.
  static func isCutOff(of process: Int32) -> Bool {
    let folder = "/proc/\(process)"
    guard text("\(folder)/comm") == "orted\n" else { return false }
    let files = FileManager.default
    let names = (try? files.contentsOfDirectory(atPath: "\(folder)/fd")) ?? []
    let sockets = names.compactMap { name -> Substring? in
      let link = try? files.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(name)")
      return link?.wholeMatch(of: /socket:\[(\d+)\]/)?.1
    }
    return ["tcp", "tcp6"].contains { name in
      mostRetransmissions(in: text("\(folder)/net/\(name)"), of: Set(sockets.map(String.init)))
        >= limit
    }
  }

  /// How often TCP has sent again what has not been answered.
  ///
  /// - Parameters:
  ///   - table: `/proc/net/tcp` or `/proc/net/tcp6`.
  ///   - sockets: inodes of the connections that count.
  /// - Returns: the most of all established connections; 0 without any.
  package static func mostRetransmissions(in table: String, of sockets: Set<String>) -> Int {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    table.split(separator: "\n").dropFirst().compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 9, words[3] == "01", sockets.contains(String(words[9])) else {
        return nil
      }
      return Int(words[6], radix: 16)
    }.max() ?? 0
  }

  private static func text(_ path: String) -> String {
    // Files of the system have no size, which others are read by.
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
