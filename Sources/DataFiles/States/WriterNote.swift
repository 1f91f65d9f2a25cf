import Foundation
import Tensors

/// What a writer of a state tells the chief through the folder.
struct WriterNote: Codable {
  var files: [FileSum]
  /// Why the writer could not write its part, or nil.
  var problem: String?

  static func fileName(of writer: Int) -> String { ".done-\(writer).json" }
  static func temporaryName(of writer: Int) -> String { ".done-\(writer).tmp" }

  init(files: [FileSum], problem: String?) {
    (self.files, self.problem) = (files, problem)
  }

  /// Reads a note.
  init(_ path: String) throws(EngineError) {
    let text = try ByteReader(path: path, inflating: false).readAll().withBytes { Data($0) }
    if text.isEmpty {
      self.init(files: [], problem: "and has no room to say why")
      return
    }
    do { self = try JSONDecoder().decode(WriterNote.self, from: text) } catch {
      throw .file(path: path, message: "not what a writer of a state leaves: \(error)")
    }
  }

  func text() throws(EngineError) -> [UInt8] {
    do { return Array(try JSONEncoder().encode(self)) } catch {
      throw .data(message: "state: what was written cannot be told: \(error)")
    }
  }
}
