import ArgumentParser

/// Where `train` takes its data from: `digits`, `mnist:DIR`, `idx:IMAGES,LABELS`, `csv:FILE` or `npy:X,Y`.
enum DataSource: Hashable, Sendable {
  /// The 1,797 images of 8x8 pixels that come with the package.
  case digits
  /// A folder with the files of MNIST.
  case mnist(folder: String)
  /// Two IDX files.
  case idx(images: String, labels: String)
  /// A table whose last column is the label.
  case csv(file: String)
  /// Two NumPy files.
  case npy(features: String, labels: String)

  /// The kind, as the first word of the option and in the name of the output folder.
  var kind: String {
    switch self {
    case .digits: "digits"
    case .mnist: "mnist"
    case .idx: "idx"
    case .csv: "csv"
    case .npy: "npy"
    }
  }

  /// Reads the text of the option.
  ///
  /// - Throws: a `ValidationError` that says what is wrong with it and what would be right.
  init(text: String) throws {
    let pieces = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let rest = pieces.count == 2 ? String(pieces[1]) : ""
    switch pieces.first ?? "" {
    case "digits":
      guard pieces.count == 1 else { throw Self.error(text, "digits stands alone") }
      self = .digits
    case "mnist":
      guard !rest.isEmpty else { throw Self.error(text, "expected mnist:DIR") }
      self = .mnist(folder: rest)
    case "csv":
      guard !rest.isEmpty else { throw Self.error(text, "expected csv:FILE") }
      self = .csv(file: rest)
    case "idx":
      let (images, labels) = try Self.pair(text, rest, "idx:IMAGES,LABELS")
      self = .idx(images: images, labels: labels)
    case "npy":
      let (features, labels) = try Self.pair(text, rest, "npy:X,Y")
      self = .npy(features: features, labels: labels)
    case let kind:
      throw Self.error(text, "unknown kind of data \"\(kind)\": expected \(Self.forms)")
    }
  }

  static let forms = "digits, mnist:DIR, idx:IMAGES,LABELS, csv:FILE or npy:X,Y"

  private static func pair(
    _ text: String, _ rest: String, _ form: String
  ) throws -> (String, String) {
    let files = rest.split(separator: ",", omittingEmptySubsequences: false)
    guard files.count == 2, !files[0].isEmpty, !files[1].isEmpty else {
      throw error(text, "expected \(form): two files with one comma between them")
    }
    return (String(files[0]), String(files[1]))
  }

  private static func error(_ text: String, _ message: String) -> ValidationError {
    ValidationError("--data \(text): \(message)")
  }
}

extension DataSource: CustomStringConvertible {
  /// The text of the option.
  var description: String {
    switch self {
    case .digits: "digits"
    case .mnist(let folder): "mnist:\(folder)"
    case .idx(let images, let labels): "idx:\(images),\(labels)"
    case .csv(let file): "csv:\(file)"
    case .npy(let features, let labels): "npy:\(features),\(labels)"
    }
  }
}
