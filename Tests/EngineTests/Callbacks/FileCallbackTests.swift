import Engine
import Foundation
import TestSupport
import Testing

@Suite struct CSVLoggerTests {
  private func file(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test func `epochs are rows with the columns of the first one`() throws {
    try withTemporaryFile { path in
      let (logger, store) = WarningLog.logger()
      let csv = CSVLogger(path: path)
      csv.logger = logger
      _ = try runTraining(
        [csv], ModelStub(),
        epochs: [
          ["loss": 0.1 + 0.2, "acc": 1], ["acc": 0.5, "loss": 1e-20], ["loss": .nan, "new": 1],
          ["loss": 1, "acc": 1, "new": 2],
        ])
      #expect(
        try file(path) == """
          epoch,loss,acc
          0,0.30000000000000004,1.0
          1,1e-20,0.5
          2,nan,NA
          3,1.0,1.0

          """)
      #expect(store.messages.withLock { $0.count } == 1)
    }
  }

  @Test func `a file is replaced, or added to under its columns`() throws {
    try withTemporaryFile { path in
      _ = try runTraining([CSVLogger(path: path)], ModelStub(), epochs: [["old": 1]])
      let names: Logs = ["b": 1, "a;\"c": 2]
      _ = try runTraining([CSVLogger(path: path, separator: ";")], ModelStub(), epochs: [names])
      let more = CSVLogger(path: path, separator: ";", append: true)
      _ = try runTraining([more], ModelStub(), epochs: [["a;\"c": 3, "b": 4]])
      #expect(try file(path) == "epoch;b;\"a;\"\"c\"\n0;1.0;2.0\n0;4.0;3.0\n")
    }
  }

  @Test func `only rank 0 writes`() throws {
    try withTemporaryFile { path in
      let model = ModelStub(communicator: TwoRanks(rank: 1, other: 0))
      _ = try runTraining([CSVLogger(path: path)], model, epochs: [["loss": 1]])
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `a pipe in the place of the file is an error and no wait`() throws {
    try withTemporaryFile { path in
      try #require(mkfifo(path, 0o600) == 0)
      for append in [false, true] {
        #expect(
          throws: EngineError.file(
            path: path, message: "CSVLogger cannot open: expected a regular file, found a pipe")
        ) {
          let csv = CSVLogger(path: path, append: append)
          _ = try runTraining([csv], ModelStub(), epochs: [["loss": 1]])
        }
      }
    }
  }

  @Test func `a file that another process is logging to is refused and left as it is`() throws {
    try withTemporaryFile { path in
      try "epoch,loss\n0,1.0\n".write(toFile: path, atomically: false, encoding: .utf8)
      // Another process: a lock of a process does not stop itself.
      let holder = Process()
      holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      holder.arguments = [
        "python3", "-c",
        "import fcntl,sys;f=open(sys.argv[1],'r+');fcntl.lockf(f,fcntl.LOCK_EX);print(flush=True);"
          + "sys.stdin.read()", path,
      ]
      let (input, output) = (Pipe(), Pipe())
      (holder.standardInput, holder.standardOutput) = (input, output)
      try holder.run()
      let line = output.fileHandleForReading.availableData
      try #require(!line.isEmpty, "python3 is needed to hold the lock")
      #expect(
        throws: EngineError.file(
          path: path,
          message:
            "CSVLogger: another process is logging to this file; give each run a file of its own")
      ) {
        _ = try runTraining([CSVLogger(path: path)], ModelStub(), epochs: [["loss": 2]])
      }
      #expect(try file(path) == "epoch,loss\n0,1.0\n")
      try input.fileHandleForWriting.close()
      holder.waitUntilExit()
      _ = try runTraining([CSVLogger(path: path)], ModelStub(), epochs: [["loss": 2]])
      #expect(try file(path) == "epoch,loss\n0,2.0\n")
    }
  }

