import Engine
import Foundation
import Monitoring
import TestSupport
import Testing

@Suite(.seeded) struct TensorBoardTests {
  /// A convolution, so that there are filters, and what they lead to.
  private static func model() -> Model {
    Model(
      module: Sequential([
        Conv2D(5, kernelSize: 3, name: "first"), Flatten(), Linear(1, name: "last"),
      ]),
      loss: MeanSquaredError(), metrics: [Metrics.MeanAbsoluteError()],
      optimizer: SGD(learningRate: 0.01), seed: 3)
  }

  private static func data(channels: Int) -> (x: Tensor, y: Tensor) {
    let x = randomNormal([12, 5, 5, channels], key: RandomKey(seed: 5))
    return (x, x.sum(axes: [1, 2, 3]).reshape([12, 1]) / 10)
  }

  /// Names of files below a folder.
  private static func files(_ folder: String) -> [String] {
    (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter {
      $0.contains("tfevents")
    }.sorted()
  }

  /// The records of a file; nil when a length or the end does not fit.
  private static func records(_ path: String) throws -> [ArraySlice<UInt8>]? {
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    var records: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      guard start + 16 <= bytes.count else { return nil }
      let length = bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard start + 16 + length <= bytes.count else { return nil }
      records.append(bytes[start + 12..<start + 12 + length])
      start += 16 + length
    }
    return records
  }

  // MARK: Read by TensorBoard

  private static let isThere =
    python("import numpy, safetensors.numpy, tensorboard.backend.event_processing") != nil

  /// What the interpreter prints for `script`, or nil when it does not run or fails.
  private static func python(_ script: String, _ arguments: [String] = []) -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let interpreter = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
    process.arguments = [interpreter, "-c", script] + arguments
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  /// Prints all that a folder of events holds, one value a line: folder, plugin, tag, step, value.
  private static let reader = """
    import os, sys, zlib
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    def pixels(data):
      assert data[:8] == b"\\x89PNG\\r\\n\\x1a\\n"
      at, parts, image = 8, {}, b""
      while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size:at + 12 + size], "big")
        parts[kind] = body
        at += 12 + size
      width, height = (int.from_bytes(parts[b"IHDR"][i:i + 4], "big") for i in (0, 4))
      channels = {0: 1, 2: 3}[parts[b"IHDR"][9]]
      rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), "uint8").reshape(height, 1 + width * channels)
      assert not rows[:, 0].any()
      return rows[:, 1:].reshape(height, width, channels)

    for part in filter(lambda part: os.path.isdir(sys.argv[1] + "/" + part), ("train", "validation")):
      events = EventAccumulator(sys.argv[1] + "/" + part, size_guidance={"tensors": 0}).Reload()
      assert not events.Tags()["scalars"]
      for tag in events.Tags()["tensors"]:
        plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
        for event in events.Tensors(tag):
          value = tensor_util.make_ndarray(event.tensor_proto)
          if plugin == "scalars":
            text = repr(float(value))
          elif plugin == "histograms":
            text = " ".join(map(repr, value.reshape(-1).tolist()))
          elif plugin == "text":
            text = value.item().decode().replace("\\n", "|")
          else:
            image = pixels(value[2])
            assert [int(value[0]), int(value[1])] == [image.shape[1], image.shape[0]]
            text = " ".join(map(str, [*image.shape, *image.reshape(-1).tolist()]))
          print(part, plugin, tag, event.step, text, sep=";")
    """

  private struct Value: Equatable {
    let step: Int
    let text: String
    var number: Double { Double(text) ?? .nan }
    var numbers: [Double] { text.split(separator: " ").compactMap { Double($0) } }
  }

  /// Values by folder, plugin and tag.
  private static func read(_ folder: String) throws -> [String: [Value]] {
    let text = try #require(python(reader, [folder]))
    var values: [String: [Value]] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ";", maxSplits: 4).map(String.init)
      try #require(parts.count == 5)
      let key = parts[0..<3].joined(separator: " ")
      values[key, default: []].append(
        Value(step: try #require(Int(parts[3])), text: parts[4]))
    }
    return values
  }

  private static let skipped: Comment =
    "not run: python3 has no tensorboard, numpy and safetensors (set PYTHON)"

