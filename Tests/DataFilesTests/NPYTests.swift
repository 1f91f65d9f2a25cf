import DataFiles
import Tensors
import TensorsTestSupport
import Testing

@Suite struct NPYTests {
  @Test(
    "an array of each scalar type and byte order gives the narrowest tensor type that holds it",
    arguments: [
      ("f2", DType.float32), ("f4", .float32), ("f8", .float64), ("i1", .int32), ("u1", .uint8),
      ("i2", .int32), ("u2", .int32), ("i4", .int32), ("u4", .int64), ("i8", .int64),
      ("f2-big", .float32), ("f4-big", .float32), ("f8-big", .float64), ("i2-big", .int32),
      ("u2-big", .int32), ("i4-big", .int32), ("u4-big", .int64), ("i8-big", .int64),
    ])
  func scalarTypes(name: String, dtype: DType) throws {
    let tensor = try NPY.read(DataFixture.path("\(name).npy"))
    #expect(tensor.spec == TensorSpec([2, 3, 4], dtype))
    let signed = !name.hasPrefix("u")
    #expect(tensor.scalars(as: Double.self) == DataFixture.values(24, signed: signed))
  }

  @Test("an array of booleans gives a tensor of booleans")
  func booleans() throws {
    let tensor = try NPY.read(DataFixture.path("bool.npy"))
    #expect(tensor.spec == TensorSpec([2, 3, 4], .bool))
    #expect(tensor.scalars(as: Bool.self) == (0..<24).map { $0 % 3 == 0 })
  }

  @Test("an array in Fortran order gives the same tensor as one in C order")
  func fortran() throws {
    let tensor = try NPY.read(DataFixture.path("f4-fortran.npy"))
    #expect(tensor.spec == TensorSpec([2, 3, 4], .float32))
    #expect(tensor.scalars(as: Double.self) == DataFixture.values(24))
    let bytes = try NPY.read(DataFixture.path("u1-fortran.npy"))
    #expect(bytes.spec == TensorSpec([3, 5], .uint8))
    #expect(bytes.scalars(as: Double.self) == DataFixture.values(15, signed: false))
  }

  @Test("scalars, empty arrays and later format versions are read")
  func edges() throws {
    let scalar = try NPY.read(DataFixture.path("scalar.npy"))
    #expect(scalar.spec == TensorSpec([], .float64))
    #expect(scalar.item() == 2.5)
    #expect(try NPY.read(DataFixture.path("empty.npy")).spec == TensorSpec([3, 0, 2], .int32))
    for name in ["version2", "version3"] {
      let tensor = try NPY.read(DataFixture.path("\(name).npy"))
      #expect(tensor.scalars(as: Double.self) == DataFixture.values(5))
    }
  }

  @Test("half precision keeps zeros, subnormal numbers, infinities and NaN")
  func half() throws {
    let values = try NPY.read(DataFixture.path("special-f2.npy")).scalars(as: Float.self)
    let expected: [Float] = [0, -0.0, 1, -2, 65504, 0x1p-24, 0x1p-14, .infinity, -.infinity]
    #expect(values.dropLast().map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(values.last?.isNaN == true)
  }