  @Test func `a path that cannot be written is named`() {
    #expect(
      throws: EngineError.file(
        path: "/dev/null", message: "cannot make the folder: there is a file of this name")
    ) {
      try runTraining([CSVLogger(path: "/dev/null/a.csv")], ModelStub(), epochs: [["loss": 1]])
    }
    #expect(throws: EngineError.file(path: "/", message: "CSVLogger cannot open: Is a directory")) {
      try runTraining([CSVLogger(path: "/")], ModelStub(), epochs: [["loss": 1]])
    }
  }

  @Test func `folders that are missing are made`() throws {
    try withTemporaryFile { folder in
      let path = folder + "/a/b/log.csv"
      _ = try runTraining([CSVLogger(path: path)], ModelStub(), epochs: [["loss": 1]])
      #expect(try file(path) == "epoch,loss\n0,1.0\n")
    }
  }

  @Test func `validation that comes later has its columns from the first epoch on`() throws {
    try withTemporaryFile { path in
      let csv = CSVLogger(path: path)
      let list = CallbackList(
        [csv], model: ModelStub(),
        parameters: RunParameters(epochs: 2, hasValidation: true, verbosity: .silent))
      try list.trainBegin()
      try list.epochEnd(0, ["loss": 1, "learning_rate": 0.5])
      try list.epochEnd(1, ["loss": 2, "val_loss": 3, "learning_rate": 0.5])
      try list.trainEnd([:])
      #expect(
        try file(path) == "epoch,loss,learning_rate,val_loss\n0,1.0,0.5,NA\n1,2.0,0.5,3.0\n")
    }
  }

  @Test(arguments: ["", "\"", "\n", ",\r\n"])
  func `a separator that would break rows is refused`(_ separator: String) {
    expectError("CSVLogger: separator is ") {
      _ = try runTraining(
        [CSVLogger(path: "/dev/null", separator: separator)], ModelStub(), epochs: [["loss": 1]])
    }
  }
}

@Suite struct ModelCheckpointTests {
  @Test func `every epoch is saved under its own path`() throws {
    let model = ModelStub()
    let checkpoint = ModelCheckpoint(path: "w-{epoch:02d}-{val_loss:.2f}.st")
    _ = try runTraining([checkpoint], model, epochs: lossLogs([1.234, 0.5]))
    #expect(model.saved == ["w-01-1.23.st", "w-02-0.50.st"])
    #expect(checkpoint.lastPath == "w-02-0.50.st")
  }

