import DataFiles
import OrderedCollections
import Tensors
import TensorsTestSupport
import Testing

@Suite struct SafeTensorsTests {
  @Test(
    "a file of Python's library gives its tensors, in the order of their bytes, and its strings")
  func readsPython() throws {
    let (tensors, metadata) = try SafeTensors.read(DataFixture.path("all.safetensors"))
    let types: OrderedDictionary<String, DType> = [
      "i64": .int64, "f64": .float64, "f32": .float32, "u32": .int64, "i32": .int32,
      "f16": .float32, "u16": .int32, "i16": .int32, "i8": .int32, "u8": .uint8,
    ]
    for (name, dtype) in types {
      let tensor = try #require(tensors[name])
      #expect(tensor.spec == TensorSpec([2, 3], dtype))
      let signed = !name.hasPrefix("u")
      #expect(tensor.scalars(as: Double.self) == DataFixture.values(6, signed: signed))
    }
    #expect(tensors["bool"]?.scalars(as: Bool.self) == [true, false, false, true, false, false])
    let nested = try #require(tensors["layer.0/kernel ü"])
    #expect(nested.shape == [2, 2, 2])
    #expect(nested.scalars(as: Double.self) == DataFixture.values(8))
    #expect(tensors["scalar"]?.item() == 2.5)
    #expect(tensors["empty"]?.spec == TensorSpec([0, 4], .float32))
    #expect(tensors.count == 14)
    #expect(tensors.keys.first == "i64" && tensors.keys.last == "bool")
    #expect(metadata == ["format": "np", "note": "a \"quoted\"\nline"])
  }

  @Test("brain floats become float32")
  func brainFloat() throws {
    let (tensors, _) = try SafeTensors.read(DataFixture.path("bf16.safetensors"))
    #expect(tensors["x"]?.spec == TensorSpec([2, 3], .float32))
    #expect(tensors["x"]?.scalars(as: Double.self) == DataFixture.values(6))
  }

  static let example: [(String, Tensor)] = [
    (
      "z/kernel",
      Tensor([1.5, -0.0, .nan, .leastNonzeroMagnitude, .infinity, 6] as [Float], shape: [2, 3])
    ),
    ("a \"quoted\\name\n\u{1}é", Tensor([0.1, 1e300] as [Double], dtype: .float64)),
    ("flags", Tensor([true, false, true])), ("step", Tensor([1 << 40] as [Int64], shape: [])),
    ("bytes", Tensor([0, 7, 255] as [UInt8])), ("b/bias", Tensor([-1, 2] as [Int32])),
    ("empty", Tensor([] as [Float], shape: [2, 0])),
  ]

  @Test("what is written is read again, bit for bit")
  func roundTrip() throws {
    let metadata: SafeTensors.Metadata = ["z": "last", "a": "\u{1F426} \"\\"]
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      try SafeTensors.write(Self.example, metadata: metadata, to: path)
      let found = try SafeTensors.read(path)
      #expect(found.metadata == ["a": "\u{1F426} \"\\", "z": "last"])
      #expect(found.tensors.count == Self.example.count)
      for (name, tensor) in Self.example {
        let again = try #require(found.tensors[name])
        #expect(again.spec == tensor.spec)
        #expect(again.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
      }
      // Wide scalars first, else as given.
      #expect(
        Array(found.tensors.keys) == [
          Self.example[1].0, "step", "z/kernel", "b/bias", "empty", "flags", "bytes",
        ])
    }
  }

  @Test(
    "the bytes of a file: a sorted header with the checksum of the data, padded to 8 bytes, then the data"
  )
  func bytes() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      try SafeTensors.write(
        [("b", Tensor([1, 2] as [UInt8])), ("a", Tensor([3] as [Int32]))],
        metadata: ["k": "v"], to: path)
      let bytes = try ByteReader(path: path).readAll().withBytes { Array($0) }
      let json =
        #"{"__metadata__":{"crc32":"c0438360","k":"v"},"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}"#
      let length = (json.utf8.count + 7) / 8 * 8
      let padding = [UInt8](repeating: 0x20, count: length - json.utf8.count)
      #expect(
        bytes == [UInt8(length), 0, 0, 0, 0, 0, 0, 0] + Array(json.utf8) + padding
          + [3, 0, 0, 0, 1, 2])
    }
  }

  @Test("a file without tensors is a file")
  func nothing() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/none.safetensors"
      try SafeTensors.write([], to: path)
      let found = try SafeTensors.read(path)
      #expect(found.tensors.isEmpty && found.metadata.isEmpty)
    }
  }

  @Test("a name that is there twice, or is the format's own, is refused")
  func names() throws {
    let tensor = Tensor([1] as [Float])
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      #expect(
        throws: EngineError.invalidArgument(
          message: "safetensors: the name \"a\" is there twice")
      ) {
        try SafeTensors.write([("a", tensor), ("b", tensor), ("a", tensor)], to: path)
      }
      #expect(throws: EngineError.self) {
        try SafeTensors.write([("__metadata__", tensor)], to: path)
      }
      DataFixture.expectFileError(path, ["No such file"]) { _ = try SafeTensors.read(path) }
    }
  }

  @Test("the header alone tells names, shapes and types")
  func inspect() throws {
    let (specs, metadata) = try SafeTensors.inspect(DataFixture.path("all.safetensors"))
    #expect(specs.count == 14)
    #expect(specs["f16"] == TensorSpec([2, 3], .float32))
    #expect(metadata["format"] == "np")
  }

  @Test("expected tensors come in the order asked for; others must be allowed")
  func expecting() throws {
    let path = DataFixture.path("all.safetensors")
    let specs: OrderedDictionary<String, TensorSpec> = [
      "scalar": TensorSpec([], .float32), "f64": TensorSpec([2, 3], .float64),
    ]
    let (tensors, _) = try SafeTensors.read(path, expecting: specs, ignoringOthers: true)
    #expect(Array(tensors.keys) == ["scalar", "f64"])
    DataFixture.expectFileError(path, ["not asked for", "\"i64\"", "and 4 more"]) {
      _ = try SafeTensors.read(path, expecting: specs)
    }
    DataFixture.expectFileError(path, ["no tensor \"missing\" (float32 [7])", "\"f32\""]) {
      _ = try SafeTensors.read(path, expecting: ["missing": TensorSpec([7], .float32)])
    }
    DataFixture.expectFileError(
      path, ["tensor \"f32\"", "expected float32 [3, 2]", "found float32 [2, 3]"]
    ) {
      _ = try SafeTensors.read(path, expecting: ["f32": TensorSpec([3, 2], .float32)])
    }
    DataFixture.expectFileError(
      path, ["tensor \"f32\"", "expected float64 [2, 3]", "found float32 [2, 3]"]
    ) {
      _ = try SafeTensors.read(path, expecting: ["f32": TensorSpec([2, 3], .float64)])
    }
  }
}