  @Test("TensorBoard reads what was logged", .enabled(if: isThere, skipped))
  func scalars() throws {
    let folder = TemporaryFolder.path("board-scalars")
    let (x, y) = Self.data(channels: 1)
    let model = Self.model()
    let board = TensorBoard(
      logDirectory: folder, writeStepsPerSecond: true, updateFrequency: .steps(2))
    var steps: [(Int, Double)] = []
    var step = 0
    let recorder = LambdaCallback(
      onTrainBatchEnd: { number, logs in
        step += 1
        if (number + 1) % 2 == 0, let loss = logs["loss"] { steps.append((step, loss)) }
      }, needsBatchLogs: true)
    let history = try model.fit(
      x: x, y: y, batchSize: 2, epochs: 3, verbose: .silent, callbacks: [board, recorder],
      validationData: ValidationData(x: x, y: y))
    let values = try Self.read(folder)
    func expect(_ tag: String, _ expected: [(Int, Double)]) {
      let found = values[tag] ?? []
      #expect(found.map(\.step) == expected.map(\.0), "\(tag)")
      #expect(found.map(\.number) == expected.map { Double(Float($0.1)) }, "\(tag)")
    }
    for (name, logged) in history.history {
      let isValidation = name.hasPrefix("val_")
      let plain = isValidation ? String(name.dropFirst(4)) : name
      expect(
        "\(isValidation ? "validation" : "train") scalars epoch_\(plain)",
        logged.enumerated().map { ($0, $1) })
      guard isValidation else { continue }
      expect(
        "validation scalars evaluation_\(plain)_vs_iterations",
        zip([6, 12, 18], logged).map { ($0, $1) })
    }
    expect("train scalars batch_loss", steps)
    #expect(steps.map(\.0) == [2, 4, 6, 8, 10, 12, 14, 16, 18])
    expect("train scalars epoch_learning_rate", [(0, 0.01), (1, 0.01), (2, 0.01)])
    for tag in ["epoch_steps_per_second", "batch_steps_per_second"] {
      let found = values["train scalars " + tag] ?? []
      #expect(found.count == (tag.hasPrefix("e") ? 3 : 9))
      #expect(found.allSatisfy { $0.number > 0 && $0.number.isFinite })
    }
    let table = model.module.tabulate().split(separator: "\n", omittingEmptySubsequences: false)
      .map { "    " + $0 }.joined(separator: "|")
    #expect(values["train text model"] == [Value(step: 0, text: table)])
    #expect(values["train scalars epoch_loss"]?.count == 3)
  }

  @Test("A run that is resumed goes on in the same curves", .enabled(if: isThere, skipped))
  func resuming() throws {
    let folder = TemporaryFolder.path("board-resumed")
    let (x, y) = Self.data(channels: 1)
    let model = Self.model()
    let board = TensorBoard(logDirectory: folder, updateFrequency: .batch)
    for (first, last) in [(0, 2), (2, 3)] {
      try model.fit(
        x: x, y: y, batchSize: 6, epochs: last, verbose: .silent, callbacks: [board],
        initialEpoch: first)
    }
    let values = try Self.read(folder)
    #expect(values["train scalars epoch_loss"]?.map(\.step) == [0, 1, 2])
    #expect(values["train scalars batch_loss"]?.map(\.step) == [1, 2, 3, 4, 5, 6])
    #expect(Self.files(folder).count == 2)
  }

  @Test("An evaluation by itself is written too", .enabled(if: isThere, skipped))
  func evaluation() throws {
    let folder = TemporaryFolder.path("board-evaluation")
    let (x, y) = Self.data(channels: 1)
    let model = Self.model()
    let board = TensorBoard(logDirectory: folder)
    try model.fit(x: x, y: y, batchSize: 6, verbose: .silent, callbacks: [board])
    let logs = try model.evaluate(x: x, y: y, callbacks: [board])
    let found = try Self.read(folder)["validation scalars evaluation_loss_vs_iterations"]
    #expect(found?.map(\.step) == [2])
    #expect(found?.first?.number == logs["loss"].map { Double(Float($0)) })
  }