  @Test func `only improvements are saved when asked for`() throws {
    let model = ModelStub()
    let log = TextLog()
    let checkpoint = ModelCheckpoint(path: "{epoch}", saveBestOnly: true, verbose: true)
    checkpoint.output = log.output()
    _ = try runTraining([checkpoint], model, epochs: lossLogs([2, 3, 1, .nan, 1]))
    #expect(model.saved == ["1", "3"])
    #expect(checkpoint.best == 1)
    #expect(
      log.lines.prefix(4) == [
        "Epoch 1: val_loss improved from inf to 2.00000, saving model to 1",
        "Epoch 1: finished saving model to 1",
        "Epoch 2: val_loss did not improve from 2.00000",
        "Epoch 3: val_loss improved from 2.00000 to 1.00000, saving model to 3",
      ])
  }

  @Test func `without the value that says what is best all epochs are saved, with one warning`()
    throws
  {
    let model = ModelStub()
    let (logger, store) = WarningLog.logger()
    let checkpoint = ModelCheckpoint(path: "{epoch}", monitor: "val_los", saveBestOnly: true)
    checkpoint.logger = logger
    _ = try runTraining([checkpoint], model, epochs: lossLogs([1, 2, 3]))
    #expect(model.saved == ["1", "2", "3"] && checkpoint.best == nil)
    #expect(
      store.messages.withLock { $0 } == [
        """
        warning: ModelCheckpoint watches "val_los", which is not logged and so weights are saved each \
        time; available are val_loss: did you mean "val_loss"?
        """
      ])
  }

  @Test(arguments: [("", "\"\""), ("run/", "\"run/\"")])
  func `a path of no file is refused`(_ path: String, _ found: String) {
    expectError("ModelCheckpoint: path is \(found), it must be that of a file") {
      _ = try runTraining([ModelCheckpoint(path: path)], ModelStub(), epochs: lossLogs([1]))
    }
  }

  @Test func `a value to beat can be given, and more can be better`() throws {
    let model = ModelStub()
    let checkpoint = ModelCheckpoint(
      path: "{epoch}", monitor: "accuracy", saveBestOnly: true, initialValueThreshold: 0.5)
    _ = try runTraining([checkpoint], model, epochs: [0.4, 0.6, 0.7].map { ["accuracy": $0] })
    #expect(model.saved == ["2", "3"])
  }

  @Test func `steps are counted over epochs`() throws {
    let model = ModelStub()
    let checkpoint = ModelCheckpoint(path: "{epoch}-{batch}", saveFrequency: .steps(2))
    #expect(!checkpoint.needsBatchLogs)
    _ = try runTraining([checkpoint], model, epochs: lossLogs([1, 1]), steps: 3)
    #expect(model.saved == ["1-2", "2-1", "2-3"])
    #expect(ModelCheckpoint(path: "{loss}", saveFrequency: .steps(2)).needsBatchLogs)
    #expect(!ModelCheckpoint(path: "{loss}").needsBatchLogs)
  }

  @Test func `other ranks take part in saving and print nothing`() throws {
    let model = ModelStub(communicator: TwoRanks(rank: 1, other: 0))
    let log = TextLog()
    let checkpoint = ModelCheckpoint(path: "{epoch}", saveBestOnly: true, verbose: true)
    checkpoint.output = log.output()
    _ = try runTraining([checkpoint], model, epochs: lossLogs([2, 3, 1]))
    #expect(model.saved == ["1", "3"] && log.text.isEmpty)
  }

  @Test(arguments: [
    ("{epoch:03d}", "007"), ("{epoch}", "7"), ("{epoch:.1f}", "7.0"), ("{a}", "0.25"),
    ("{a:.4f}", "0.2500"), ("{a:.1e}", "2.5e-01"), ("{a:.3g}", "0.25"), ("{a:8.2f}", "    0.25"),
    ("{{x}}-{n/p:.1f}", "{x}--1.5"), ("plain", "plain"),
  ])
  func `paths are filled in`(_ path: String, _ expected: String) throws {
    let model = ModelStub()
    let checkpoint = ModelCheckpoint(path: path)
    checkpoint.model = model
    var logs: Logs = ["a": 0.25, "n/p": -1.5]
    try checkpoint.onEpochEnd(6, logs: &logs)
    #expect(model.saved == [expected])
  }

  @Test(arguments: [
    ("{epoch", "a { without a }"), ("a}", "a } without a {"), ("{}", "a place without a name"),
    ("{a:x}", "{a:x}; formats are like :02d, :.4f, :.2e and :.3g"), ("{a:.2d}", "{a:.2d}"),
  ])
  func `paths that cannot be read are refused before training`(_ path: String, _ what: String) {
    #expect(
      throws: EngineError.invalidArgument(message: "the path \(path) cannot be filled in: \(what)")
    ) {
      try runTraining([ModelCheckpoint(path: path)], ModelStub(), epochs: lossLogs([1]))
    }
  }

  @Test func `a value that is not logged is named`() {
    #expect(
      throws: EngineError.invalidArgument(
        message: "the path {los} asks for \"los\", which is not logged; there are epoch, val_loss")
    ) {
      try runTraining([ModelCheckpoint(path: "{los}")], ModelStub(), epochs: lossLogs([1]))
    }
  }
}
