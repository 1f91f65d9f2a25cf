import DataFiles
import Foundation
import Tensors
import Testing

/// States on a disk that does what it should.
@Suite struct StateFolderTests {
  @Test("what is saved is loaded: tensors, strings, bytes and the payload byte for byte")
  func roundTrip() throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root + "/a/state")
      #expect(try folder.entries() == [])
      #expect(try folder.newest { _ in Issue.record("a warning") } == nil)
      let payload = Data(#" {"loss": 0.10000000000000000001, "a":[1, null]}"#.utf8)
      let entry = try folder.save(ordinal: 420, payload: payload) { draft throws(EngineError) in
        try draft.write(
          "weights.safetensors", tensors: SafeTensorsTests.example, metadata: ["k": "v"])
        try draft.write("history.json", bytes: Array("[1]".utf8))
        try draft.write("empty", bytes: [])
      }
      #expect(entry.name == "state-000000000420" && entry.ordinal == 420)
      #expect(try folder.entries() == [entry])
      let state = try #require(try folder.newest { _ in Issue.record("a warning") })
      #expect(state.entry == entry)
      #expect(state.payload == payload)
      #expect(state.writtenBy == "apus")
      #expect(state.files.map(\.name) == ["empty", "history.json", "weights.safetensors"])
      #expect(try state.bytes(of: "history.json") == Array("[1]".utf8))
      #expect(try state.bytes(of: "empty") == [])
      let (tensors, metadata) = try state.tensors(of: "weights.safetensors")
      #expect(metadata == ["k": "v"])
      for (name, tensor) in SafeTensorsTests.example {
        let found = try #require(tensors[name])
        #expect(found.spec == tensor.spec)
        #expect(found.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
      }
      #expect(
        try SystemFiles().list(entry.path).sorted()
          == ["empty", "history.json", "manifest.json", "weights.safetensors"])
      let manifest = try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: entry.path + "/manifest.json")))
      #expect((manifest as? [String: Any])?["payload"] is [String: Any])
      DataFixture.expectFileError(entry.path + "/other", ["no such file", "history.json"]) {
        _ = try state.bytes(of: "other")
      }
    }
  }
}
