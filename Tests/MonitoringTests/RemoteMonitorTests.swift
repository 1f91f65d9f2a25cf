import Engine
import Foundation
import Monitoring
import TestSupport
import Testing

@Suite struct RemoteMonitorTests {
  private func train(_ monitor: RemoteMonitor, epochs: Int = 2) throws -> History {
    let (x, y) = (Tensor.ones([4, 2]), Tensor.ones([4, 1]))
    let model = Model(
      module: Linear(1), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    return try model.fit(
      x: x, y: y, epochs: epochs, verbose: .silent, callbacks: [monitor],
      validationData: ValidationData(x: x, y: y))
  }

  private func fields(_ json: String) throws -> [String: Double?] {
    try JSONDecoder().decode([String: Double?].self, from: Data(json.utf8))
  }

  @Test func `each epoch is a message with the logs as JSON`() throws {
    let server = try HTTPServer()
    defer { server.stop() }
    let history = try train(
      RemoteMonitor(
        root: server.root, path: "/run/1", headers: ["X-Token": "a b"], sendAsJSON: true))
    let requests = server.requests
    try #require(requests.count == 2)
    for (epoch, request) in requests.enumerated() {
      #expect(request.line == "POST /run/1 HTTP/1.1")
      #expect(request.headers["content-type"] == "application/json")
      #expect(request.headers["x-token"] == "a b")
      #expect(
        try fields(request.body) == [
          "epoch": Double(epoch), "loss": history["loss"][epoch],
          "val_loss": history["val_loss"][epoch],
        ])
    }
  }

  @Test func `unless asked for otherwise the JSON is a field of a form, as in Keras`() throws {
    let server = try HTTPServer()
    defer { server.stop() }
    let history = try train(RemoteMonitor(root: server.root, field: "a&b"), epochs: 1)
    let request = try #require(server.requests.first)
    #expect(request.line == "POST /publish/epoch/end/ HTTP/1.1")
    #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
    let parts = request.body.split(separator: "=", maxSplits: 1).map(String.init)
    try #require(parts.count == 2)
    #expect(parts[0].removingPercentEncoding == "a&b")
    let json = parts[1].replacing("+", with: " ").removingPercentEncoding ?? ""
    #expect(try fields(json)["loss"] == history["loss"][0])
  }

  @Test func `values that JSON does not have are null`() throws {
    let server = try HTTPServer()
    defer { server.stop() }
    let monitor = RemoteMonitor(root: server.root, sendAsJSON: true)
    var logs: Logs = ["loss": .nan, "a \"b\"/c": .infinity, "é": 1e-300]
    try monitor.onTrainBegin(logs: [:])
    monitor.onEpochEnd(3, logs: &logs)
    let request = try #require(server.requests.first)
    #expect(
      try fields(request.body) == ["epoch": 3, "loss": nil, "a \"b\"/c": nil, "é": 1e-300])
    #expect(request.body.hasPrefix("{\"epoch\": 3, \"loss\": null, "))
  }

  @Test func `a server that is not there, fails or does not answer is warned of once`() throws {
    let gone = try HTTPServer()
    gone.stop()
    let failing = try HTTPServer(status: 503)
    defer { failing.stop() }
    let silent = try HTTPServer(status: 0)
    defer { silent.stop() }
    for (root, text) in [
      (gone.root, "could not send"), (failing.root, "the answer has the status 503"),
      (silent.root, "no answer within 0.2 s"),
    ] {
      let (logger, store) = WarningLog.logger()
      let monitor = RemoteMonitor(root: root, timeout: root == silent.root ? 0.2 : 10)
      monitor.logger = logger
      #expect(try train(monitor, epochs: 3)["loss"].count == 3)
      let warnings = store.messages.withLock { $0 }
      #expect(warnings.count == 1)
      let warning = warnings.first ?? ""
      #expect(warning.contains(root) && warning.contains("training goes on"), "\(warning)")
      #expect(warning.contains(text) || root == silent.root, "\(warning)")
    }
    #expect(failing.requests.count == 3)
  }

  @Test(arguments: ["localhost:9000", "ftp://a", "", "http://"])
  func `an address of no server is an error before training`(_ root: String) {
    expectError("RemoteMonitor: root + path is") {
      _ = try train(RemoteMonitor(root: root, path: "/x"))
    }
  }

  @Test func `a time to wait must be above 0`() {
    expectError("RemoteMonitor: timeout is 0.0, it must be above 0") {
      _ = try train(RemoteMonitor(timeout: 0))
    }
  }
}
