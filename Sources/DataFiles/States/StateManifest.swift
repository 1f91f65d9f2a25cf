import Foundation
import Tensors

/// What `manifest.json` of a state says.
///
/// The text ends with a checksum of all bytes before it, and keeps the caller's JSON byte for byte.
struct StateManifest {
  static let fileName = "manifest.json"
  private static let format = "apus-state"
  private static let version = 1
  /// No manifest is longer, so that a damaged folder cannot make a reader take all memory.
  private static let most = 1 << 28

  var writtenBy: String
  var ordinal: UInt64
  var files: [FileSum]
  /// Any JSON.
  var payload: Data

  init(writtenBy: String, ordinal: UInt64, files: [FileSum], payload: Data) {
    (self.writtenBy, self.ordinal) = (writtenBy, ordinal)
    (self.files, self.payload) = (files, payload)
  }

  /// - Throws: `EngineError.invalidArgument` for a payload that is not JSON.
  static func check(payload: Data) throws(EngineError) {
    do {
      _ = try JSONSerialization.jsonObject(with: payload, options: .fragmentsAllowed)
    } catch {
      throw .invalidArgument(
        message: "state: the payload of \(payload.count) bytes is not JSON")
    }
    guard payload.count <= most / 2 else {
      throw .invalidArgument(
        message: "state: the payload has \(payload.count) bytes, at most \(most / 2) are allowed; "
          + "write a file for it")
    }
  }

  // MARK: Text

  /// The text of the file.
  var text: [UInt8] {
    let list = files.map { file in
      "    {\"name\": \(HeaderJSON.quoted(file.name)), \"bytes\": \(file.byteCount), "
        + "\"crc32\": \"\(file.checksum.text)\"}"
    }
    let head = """
      {
        "format": "\(Self.format)",
        "version": \(Self.version),
        "writtenBy": \(HeaderJSON.quoted(writtenBy)),
        "ordinal": \(ordinal),
        "files": [\(list.isEmpty ? "" : "\n" + list.joined(separator: ",\n") + "\n  ")],
        "payloadBytes": \(payload.count),
        "payload": 
      """
    var text = Array(head.utf8)
    text += payload
    var checksum = CRC32()
    checksum.update(text)
    return text + Self.ending(checksum)
  }

  private static func ending(_ checksum: CRC32) -> [UInt8] {
    Array(",\n  \"crc32\": \"\(checksum.text)\"\n}\n".utf8)
  }

  private struct Fields: Decodable {
    var format: String
    var version: Int
    var writtenBy: String
    var ordinal: UInt64
    var files: [FileSum]
    var payloadBytes: Int
  }

  /// Reads the manifest of the state in `folder`.
  ///
  /// - Throws: `EngineError.file` that names the manifest and says what is wrong with it.
  init(in folder: String) throws(EngineError) {
    let path = folder + "/" + Self.fileName
    let text = try StoredState.open(path, most: Self.most).readAll().withBytes { Array($0) }
    let end = text.count - Self.ending(CRC32()).count
    var checksum = CRC32()
    checksum.update(Array(text.prefix(max(0, end))))
    guard end > 0, Array(text[end...]) == Self.ending(checksum) else {
      throw .file(
        path: path,
        message: "the manifest is damaged or cut short: it does not end with the checksum of its "
          + "\(text.count) bytes")
    }
    let fields: Fields
    do { fields = try JSONDecoder().decode(Fields.self, from: Data(text)) } catch {
      throw .file(path: path, message: "not the manifest of a state: \(error)")
    }
    guard fields.format == Self.format, fields.version == Self.version else {
      throw .file(
        .init(path),
        .expectation(
          "format \(Self.format), version \(Self.version)",
          found: "\(fields.format), version \(fields.version), written by \(fields.writtenBy)"))
    }
    let name = Array("\"payload\": ".utf8)
    guard fields.payloadBytes >= 0, fields.payloadBytes <= end,
      text[..<(end - fields.payloadBytes)].suffix(name.count) == name[...]
    else {
      throw .file(
        path: path,
        message:
          "a payload of \(fields.payloadBytes) bytes is not at the end of \(text.count) bytes")
    }
    writtenBy = fields.writtenBy
    ordinal = fields.ordinal
    files = fields.files
    payload = Data(text[(end - fields.payloadBytes)..<end])
    try checkFiles(path)
  }

  private func checkFiles(_ path: String) throws(EngineError) {
    var names: Set<String> = []
    for file in files {
      let member = "file \"\(file.name)\""
      if let problem = FileSum.problem(withName: file.name) {
        throw .file(.init(path, member: member), "the name cannot be used: \(problem)")
      }
      guard names.insert(file.name).inserted else {
        throw .file(.init(path, member: member), "it is listed twice")
      }
      guard file.byteCount >= 0 else {
        throw .file(.init(path, member: member), "it has \(file.byteCount) bytes")
      }
    }
  }
}
