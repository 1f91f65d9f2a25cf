import Tensors

extension Functional {
  /// Draws the graph to a file, as SVG or, when the name ends in `.dot`, for Graphviz.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` when the file cannot be written.
  /// - SeeAlso: Keras, `keras.utils.plot_model`.
  public func plot(to path: String) throws {
    try AtomicFile.write(Array((path.hasSuffix(".dot") ? dot() : svg()).utf8), to: path)
  }

  /// The graph as an SVG picture: a box for every call of a layer with the layer's name, type and shapes.
  ///
  /// A layer that is called several times has a box a call, which says so; a model inside this one is one box with a
  /// double frame.
  public func svg() -> String {
    let boxes = diagramBoxes
    let layout = LayeredLayout(
      sizes: boxes.map { LayeredLayout.Point(x: $0.width, y: $0.height) }, edges: diagramEdges)
    let size = "\(Int(layout.width)) \(Int(layout.height))"
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\""
        + " width=\"\(Int(layout.width))\" height=\"\(Int(layout.height))\""
        + " font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">",
      "<title>\(escaped(layerName))</title>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\""
        + " markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#64748b\"/>"
        + "</marker></defs>",
    ]
    for route in layout.routes {
      lines.append(
        "<path d=\"\(curve(route))\" fill=\"none\" stroke=\"#64748b\" stroke-width=\"1.3\""
          + " marker-end=\"url(#arrow)\"/>")
    }
    for (box, center) in zip(boxes, layout.centers) { lines += box.svg(at: center) }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// The graph in the language of Graphviz, with the same boxes as ``svg()``.
  public func dot() -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    var lines = [
      "digraph \(quoted(layerName)) {", "  node [shape=box, style=filled, fontname=\"monospace\"];",
    ]
    for (index, box) in diagramBoxes.enumerated() {
      let label = quoted(box.lines.joined(separator: "\n")).replacing("\n", with: "\\n")
      let frames = box.kind == .model ? ", peripheries=2" : ""
      lines.append("  n\(index) [label=\(label), fillcolor=\"\(box.kind.fill)\"\(frames)];")
    }
    lines += diagramEdges.map { "  n\($0.from) -> n\($0.to);" }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  private var diagramBoxes: [DiagramBox] {
    graph.nodes.map { node in
      let layer = node.outboundLayer
      let calls = graph.nodes(of: layer)
      let call = (calls.firstIndex { $0 === node } ?? 0) + 1
      func shapes(_ tensors: [KerasTensor]) -> String {
        tensors.map { shapeText($0.shape) }.joined(separator: ", ")
      }
      let output = shapes(node.outputTensors)
      return DiagramBox(
        kind: layer is InputLayer
          ? .input : layer is Functional ? .model : layer is OperationLayer ? .operation : .layer,
        lines: [
          graph.name(of: layer),
          layer.typeName + (calls.count > 1 ? ", call \(call) of \(calls.count)" : ""),
          node.inputs.map { "\(shapes($0.tensors)) → \(output)" } ?? output,
        ])
    }
  }

  /// Which call takes what which call gives, each pair once.
  private var diagramEdges: [(from: Int, to: Int)] {
    graph.nodes.enumerated().flatMap { target, node in
      var sources: [Int] = []
      for tensor in node.inputs?.tensors ?? [] {
        let source = graph.resolved(tensor).node
        guard let index = graph.nodes.firstIndex(where: { $0 === source }),
          !sources.contains(index)
        else { continue }
        sources.append(index)
      }
      return sources.map { (from: $0, to: target) }
    }
  }
}

/// A call of a layer in a picture.
private struct DiagramBox {
  enum Kind {
    case input, layer, operation, model

    var fill: String {
      switch self {
      case .input: "#dcfce7"
      case .layer: "#dbeafe"
      case .operation: "#f1f5f9"
      case .model: "#f3e8ff"
      }
    }

    var stroke: String {
      switch self {
      case .input: "#16a34a"
      case .layer: "#2563eb"
      case .operation: "#94a3b8"
      case .model: "#9333ea"
      }
    }
  }

  let kind: Kind
  /// Name, type, shapes.
  let lines: [String]

  private static let fonts: [(size: Double, attributes: String)] = [
    (13, "font-weight=\"bold\" fill=\"#0f172a\""), (11, "fill=\"#475569\""),
    (11, "fill=\"#0f172a\""),
  ]

  /// Letters of a monospaced font are 0.6 of its size wide.
  var width: Double {
    let widest = zip(lines, Self.fonts).map { Double($0.count) * $1.size * 0.61 }.max() ?? 0
    return Swift.max(widest + 24, 88).rounded(.up)
  }

  var height: Double { 62 }

  func svg(at center: LayeredLayout.Point) -> [String] {
    func frame(_ inset: Double) -> String {
      let (left, top) = (center.x - width / 2 + inset, center.y - height / 2 + inset)
      return "<rect x=\"\(left)\" y=\"\(top)\" width=\"\(width - 2 * inset)\""
        + " height=\"\(height - 2 * inset)\" rx=\"6\" fill=\"\(kind.fill)\""
        + " stroke=\"\(kind.stroke)\"/>"
    }
    var result = [frame(0)] + (kind == .model ? [frame(3)] : [])
    for (index, (line, font)) in zip(lines, Self.fonts).enumerated() {
      let y = center.y - height / 2 + 20 + 16 * Double(index)
      result.append(
        "<text x=\"\(center.x)\" y=\"\(y)\" font-size=\"\(font.size)\" text-anchor=\"middle\""
          + " \(font.attributes)>\(escaped(line))</text>")
    }
    return result
  }
}

/// A path through points that is vertical at each of them.
private func curve(_ points: [LayeredLayout.Point]) -> String {
  var text = "M\(points[0].x) \(points[0].y)"
  for (a, b) in zip(points, points.dropFirst()) {
    let middle = (a.y + b.y) / 2
    text += "C\(a.x) \(middle) \(b.x) \(middle) \(b.x) \(b.y)"
  }
  return text
}

/// Text between tags.
private func escaped(_ text: String) -> String {
  text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
}
