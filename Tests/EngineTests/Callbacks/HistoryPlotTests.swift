import Engine
import Foundation
import TestSupport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An element of a picture.
private final class Element {
  let name: String
  let attributes: [String: String]
  var text = ""
  var children: [Element] = []

  init(_ name: String, _ attributes: [String: String]) {
    self.name = name
    self.attributes = attributes
  }

  /// The elements below it that fit.
  func all(_ name: String, class kind: String? = nil) -> [Element] {
    children.flatMap { child in
      (child.name == name && (kind == nil || child.attributes["class"] == kind) ? [child] : [])
        + child.all(name, class: kind)
    }
  }

  func number(_ attribute: String) -> Double { Double(attributes[attribute] ?? "") ?? .nan }

  /// The numbers of a path, two by two, and its letters.
  var points: [(x: Double, y: Double)] {
    let numbers = (attributes["d"] ?? "").split { !"0123456789.-".contains($0) }
      .compactMap { Double($0) }
    return stride(from: 0, to: numbers.count - 1, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
  }
  var letters: String { (attributes["d"] ?? "").filter(\.isLetter) }
}

private final class Reader: NSObject, XMLParserDelegate {
  var path = [Element("", [:])]

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    let element = Element(name, attributes)
    path.last?.children.append(element)
    path.append(element)
  }
  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) { path.removeLast() }
  func parser(_ parser: XMLParser, foundCharacters text: String) { path.last?.text += text }

  /// The picture; throws where it is not well-formed.
  static func read(_ text: String) throws -> Element {
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
    return try #require(reader.path.first?.children.first)
  }
}

/// An axis as a reader of the picture takes it: from the places and texts of two ticks.
private struct Axis {
  let ticks: [(place: Double, value: Double)]

  func value(_ place: Double) -> Double {
    let (a, b) = (ticks[0], ticks[ticks.count - 1])
    return a.value + (place - a.place) / (b.place - a.place) * (b.value - a.value)
  }

  /// What a hundredth of a pixel is.
  var resolution: Double {
    let (a, b) = (ticks[0], ticks[ticks.count - 1])
    return abs((b.value - a.value) / (b.place - a.place)) * 0.011
  }
}

@Suite struct HistoryPlotTests {
  private func logged(_ epochs: [Logs]) throws -> History {
    try runTraining([], ModelStub(), epochs: epochs)
  }

  private func axes(_ panel: Element) -> (x: Axis, y: Axis) {
    let across = panel.all("text", class: "epoch").map { element in
      (place: element.number("x"), value: Double(element.text) ?? .nan)
    }
    let up = panel.all("text", class: "value").map { element in
      (place: element.number("y"), value: Double(element.text) ?? .nan)
    }
    return (Axis(ticks: across), Axis(ticks: up))
  }

  @Test func `curves are where the ticks say that the values are`() throws {
    let losses = [2.5, 1.25, 0.8, 0.51, 0.333, 0.26]
    let validated = [2.25, 1.5, 1.1]
    let epochs = losses.enumerated().map { index, loss -> Logs in
      // Validated after every second epoch.
      index % 2 == 1
        ? ["loss": loss, "acc<&>": 1 - loss / 4, "val_loss": validated[index / 2]]
        : ["loss": loss, "acc<&>": 1 - loss / 4]
    }
    let picture = try Reader.read(try logged(epochs).svg())
    #expect(picture.name == "svg")
    let panels = picture.all("g")
    try #require(panels.count == 2)
    #expect(panels.map { $0.all("text", class: "title").first?.text } == ["loss", "acc<&>"])
    for (panel, values) in zip(panels, [losses, losses.map { 1 - $0 / 4 }]) {
      let (x, y) = axes(panel)
      let curve = try #require(panel.all("path", class: "training").first)
      #expect(curve.letters == "MLLLLL")
      for (index, point) in curve.points.enumerated() {
        #expect(abs(x.value(point.x) - Double(index + 1)) <= x.resolution)
        #expect(abs(y.value(point.y) - values[index]) <= y.resolution)
      }
      // Axes say what they are.
      let texts = panel.all("text").map(\.text)
      #expect(texts.filter { $0 == "epoch" }.count == 1)
    }
    let (x, y) = axes(panels[0])
    let curve = try #require(panels[0].all("path", class: "validation").first)
    #expect(curve.points.count == 3)
    for (index, point) in curve.points.enumerated() {
      #expect(abs(x.value(point.x) - Double(2 * index + 2)) <= x.resolution)
      #expect(abs(y.value(point.y) - validated[index]) <= y.resolution)
    }
    #expect(panels[1].all("path", class: "validation").isEmpty)
    #expect(picture.all("text").map(\.text).contains("validation"))
  }

