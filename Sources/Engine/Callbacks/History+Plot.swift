import DataFiles
import Foundation
import OrderedCollections
import Tensors

extension History {
  /// Draws what was logged to an SVG file: one panel for each loss and metric, with its training and its validation. Folders that
  /// are missing are made.
  ///
  /// Under several ranks every rank has the same history: draw it on one, `if model.isChief { try history.plot(to: "run/history.svg") }`.
  ///
  /// - Parameters:
  ///   - path: the file, which is replaced.
  ///   - names: what to draw, in this order, by the names of training; unless given all but elements of matrices, such as
  ///     `confusion_matrix/0/1`.
  /// - Throws: ``EngineError/file(path:message:)`` when the file cannot be written, ``EngineError/invalidArgument(message:)`` for
  ///   a name that was not logged, and when nothing was.
  public func plot(to path: String, names: [String]? = nil) throws {
    let text = try svg(names: names)
    try Folders.make(for: path)
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  /// The picture that ``plot(to:names:)`` writes. It has the colours of the viewer: light, or dark where that is preferred.
  ///
  /// Values that are infinite or NaN leave a gap.
  ///
  /// - Parameter names: what to draw, in this order, by the names of training; unless given all but elements of matrices.
  /// - Returns: the text of an SVG file.
  /// - Throws: ``EngineError/invalidArgument(message:)`` for a name that was not logged, and when nothing was.
  public func svg(names: [String]? = nil) throws -> String {
    // `val_accuracy` without `accuracy` is a panel too.
    let logged = OrderedSet(
      history.keys.map { $0.hasPrefix("val_") ? String($0.dropFirst(4)) : $0 })
    let panels = names ?? logged.filter { !isElementOfMatrix($0) }
    for name in panels where !logged.contains(name) {
      throw EngineError.invalidArgument(
        message: "History.plot: \"\(name)\" was not logged; available are "
          + "\(logged.joined(separator: ", "))\(suggestion(for: name, among: Array(logged)))")
    }
    guard !panels.isEmpty else {
      throw EngineError.invalidArgument(
        message: "History.plot: nothing was logged; draw it after an epoch has ended")
    }
    return HistoryPicture(
      panels: panels.map { name in
        HistoryPicture.Panel(
          title: name, training: points(name), validation: points("val_" + name))
      }
    ).svg
  }

  /// Whether a name ends in two numbers.
  private func isElementOfMatrix(_ name: String) -> Bool {
    let indices = name.split(separator: "/").dropFirst().suffix(2)
    return indices.count == 2 && indices.allSatisfy { Int($0) != nil }
  }

  /// Epochs, counted from 1, and values.
  private func points(_ name: String) -> [HistoryPicture.Point] {
    zip(epochs(of: name), self[name]).map {
      HistoryPicture.Point(epoch: Double($0 + 1), value: $1)
    }
  }
}

/// Curves over epochs, panel by panel.
private struct HistoryPicture {
  struct Point {
    let epoch: Double
    let value: Double
  }

  struct Panel {
    let title: String
    let training: [Point]
    let validation: [Point]
  }

  let panels: [Panel]

  private static let width = 440.0
  private static let height = 290.0
  /// Where the legend is, above all panels.
  private static let top = 40.0
  /// The frame of a panel within it.
  private static let (left, right, above, below) = (70.0, 422.0, 34.0, 236.0)

