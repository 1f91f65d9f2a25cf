import Engine
import Foundation

/// Samples with their classes, as `--data` names them.
struct ExampleSet: Sendable {
  /// Where they are from.
  let source: DataSource
  /// float32 or uint8: images `[samples, height, width]` or `[samples, height, width, channels]`, or a table
  /// `[samples, features]`.
  let features: Tensor
  /// One class a sample.
  let labels: ClassLabels
  /// What of the data was taken for what, for people; nil when there was nothing to guess.
  var note: String?

  /// How many samples there are.
  var count: Int { features.shape[0] }

  /// Whether samples are images.
  var isImages: Bool { features.rank > 2 }

  /// Reads the data. Every rank does, so that every rank sees what is wrong with it.
  ///
  /// - Throws: `EngineError.file` for what cannot be read, ``LauncherError/data(source:message:)`` for what
  ///   cannot be trained on.
  static func load(_ source: DataSource, _ table: TableChoice = TableChoice()) throws -> ExampleSet
  {
    switch source {
    case .digits:
      let (images, labels) = try Digits.load()
      return try ExampleSet(source, images, labels)
    case .mnist(let folder):
      return try loadMNIST(source, folder: folder)
    case .idx(let images, let labels):
      return try ExampleSet(source, try IDX.read(images), try IDX.read(labels))
    case .csv(let file):
      let examples = try readTable(file, table)
      var set = try ExampleSet(
        source, examples.features, examples.labels, names: examples.classNames)
      set.note = note(file, examples, table)
      return set
    case .npy(let features, let labels):
      return try ExampleSet(source, try NPY.read(features), try NPY.read(labels))
    }
  }

  private init(
    _ source: DataSource, _ features: Tensor, _ labels: Tensor, names: [String] = []
  ) throws {
    func wrong(_ message: String) -> LauncherError {
      .data(source: "\(source)", message: message)
    }
    guard (2...4).contains(features.rank), features.elementCount > 0 else {
      throw wrong(
        "samples have shape \(features.shape): expected [samples, features], "
          + "[samples, height, width] or [samples, height, width, channels]")
    }
    guard labels.rank > 0, labels.shape[0] == features.shape[0] else {
      throw wrong(
        "\(features.shape[0]) samples and labels of shape \(labels.shape): expected one label a sample"
      )
    }
    self.source = source
    self.labels = try ClassLabels(labels, names: names, source: "\(source)")
    self.features = features.dtype == .uint8 ? features : features.cast(to: .float32)
    if self.features.dtype == .float32, !isAllFinite(self.features) {
      let width = features.elementCount / features.shape[0]
      let position = self.features.scalars(as: Float.self).firstIndex { !$0.isFinite } ?? 0
      throw wrong(
        "row \(position / width), value \(position % width) (both from 0) is not a finite number")
    }
  }
}

extension ExampleSet {
  /// A name is looked for before `first` and `last` count as places.
  private static func readTable(_ file: String, _ table: TableChoice) throws -> CSV.Examples {
    let header = table.header.header
    guard let label = table.label else { return try CSV.readExamples(file, header: header) }
    let place: [String: CSV.Column] = ["first": .first, "last": .last]
    do {
      return try CSV.readExamples(file, label: .name(label), header: header)
    } catch {
      guard let column = place[label] else { throw error }
      return try CSV.readExamples(file, label: column, header: header)
    }
  }

  /// What the first line and the label were taken for.
  private static func note(
    _ file: String, _ examples: CSV.Examples, _ table: TableChoice
  ) -> String {
    let (rows, width) = (examples.features.shape[0], examples.features.shape[1])
    let names = examples.columnNames
    var text = "\(file): \(rows) rows, \(counted(width, "feature"))"
    if names.isEmpty {
      text += "; label: column \(examples.labelColumn + 1); the first line is data"
    } else {
      let features = names.indices.filter { $0 != examples.labelColumn }.map { names[$0] }
      let shown = features.prefix(4).joined(separator: ", ") + (width > 4 ? ", ..." : "")
      text += " (\(shown)); label: \(names[examples.labelColumn]); the first line names the columns"
    }
    guard table.header == .auto else { return text }
    if let doubt = examples.doubt {
      return text + ". In doubt: \(doubt); --header yes or no says which"
    }
    return text + " (else: --header \(names.isEmpty ? "yes" : "no"))"
  }
}

private func isAllFinite(_ x: Tensor) -> Bool { all(isFinite(x)).item() != 0 }

extension ExampleSet {
  /// The training files of MNIST, or those for testing when they are all there is; each under the
  /// names it is handed around with, plain or gzip.
  private static func loadMNIST(_ source: DataSource, folder: String) throws -> ExampleSet {
    for set in ["train", "t10k"] {
      let images = firstFile(in: folder, "\(set)-images", "idx3-ubyte")
      let labels = firstFile(in: folder, "\(set)-labels", "idx1-ubyte")
      if let images, let labels {
        return try ExampleSet(source, try IDX.read(images), try IDX.read(labels))
      }
    }
    throw LauncherError.data(
      source: "\(source)",
      message: "there are no train-images-idx3-ubyte and train-labels-idx1-ubyte in \(folder) "
        + "(nor t10k-..., nor with .gz)")
  }

  private static func firstFile(in folder: String, _ name: String, _ kind: String) -> String? {
    ["-\(kind)", "-\(kind).gz", ".\(kind)", ".\(kind).gz"].map { "\(folder)/\(name)\($0)" }
      .first { FileManager.default.fileExists(atPath: $0) }
  }
}