  @Test(arguments: [
    [0.1, 0.2, 0.75], [3, 3.0001, 3.0002], [-5, 12, 900], [1e-7, 3e-7], [2e9, 3e9], [0, 0],
    [7, 7, 7], [1e-300, 1], [-1, -2, -3],
  ])
  func `ticks are round numbers at equal distances around all values`(_ values: [Double]) throws {
    let picture = try Reader.read(try logged(values.map { ["loss": $0] }).svg())
    let (x, y) = axes(picture)
    #expect((3...9).contains(y.ticks.count))
    let step = y.ticks[1].value - y.ticks[0].value
    for (a, b) in zip(y.ticks, y.ticks.dropFirst()) {
      #expect(abs(b.value - a.value - step) <= 1e-6 * abs(step))
      #expect(a.place > b.place)
    }
    let power = pow(10, floor(log10(step) + 1e-9))
    #expect([1, 2, 5].contains((step / power).rounded()))
    #expect(abs(step / power - (step / power).rounded()) < 1e-6)
    let lowest = y.ticks[0].value - 1e-6 * step
    let highest = y.ticks[y.ticks.count - 1].value + 1e-6 * step
    #expect(values.allSatisfy { (lowest...highest).contains($0) })
    #expect(x.ticks.allSatisfy { $0.value == $0.value.rounded() })
    #expect(Set(x.ticks.map(\.value)).count == x.ticks.count)
    // No two texts of an axis are equal.
    let texts = picture.all("text", class: "value").map(\.text)
    #expect(Set(texts).count == texts.count, "\(texts)")
  }

  @Test func `values that are not finite leave gaps`() throws {
    let values = [1, .nan, 2, 3, .infinity, 4]
    let picture = try Reader.read(try logged(values.map { ["loss": $0] }).svg())
    let panel = try #require(picture.all("g").first)
    let curve = try #require(panel.all("path", class: "training").first)
    #expect(curve.letters == "ML")
    // 1 and 4 have no neighbours.
    let dots = panel.all("circle")
    let (x, y) = axes(panel)
    #expect(dots.map { x.value($0.number("cx")).rounded() } == [1, 6])
    #expect(dots.map { y.value($0.number("cy")).rounded() } == [1, 4])
    let none = try Reader.read(try logged([["loss": .nan]]).svg())
    #expect(none.all("text").map(\.text).contains("no finite values"))
    let one = try Reader.read(try logged([["loss": 2]]).svg())
    #expect(one.all("circle").count == 1)
  }

  @Test func `only what is asked for is drawn, and names that were not logged are errors`() throws {
    let history = try logged([["loss": 1, "accuracy": 0.5, "val_loss": 2, "val_only": 3]])
    func titles(_ names: [String]?) throws -> [String] {
      try Reader.read(try history.svg(names: names)).all("text", class: "title").map(\.text)
    }
    #expect(try titles(nil) == ["loss", "accuracy", "only"])
    #expect(try titles(["accuracy", "loss"]) == ["accuracy", "loss"])
    expectError(
      "History.plot: \"los\" was not logged; available are loss, accuracy, only: did you mean \"loss\"?"
    ) { _ = try history.svg(names: ["los"]) }
    expectError("History.plot: nothing was logged") { _ = try History().svg() }
  }

  @Test func `elements of matrices are drawn where they are asked for`() throws {
    let history = try logged([
      ["loss": 1, "precision/0": 0.5, "matrix/0/1": 2, "val_matrix/0/1": 3]
    ])
    func titles(_ names: [String]?) throws -> [String] {
      try Reader.read(try history.svg(names: names)).all("text", class: "title").map(\.text)
    }
    #expect(try titles(nil) == ["loss", "precision/0"])
    #expect(try titles(["matrix/0/1"]) == ["matrix/0/1"])
  }

  @Test func `the file is made, with its folders`() throws {
    try withTemporaryFile { folder in
      let history = try logged([["loss": 1], ["loss": 2]])
      let path = folder + "/a/history.svg"
      try history.plot(to: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == history.svg())
      #expect(try history.svg().contains("@media (prefers-color-scheme: dark)"))
      expectError("cannot make the folder") { try history.plot(to: path + "/b.svg") }
    }
  }
}