  var svg: String {
    let columns = min(2, panels.count)
    let rows = (panels.count + columns - 1) / columns
    let width = Int(Self.width) * columns
    let height = Int(Self.height) * rows + Int(Self.top)
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\""
        + " width=\"\(width)\" height=\"\(height)\" role=\"img\">",
      "<title>Losses and metrics over epochs</title>",
      Self.style,
      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>",
    ]
    lines += legend
    for (index, panel) in panels.enumerated() {
      let x = Self.width * Double(index % columns)
      let y = Self.top + Self.height * Double(index / columns)
      lines.append("<g transform=\"translate(\(Int(x)) \(Int(y)))\">")
      lines += drawing(of: panel)
      lines.append("</g>")
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static let style = """
    <style>
    text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; fill: #334155 }
    .title { font-size: 14px; font-weight: 600; fill: #0f172a }
    .page { fill: #ffffff }
    .grid { stroke: #e2e8f0 }
    .axis { stroke: #94a3b8; fill: none }
    .training { stroke: #1d4ed8; fill: none }
    .validation { stroke: #c2410c; fill: none; stroke-dasharray: 6 3 }
    path { stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
    circle.training { fill: #1d4ed8 }
    circle.validation { fill: #c2410c }
    @media (prefers-color-scheme: dark) {
    text { fill: #cbd5e1 }
    .title { fill: #f8fafc }
    .page { fill: #0f172a }
    .grid { stroke: #1e293b }
    .axis { stroke: #64748b }
    .training { stroke: #60a5fa }
    .validation { stroke: #fb923c }
    circle.training { fill: #60a5fa }
    circle.validation { fill: #fb923c }
    }
    </style>
    """

  private var legend: [String] {
    let kinds = [
      ("training", panels.contains { !$0.training.isEmpty }),
      ("validation", panels.contains { !$0.validation.isEmpty }),
    ].filter(\.1).map(\.0)
    return kinds.enumerated().flatMap { index, kind in
      let x = Int(Self.left) + 110 * index
      return [
        "<path class=\"\(kind)\" d=\"M\(x) 22H\(x + 28)\"/>",
        "<text x=\"\(x + 36)\" y=\"26\">\(kind)</text>",
      ]
    }
  }

  private func drawing(of panel: Panel) -> [String] {
    let all = panel.training + panel.validation
    let values = all.map(\.value).filter(\.isFinite)
    let title =
      "<text class=\"title\" x=\"\(Int(Self.left))\" y=\"20\">\(escaped(panel.title))</text>"
    guard let low = values.min(), let high = values.max(), let first = all.map(\.epoch).min(),
      let last = all.map(\.epoch).max()
    else {
      return [
        title,
        "<text x=\"\(Int(Self.left))\" y=\"\(Int(Self.above) + 24)\">no finite values</text>",
      ]
    }
    let across = RoundTicks(from: first, to: last, count: 6, isWhole: true)
    let up = RoundTicks(from: low, to: high, count: 5)
    // Epochs need no room beyond the first and the last one.
    let epochs = first == last ? (first - 1, last + 1) : (first, last)
    func x(_ epoch: Double) -> Double {
      Self.left + (epoch - epochs.0) / (epochs.1 - epochs.0) * (Self.right - Self.left)
    }
    func y(_ value: Double) -> Double {
      let (bottom, top) = (up.values[0], up.values[up.values.count - 1])
      return Self.below - (value - bottom) / (top - bottom) * (Self.below - Self.above)
    }
    var lines = [title]
    for tick in up.values {
      let at = Self.text(y(tick))
      lines.append(
        "<path class=\"grid\" d=\"M\(Int(Self.left)) \(at)H\(Int(Self.right))\" style=\"stroke-width:1\"/>"
      )
      lines.append(
        "<text class=\"value\" x=\"\(Int(Self.left) - 8)\" y=\"\(at)\" dy=\"4\" text-anchor=\"end\">"
          + "\(up.text(tick))</text>")
    }
    for tick in across.values where tick >= epochs.0 && tick <= epochs.1 {
      let at = Self.text(x(tick))
      lines.append(
        "<path class=\"axis\" d=\"M\(at) \(Int(Self.below))v5\" style=\"stroke-width:1\"/>")
      lines.append(
        "<text class=\"epoch\" x=\"\(at)\" y=\"\(Int(Self.below) + 19)\" text-anchor=\"middle\">"
          + "\(across.text(tick))</text>")
    }
    lines.append(
      "<path class=\"axis\" d=\"M\(Int(Self.left)) \(Int(Self.above))V\(Int(Self.below))"
        + "H\(Int(Self.right))\" style=\"stroke-width:1\"/>")
    let (middle, center) = ((Self.left + Self.right) / 2, (Self.above + Self.below) / 2)
    lines.append(
      "<text x=\"\(Int(middle))\" y=\"\(Int(Self.below) + 40)\" text-anchor=\"middle\">epoch</text>"
    )
    lines.append(
      "<text transform=\"translate(16 \(Int(center))) rotate(-90)\" text-anchor=\"middle\">"
        + "\(escaped(panel.title))</text>")
    for (kind, points) in [("training", panel.training), ("validation", panel.validation)] {
      lines += curve(points.map { ($0.value.isFinite, x($0.epoch), y($0.value)) }, kind)
    }
    return lines
  }

  /// Stretches of finite values as one path; a value without neighbours is a dot.
  private func curve(_ points: [(isFinite: Bool, x: Double, y: Double)], _ kind: String) -> [String]
  {
    var path = ""
    var dots: [String] = []
    for (index, point) in points.enumerated() where point.isFinite {
      let follows = index > 0 && points[index - 1].isFinite
      let leads = index + 1 < points.count && points[index + 1].isFinite
      let place = "\(Self.text(point.x)) \(Self.text(point.y))"
      if follows || leads {
        path += (follows ? "L" : "M") + place
      } else {
        dots.append(
          "<circle class=\"\(kind)\" cx=\"\(Self.text(point.x))\" cy=\"\(Self.text(point.y))\" r=\"3\"/>"
        )
      }
    }
    return (path.isEmpty ? [] : ["<path class=\"\(kind)\" d=\"\(path)\"/>"]) + dots
  }

  /// A hundredth of a pixel is enough.
  private static func text(_ place: Double) -> String { ProgressFormat.fixed(place, digits: 2) }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
