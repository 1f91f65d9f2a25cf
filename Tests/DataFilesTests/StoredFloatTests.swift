import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

/// Files that keep numbers of float32 in 16 bits.
@Suite struct StoredFloatTests {
  @Test("a file of half precision is NumPy's, byte for byte")
  func numpy() throws {
    for name in ["special-f2.npy", "f2.npy"] {
      let original = DataFixture.path(name)
      try DataFixture.withFolder { folder in
        let path = folder + "/half.npy"
        try NPY.write(try NPY.read(original), floats: .float16, to: path)
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: path))
            == Data(contentsOf: URL(fileURLWithPath: original)))
      }
    }
  }

  @Test("a file of brain floats holds the bytes of Python's library")
  func brainFloats() throws {
    let original = DataFixture.path("bf16.safetensors")
    try DataFixture.withFolder { folder in
      let path = folder + "/brain.safetensors"
      let tensors = try SafeTensors.read(original).tensors
      try SafeTensors.write(tensors.map { ($0.key, $0.value) }, floats: .bfloat16, to: path)
      let (written, theirs) = (
        try Data(contentsOf: URL(fileURLWithPath: path)),
        try Data(contentsOf: URL(fileURLWithPath: original))
      )
      #expect(written.suffix(12) == theirs.suffix(12))
      #expect(String(decoding: written.dropLast(12), as: UTF8.self).contains("\"BF16\""))
    }
  }

  /// Halfway between two numbers, the even one; Swift rounds decimal fractions itself.
  @Test("numbers are rounded to the nearest, ties to even")
  func rounding() throws {
    // Units are 2⁻¹⁰ in float16, 2⁻⁷ in bfloat16.
    for (floats, unit) in [(StoredFloat.float16, Float(0x1p-10)), (.bfloat16, 0x1p-7)] {
      let x: [Float] = [
        1 + unit / 2, 1 + unit * 1.5, 1 + unit * 0.51, 1 + unit * 0.49, -1 - unit / 2, 0, -0.0,
        .infinity, .nan,
      ]
      let expected: [Float] = [
        1, 1 + 2 * unit, 1 + unit, 1, -1, 0, -0.0, .infinity, .nan,
      ]
      let tensors = [("x", Tensor(x)), ("wide", Tensor([0.1], dtype: .float64))]
      let found = try DataFixture.withFolder { folder in
        let path = folder + "/rounded.safetensors"
        try SafeTensors.write(tensors, floats: floats, to: path)
        return try SafeTensors.read(path).tensors
      }
      let values = try #require(found["x"]).scalars(as: Float.self)
      #expect(values.dropLast().map(\.bitPattern) == expected.dropLast().map(\.bitPattern))
      #expect(values.last?.isNaN == true)
      #expect(found["wide"]?.scalars(as: Double.self) == [0.1])
    }
  }

  @Test("what the format cannot hold is an error, and no file appears")
  func errors() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/x"
      let tensor = Tensor([1, 65519, -65520] as [Float])
      expectError("tensor \"w\": element 2 is -65520.0, which float16 cannot hold") {
        try SafeTensors.write([("w", tensor)], floats: .float16, to: path)
      }
      expectError("element 2 is -65520.0, which float16 cannot hold") {
        try NPY.write(tensor, floats: .float16, to: path)
      }
      expectError("NumPy has no bfloat16") {
        try NPY.write(tensor, floats: .bfloat16, to: path)
      }
      #expect(!FileManager.default.fileExists(atPath: path))
      try NPY.write(tensor[0..<2], floats: .float16, to: path)
      #expect(try NPY.read(path).scalars(as: Float.self) == [1, 65504])
    }
  }
}
