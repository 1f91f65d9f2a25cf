import DataFiles
import Foundation
import Tensors
import Testing

/// Manifests that somebody has written on purpose: their checksum is right, and what they say is not.
@Suite struct StateManifestTests {
  /// A manifest that begins with `text`, with the checksum of it.
  private func signed(_ text: String) -> [UInt8] {
    var checksum = CRC32()
    checksum.update(Array(text.utf8))
    return Array((text + ",\n  \"crc32\": \"\(checksum.text)\"\n}\n").utf8)
  }

  private func manifest(
    format: String = "\"apus-state\"", version: String = "1", ordinal: String = "1",
    files: String = "", payloadBytes: String = "2", payload: String = "{}", more: String = ""
  ) -> String {
    """
    {"format": \(format), "version": \(version), "writtenBy": "test", "ordinal": \(ordinal), \(more)
    "files": [\(files)], "payloadBytes": \(payloadBytes), "payload": \(payload)
    """
  }

  private func file(
    _ name: String = "note", bytes: String = "3", crc32: String = "55bc801d"
  ) -> String {
    "{\"name\": \"\(name)\", \"bytes\": \(bytes), \"crc32\": \"\(crc32)\"}"
  }

  /// Calls `body` with a folder of one state with a file `note` of three bytes, and that state.
  private func withState(_ body: (StateFolder, StateEntry) throws -> Void) throws {
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root + "/state", files: FaultyFiles())
      let entry = try folder.save(ordinal: 1, payload: Data("{}".utf8)) {
        draft throws(EngineError) in
        try draft.write("note", bytes: [1, 2, 3])
      }
      try DataFixture.write([1, 2, 3], to: root + "/state/x")
      try body(folder, entry)
    }
  }

  @Test("a manifest with the right fields is read, with others beside them")
  func good() throws {
    try withState { folder, entry in
      for more in ["", "\"future\": [1, {\"a\": null}],"] {
        try DataFixture.write(
          signed(manifest(files: file(), more: more)), to: entry.path + "/manifest.json")
        #expect(try folder.load(entry).bytes(of: "note") == [1, 2, 3])
      }
    }
  }

  @Test("manifests that lie are refused, with what is wrong")
  func lies() throws {
    let huge = "9223372036854775807"
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    let lies: [(text: String, found: String)] = [
      (
        manifest(version: "2"), "expected format apus-state, version 1, found apus-state, version 2"
      ),
      (manifest(format: "\"other\""), "found other, version 1, written by test"),
      (manifest(format: "1"), "not the manifest of a state"),
      (manifest(version: "1.5"), "not the manifest of a state"),
      (manifest(version: "1e99"), "not the manifest of a state"),
      (manifest(ordinal: "-1"), "not the manifest of a state"),
      (manifest(ordinal: "2"), "expected the state of step 1, found that of 2"),
      (manifest(files: file("../x")), "\"../x\": the name cannot be used"),
      (manifest(files: file("..")), "the name cannot be used"),
      (manifest(files: file("/etc/passwd")), "the name cannot be used"),
      (manifest(files: file("a/../../x")), "the name cannot be used"),
      (manifest(files: file("")), "the name cannot be used: it is empty"),
      (manifest(files: file("note\\u0000")), "the name cannot be used"),
      (manifest(files: file("manifest.json")), "the name cannot be used"),
      (manifest(files: file() + "," + file()), "\"note\": it is listed twice"),
      (manifest(files: file(bytes: "-3")), "it has -3 bytes"),
      (manifest(files: file(bytes: "4")), "note: expected 4 bytes as the manifest says, found 3"),
      (manifest(files: file(bytes: huge)), "expected \(huge) bytes as the manifest says, found 3"),
      (manifest(files: file(bytes: "1e30")), "not the manifest of a state"),
      (manifest(files: file(bytes: "\"3\"")), "not the manifest of a state"),
      (manifest(files: file(crc32: "55bc801e")), "note: the file is damaged"),
      (manifest(files: file(crc32: "55BC801D")), "not the manifest of a state"),
      (manifest(files: file(crc32: "+5bc801d")), "not the manifest of a state"),
      (manifest(files: file(crc32: "")), "not the manifest of a state"),
      (manifest(files: "1"), "not the manifest of a state"),
      (manifest(files: file("nothing")), "nothing: cannot open: No such file"),
      (manifest(payloadBytes: "-1"), "a payload of -1 bytes"),
      (manifest(payloadBytes: huge), "a payload of \(huge) bytes"),
      (manifest(payloadBytes: "1"), "a payload of 1 bytes"),
      (manifest(payloadBytes: "3"), "a payload of 3 bytes"),
      (manifest(payload: deep), "not the manifest of a state"),
      (manifest(payload: "{"), "not the manifest of a state"),
      ("[1", "not the manifest of a state"), ("{\"a\": 1", "not the manifest of a state"),
      ("", "the manifest is damaged or cut short"),
    ]
    try withState { folder, entry in
      for (text, found) in lies {
        let bytes = text.isEmpty ? [] : signed(text)
        try DataFixture.write(bytes, to: entry.path + "/manifest.json")
        #expect("\(text.prefix(300))") {
          _ = try folder.load(entry)
        } throws: { error in
          guard let error = error as? EngineError else { return false }
          if !error.description.contains(found) { Issue.record("\(error); expected \(found)") }
          return error.file?.path.hasPrefix(entry.path) == true
        }
      }
    }
  }

  @Test("a safetensors file that lies about sizes is an error, also with the right checksums")
  func sizes() throws {
    let headers = [
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,9223372036854775807]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "[", "",
    ]
    try DataFixture.withFolder { root in
      let folder = StateFolder(path: root, files: FaultyFiles())
      for (index, header) in headers.enumerated() {
        for length in [UInt64(header.utf8.count), 1 << 40, UInt64.max] {
          let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
          let entry = try folder.save(ordinal: UInt64(index), payload: Data("{}".utf8)) {
            draft throws(EngineError) in
            try draft.write("w", bytes: bytes + Array(header.utf8))
          }
          let state = try folder.load(entry)
          DataFixture.expectFileError(entry.path + "/w", []) { _ = try state.tensors(of: "w") }
        }
      }
    }
  }
}
