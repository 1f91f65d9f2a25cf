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
      mostAttempts(in: text("\(folder)/net/\(name)"), of: Set(sockets.map(String.init)))
        >= limit
    }
  }

  /// How often TCP has sent the same again, or asked for room to send more, without an answer. Linux does the latter where the packets do not
  /// even leave the machine. The kernel of a machine whose programs stand still does answer.
  ///
  /// - Parameters:
  ///   - table: `/proc/net/tcp` or `/proc/net/tcp6`.
  ///   - sockets: inodes of the connections that count.
  /// - Returns: the most of all established connections; 0 without any.
  package static func mostAttempts(in table: String, of sockets: Set<String>) -> Int {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode; "timeout" counts probes.
    table.split(separator: "\n").dropFirst().compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 9, words[3] == "01", sockets.contains(String(words[9])) else {
        return nil
      }
      return max(Int(words[6], radix: 16) ?? 0, Int(words[8]) ?? 0)
    }.max() ?? 0
  }

  /// A file of the system, which gives a part of itself at a time.
  private static func text(_ path: String) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else { return "" }
    defer { try? file.close() }
    var data = Data()
    while let part = try? file.read(upToCount: 1 << 16), !part.isEmpty { data += part }
    return String(decoding: data, as: UTF8.self)
  }
}
