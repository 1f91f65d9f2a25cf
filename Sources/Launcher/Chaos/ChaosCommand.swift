import ArgumentParser
import Foundation

/// The command that chaos runs, with an output folder of its own for each run.
struct ChaosCommand: Sendable {
  private let words: [String]
  /// Where `train` of this command stands in `words`; nil for other programs.
  private let train: Int?
  /// Where the words name the output folder `--out`; nil where `{out}` does.
  private let out: Int?

  /// What stands for the output folder in the words of any program.
  static let placeholder = "{out}"

  /// - Throws: a `ValidationError` when the words do not say where the output goes.
  init(_ words: [String]) throws {
    var words = words
    if words.first == "apus" { words[0] = ProgramStart.ownPath() }
    train = zip(words, words.dropFirst()).enumerated().first { _, pair in
      pair.1 == "train" && (pair.0 as NSString).lastPathComponent == "apus"
    }.map { $0.offset + 1 }
    let isWritten = words.contains { $0.contains(Self.placeholder) }
    var out: Int?
    if let train, !isWritten {
      let own = words[train...]
      if let joined = own.firstIndex(where: { $0.hasPrefix("--out=") }) {
        words.replaceSubrange(joined...joined, with: ["--out", ""])
        out = joined + 1
      } else if let name = own.firstIndex(of: "--out"), name + 1 < words.endIndex {
        out = name + 1
      } else {
        words += ["--out", ""]
        out = words.endIndex - 1
      }
    } else if !isWritten {
      throw ValidationError(
        "the command does not say where its output goes: write \(Self.placeholder) for the folder, "
          + "such as apus run -n 2 --max-restarts 20 -- ./program --out \(Self.placeholder)")
    }
    self.words = words
    self.out = out
  }

  /// Whether it is `apus train`, of which is known what it writes.
  var isTrain: Bool { train != nil }

  /// Whether whoever starts the ranks is to start them again.
  var restartsItself: Bool {
    words.contains { $0 == "--max-restarts" || $0.hasPrefix("--max-restarts=") }
  }

  /// The words for an output folder.
  ///
  /// - Parameters:
  ///   - folder: where the output goes.
  ///   - isAgain: whether an earlier run into this folder is to go on. `apus train` is told so when there is a state to go on
  ///     from; other programs look for themselves.
  /// - Returns: program and arguments.
  func words(into folder: String, isAgain: Bool) -> [String] {
    var words = words.map { $0.replacing(Self.placeholder, with: folder) }
    if let out { words[out] = folder }
    let states = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/state")) ?? []
    if let train, isAgain, !states.isEmpty, !words.contains("--resume") {
      words.insert("--resume", at: train + 1)
    }
    return words
  }
}
