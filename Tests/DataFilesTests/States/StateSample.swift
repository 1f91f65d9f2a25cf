import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// What a state holds, as a function of a seed; written by one writer or several, and compared.
struct StateSample: Equatable {
  let ordinal: UInt64
  let writers: Int
  private let seed: UInt64
  /// Of each writer.
  let values: [[Float]]
  let notes: [[UInt8]]

  /// - Parameters:
  ///   - ordinal: that of the state.
  ///   - writers: how many share it.
  ///   - seed: of all values.
  ///   - size: the most elements of a tensor.
  init(ordinal: UInt64, writers: Int = 1, seed: UInt64, size: Int = 40) {
    self.ordinal = ordinal
    self.writers = writers
    self.seed = seed
    var generator = SeededGenerator(seed: seed)
    var values: [[Float]] = []
    var notes: [[UInt8]] = []
    for _ in 0..<writers {
      let count = Int.random(in: 0...size, using: &generator)
      values.append((0..<count).map { _ in Float.random(in: -1...1, using: &generator) })
      let length = Int.random(in: 0...size, using: &generator)
      notes.append((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
    self.values = values
    self.notes = notes
  }

  private var payload: Data { Data("{\"seed\":\(seed),\"writers\":\(writers)}".utf8) }

  /// Saves it; `files` gives the calls of each writer, which take turns.
  @discardableResult
  func save(
    to path: String, limit: Duration = .zero, _ files: (Int) -> any FileLayer
  ) throws(EngineError) -> StateEntry {
    let folders = (0..<writers).map { StateFolder(path: path, files: files($0)) }
    let token = "token\(values.hashValue.magnitude)"
    let chief = try folders[0].begin(ordinal: ordinal, token: token, writtenBy: "test")
    do throws(EngineError) { try write(0, chief) } catch {
      chief.abandon()
      throw error
    }
    for writer in 1..<max(1, writers) {
      do throws(EngineError) {
        let draft = try folders[writer].join(
          ordinal: ordinal, token: token, writer: writer, limit: .zero)
        do throws(EngineError) {
          try write(writer, draft)
          try draft.finish()
        } catch {
          draft.fail("\(error)")
        }
      } catch {
        chief.abandon()
        throw error
      }
    }
    return try commit(chief, limit: limit)
  }

  /// Completes it when all writers have written.
  func commit(_ chief: StateDraft, limit: Duration) throws(EngineError) -> StateEntry {
    try chief.commit(writers: writers, payload: payload, limit: limit)
  }

  /// Saves it by the same calls for all writers.
  @discardableResult
  func save(to path: String, _ files: any FileLayer) throws(EngineError) -> StateEntry {
    try save(to: path) { _ in files }
  }

  /// Writes what one writer has of it.
  func write(_ writer: Int, _ draft: StateDraft) throws(EngineError) {
    try draft.write("weights-\(writer).safetensors", tensors: [("w", Tensor(values[writer]))])
    try draft.write("note-\(writer)", bytes: notes[writer])
  }

  /// Whether a state on the disk is this one, exactly.
  func equals(_ state: StoredState) throws -> Bool {
    guard state.payload == payload, state.entry.ordinal == ordinal else { return false }
    guard state.files.count == 2 * writers, state.writtenBy == "test" else { return false }
    for writer in 0..<writers {
      let (tensors, _) = try state.tensors(of: "weights-\(writer).safetensors")
      guard tensors.count == 1, tensors["w"]?.scalars(as: Float.self) == values[writer] else {
        return false
      }
      guard try state.bytes(of: "note-\(writer)") == notes[writer] else { return false }
    }
    return true
  }

  /// Expects the newest state in a folder to be good, and one of `samples`; their index.
  @discardableResult
  static func expectNewest(
    _ path: String, _ samples: [StateSample], _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Int? {
    do {
      let state = try StateFolder(path: path).newest { warning in
        Issue.record("\(warning); \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
      }
      guard let state else {
        Issue.record("no state; \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
        return nil
      }
      let index = try samples.firstIndex { try $0.equals(state) }
      #expect(index != nil, comment, sourceLocation: sourceLocation)
      return index
    } catch {
      Issue.record("\(error); \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
      return nil
    }
  }

  /// What lies in a folder, in order.
  static func names(_ path: String) throws -> [String] { try SystemFiles().list(path).sorted() }

  /// All files below a folder with their bytes.
  static func contents(_ path: String) throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      contents[name] = FileManager.default.contents(atPath: path + "/" + name) ?? Data()
    }
    return contents
  }
}
