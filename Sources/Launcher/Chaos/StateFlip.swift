import Foundation

/// Turns over a bit of the newest state of a training.
enum StateFlip {
  /// The folders of complete states below `output`, the newest first: a state that has no manifest is none yet.
  static func states(_ output: String) -> [String] {
    let files = FileManager.default
    let folder = output + "/state"
    let names = (try? files.contentsOfDirectory(atPath: folder)) ?? []
    let dated = names.compactMap { name -> (path: String, date: Date)? in
      let manifest = "\(folder)/\(name)/manifest.json"
      let attributes = try? files.attributesOfItem(atPath: manifest)
      return (attributes?[.modificationDate] as? Date).map { ("\(folder)/\(name)", $0) }
    }
    return dated.sorted { ($0.date, $0.path) > ($1.date, $1.path) }.map(\.path)
  }

  /// Turns a bit over in a file of the newest state.
  ///
  /// - Returns: which; nil when there are fewer than two states, of which the older one is needed.
  static func flip(_ output: String, _ fault: Fault) -> String? {
    let states = states(output)
    guard states.count > 1 else { return nil }
    let names = ((try? FileManager.default.subpathsOfDirectory(atPath: states[0])) ?? []).sorted()
    let paths = names.filter { size("\(states[0])/\($0)") > 0 }
    guard !paths.isEmpty else { return nil }
    let name = paths[fault.choice(3, of: paths.count)]
    let bit = fault.choice(4, of: 8 * size("\(states[0])/\(name)"))
    let file = open("\(states[0])/\(name)", O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var byte: UInt8 = 0
    guard pread(file, &byte, 1, off_t(bit / 8)) == 1 else { return nil }
    byte ^= 1 << UInt8(bit % 8)
    guard pwrite(file, &byte, 1, off_t(bit / 8)) == 1 else { return nil }
    return "bit \(bit) of \((states[0] as NSString).lastPathComponent)/\(name) turned over"
  }

  /// Bytes of a regular file; 0 for all else.
  private static func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard attributes?[.type] as? FileAttributeType == .typeRegular else { return 0 }
    return attributes?[.size] as? Int ?? 0
  }
}
