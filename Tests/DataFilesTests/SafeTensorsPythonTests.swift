import DataFiles
import Foundation
import Tensors
import Testing

/// Python's own library on files that were written here. It runs where Python has the library, and is
/// reported as skipped elsewhere; `PYTHON` in the environment names another interpreter.
@Suite struct SafeTensorsPythonTests {
  /// What the interpreter prints for `script`, or nil when it does not run or fails.
  private static func python(_ script: String, _ arguments: [String] = []) -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let interpreter = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
    process.arguments = [interpreter, "-c", script] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  private static let isThere = python("import numpy, safetensors.numpy") != nil

  @Test(
    "Python's library reads the same names, types, shapes, bytes and strings",
    .enabled(if: isThere, "not run: python3 has no safetensors and numpy (set PYTHON)"))
  func pythonReads() throws {
    let script = """
      import sys, zlib, safetensors
      with safetensors.safe_open(sys.argv[1], framework="np") as file:
        for name in sorted(file.keys()):
          array = file.get_tensor(name)
          print(name.encode().hex(), array.dtype, list(array.shape), array.tobytes().hex())
        metadata = file.metadata()
        with open(sys.argv[1], "rb") as raw:
          content = raw.read()
        data = content[8 + int.from_bytes(content[:8], "little"):]
        print(metadata.pop("crc32") == f"{zlib.crc32(data):08x}", sorted(metadata.items()))
      """
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      try SafeTensors.write(
        SafeTensorsTests.example, metadata: ["format": "np", "by": "test"], to: path)
      let found = try #require(Self.python(script, [path]))
      let hex = { (bytes: [UInt8]) in bytes.map { String(format: "%02x", $0) }.joined() }
      let expected = SafeTensorsTests.example
        .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        .map { name, tensor in
          let bytes = tensor.withUnsafeBytes { Array($0) }
          return "\(hex(Array(name.utf8))) \(tensor.dtype) \(tensor.shape) \(hex(bytes))"
        }
      let lines = found.split(separator: "\n").map {
        String($0).trimmingCharacters(in: .whitespaces)
      }
      #expect(Array(lines.dropLast()) == expected.map { $0.trimmingCharacters(in: .whitespaces) })
      #expect(lines.last == "True [('by', 'test'), ('format', 'np')]")
    }
  }
}