  @Test(
    "Histograms are those of TensorBoard, images show the filters",
    .enabled(if: isThere, skipped), arguments: [1, 2, 3])
  func weights(channels: Int) throws {
    let folder = TemporaryFolder.path("board-weights-\(channels)")
    let (x, y) = Self.data(channels: channels)
    let model = Self.model()
    let board = TensorBoard(logDirectory: folder, histogramFrequency: 2, writeImages: true)
    try model.fit(x: x, y: y, epochs: 3, verbose: .silent, callbacks: [board])
    let weights = folder + "/weights.safetensors"
    try model.saveWeights(to: weights)
    let values = try Self.read(folder)
    let histograms = values.filter { $0.key.contains(" histograms ") }
    #expect(histograms.count == 4)
    #expect(histograms.values.allSatisfy { $0.map(\.step) == [0, 2] })
    // TensorBoard's own code on the weights of the last epoch.
    let expected = try #require(
      Self.python(
        """
        import sys
        from safetensors.numpy import load_file
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb
        from tensorboard.util import tensor_util
        for name, weights in load_file(sys.argv[1]).items():
          value = histogram_pb("a", weights).value[0]
          numbers = tensor_util.make_ndarray(value.tensor).reshape(-1).tolist()
          print(name, *map(repr, numbers))
        """, [weights]))
    for line in expected.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let found = values["train histograms \(parts[0])/histogram"]?.last?.numbers ?? []
      let numbers = parts.dropFirst().compactMap { Double($0) }
      try #require(found.count == numbers.count && found.count == 90, "\(parts[0])")
      for (index, pair) in zip(found, numbers).enumerated() {
        // Counts exactly; edges up to the rounding of float64.
        let tolerance = index % 3 == 2 ? 0 : 1e-12 * max(1, abs(pair.1))
        #expect(abs(pair.0 - pair.1) <= tolerance, "\(parts[0]) at \(index)")
      }
    }
    // The first convolution's kernel [3, 3, channels, 5], as tiles of 24 pixels in 3 columns, or 4 for 10 tiles.
    let image = try #require(values["train images layers/0/kernel/image"]?.last?.numbers)
    #expect(values.keys.filter { $0.contains(" images ") }.count == 1)
    let tiles = channels == 2 ? 10 : 5
    let columns = channels == 2 ? 4 : 3
    let rows = (tiles + columns - 1) / columns
    let depth = channels == 3 ? 3 : 1
    try #require(image.prefix(3).map { Int($0) } == [rows * 25 + 1, columns * 25 + 1, depth])
    let kernel = try #require(model.module.variables.first { $0.shape.dimensions.count == 4 })
    let numbers = kernel.value.scalars(as: Double.self)
    let largest = numbers.map(abs).max() ?? 1
    for tile in 0..<tiles {
      for cell in 0..<9 {
        for channel in 0..<depth {
          let filter = channels == 2 ? tile / 2 : tile
          let input = channels == 2 ? tile % 2 : channel
          let weight = numbers[(cell * channels + input) * 5 + filter]
          // The middle of the cell's square of 8 pixels.
          let top = 1 + tile / columns * 25 + cell / 3 * 8 + 4
          let left = 1 + tile % columns * 25 + cell % 3 * 8 + 4
          let found = image[3 + (top * (columns * 25 + 1) + left) * depth + channel]
          #expect(abs(found - 127.5 * (1 + weight / largest)) <= 0.5)
        }
      }
    }
  }

  // MARK: Without Python

  @Test func `a file is whole records after each epoch, and each run has its own`() throws {
    let folder = TemporaryFolder.path("board-records")
    let (x, y) = Self.data(channels: 1)
    var counts: [Int] = []
    let looking = LambdaCallback(onEpochEnd: { _, _ in
      let path = folder + "/" + (Self.files(folder).first ?? "")
      counts.append(try Self.records(path)?.count ?? -1)
    })
    try Self.model().fit(
      x: x, y: y, epochs: 3, verbose: .silent,
      callbacks: [TensorBoard(logDirectory: folder), looking])
    // The beginning of the file and the table, then one an epoch.
    #expect(counts == [3, 4, 5])
    #expect(Self.files(folder).allSatisfy { $0.hasPrefix("train/events.out.tfevents.") })
  }

  @Test func `a functional model is written with what its layers take`() throws {
    let folder = TemporaryFolder.path("board-functional")
    let input = Input(shape: [2])
    let model = Model(
      inputs: input, outputs: Linear(1, name: "only")(input), loss: MeanSquaredError(),
      optimizer: SGD(learningRate: 0.1))
    try model.fit(
      x: Tensor.ones([4, 2]), y: Tensor.ones([4, 1]), verbose: .silent,
      callbacks: [TensorBoard(logDirectory: folder)])
    let path = folder + "/" + (Self.files(folder).first ?? "")
    let text = try Self.records(path)?.map { String(decoding: $0, as: UTF8.self) } ?? []
    #expect(text.count == 3 && text[1].contains("Connected to"))
  }

  @Test func `a folder that cannot be made is an error before the first step`() throws {
    let file = TemporaryFolder.path("board-file")
    try "".write(toFile: file, atomically: false, encoding: .utf8)
    let (x, y) = Self.data(channels: 1)
    expectError("\(file): cannot make the folder: there is a file of this name") {
      try Self.model().fit(
        x: x, y: y, verbose: .silent, callbacks: [TensorBoard(logDirectory: file)])
    }
  }

  @Test(
    arguments: [
      (
        "updateFrequency is 0, it must be at least 1 step",
        { @Sendable in TensorBoard(updateFrequency: .steps(0)) }
      ),
      (
        "histogramFrequency is -1, it must be at least 0",
        { @Sendable in TensorBoard(histogramFrequency: -1) }
      ),
      (
        "logDirectory is empty, it must be a folder", { @Sendable in TensorBoard(logDirectory: "") }
      ),
    ] as [(String, @Sendable () -> TensorBoard)])
  func `arguments out of their range are errors`(
    _ text: String, _ make: @Sendable () -> TensorBoard
  ) {
    let (x, y) = Self.data(channels: 1)
    expectError("TensorBoard: " + text) {
      try Self.model().fit(x: x, y: y, verbose: .silent, callbacks: [make()])
    }
  }
}