  @Test(
    "what is written is read again, bit for bit",
    arguments: [
      Tensor([1.5, -0.0, .nan, .infinity, Float(bitPattern: 71362), 3] as [Float], shape: [2, 3]),
      Tensor([1.1, -2, 1e300] as [Double], dtype: .float64), Tensor([1, -2] as [Int32]),
      Tensor([1 << 40, -2] as [Int64], shape: [2, 1, 1]), Tensor([0, 255] as [UInt8]),
      Tensor([true, false]), Tensor(Float(2)), Tensor([] as [Float], shape: [0, 3]),
    ])
  func roundTrip(tensor: Tensor) throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/array.npy"
      try NPY.write(tensor, to: path)
      let again = try NPY.read(path)
      #expect(again.spec == tensor.spec)
      #expect(again.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
    }
  }

  @Test("a file is written with the bytes that NumPy writes", arguments: ["f4", "f8", "u1", "i8"])
  func sameBytes(name: String) throws {
    let expected = try DataFixture.bytes("\(name).npy")
    let tensor = try NPY.read(DataFixture.path("\(name).npy"))
    try DataFixture.withFolder { folder in
      let path = folder + "/array.npy"
      try NPY.write(tensor, to: path)
      #expect(try ByteReader(path: path).readAll().withBytes { Array($0) } == expected)
    }
  }

  private func file(_ header: String, version: [UInt8] = [1, 0], data: [UInt8] = []) -> [UInt8] {
    let text = Array(header.utf8)
    return [0x93] + Array("NUMPY".utf8) + version
      + [UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text + data
  }

  @Test("the header may order and space its keys in any way that Python reads")
  func freeHeader() throws {
    let header = "{\"shape\":(2L,),'fortran_order' : True,\n'descr':'u1'}"
    let tensor = try DataFixture.withFile(file(header, data: [4, 5])) { try NPY.read($0) }
    #expect(tensor.scalars(as: Double.self) == [4, 5])
  }

  @Test(
    "a damaged header is refused with what was expected, what was found and where",
    arguments: [
      ("", ["byte 10", "'{'", "the end of the header"]),
      ("{}", ["no 'descr', 'fortran_order', 'shape'"]),
      ("{'descr': '<f4', 'shape': (), }", ["no 'fortran_order'"]),
      ("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", ["byte 20", "'<c8'"]),
      ("{'descr': '<u8', 'fortran_order': False, 'shape': ()}", ["byte 20", "'<u8'", "astype"]),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", ["structured types"]),
      ("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", ["True or False", "found \"1, "]),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", ["length of an axis"]),
      (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        ["does not fit 64 bits"]
      ),
      (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
        ["[4294967296, 4294967296]", "more elements than memory"]
      ),
      (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}",
        ["more elements than memory"]
      ),
      (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
        ["expected 4000000000000 bytes of float32 [1000000000000]", "found 0"]
      ),
      ("{'descr': '<f4', 'descr': '<f4', 'shape': ()}", ["'descr' is there twice"]),
      ("{'descr': '<f4', 'other': 1}", ["'other' is unknown"]),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", ["the end of the header", "x"]),
      ("{'descr: ", ["string in quotes"]),
    ] as [(String, [String])])
  func damagedHeader(header: String, texts: [String]) throws {
    try DataFixture.withFile(file(header)) { path in
      DataFixture.expectFileError(path, texts) { _ = try NPY.read(path) }
    }
  }

  @Test("other files, versions, types and lengths are refused")
  func damage() throws {
    try DataFixture.withFile(Array("not an array".utf8)) { path in
      DataFixture.expectFileError(path, ["byte 0", "NUMPY", "6e 6f 74"]) {
        _ = try NPY.read(path)
      }
    }
    try DataFixture.withFile(file("{}", version: [4, 0])) { path in
      DataFixture.expectFileError(path, ["byte 6", "found 4.0"]) { _ = try NPY.read(path) }
    }
    for (name, text) in [("complex", "'<c8'"), ("structured", "structured types")] {
      let path = DataFixture.path("\(name).npy")
      DataFixture.expectFileError(path, [text]) { _ = try NPY.read(path) }
    }
    let bytes = try DataFixture.bytes("f4.npy")
    try DataFixture.withFile(bytes.dropLast()) { path in
      DataFixture.expectFileError(path, ["byte 128", "expected 96 bytes of float32", "found 95"]) {
        _ = try NPY.read(path)
      }
    }
    try DataFixture.withFile(bytes + [0]) { path in
      DataFixture.expectFileError(path, ["byte 224", "found 1 more"]) { _ = try NPY.read(path) }
    }
  }
}
