import Tensors

extension Model {
  /// What `outcome` holds, once every rank holds something that reads the same. A rank that failed keeps no other one
  /// waiting: it throws its error, and the others throw one that names it.
  ///
  /// Collective. A note, which one process alone does not need, is compared in the same message, and may differ: `differing` is then
  /// given those of all ranks.
  func agreed<R>(
    _ outcome: Result<R, any Error>, on subject: String,
    noting note: @autoclosure () -> String = "", _ lines: (R) -> [String],
    differing: ([String]) -> Void = { _ in }
  ) throws -> R {
    guard communicator.size > 1 else { return try outcome.get() }
    let held =
      switch outcome {
      case .success(let value): lines(value)
      case .failure(let error): [failureMark + "\(error)"]
      }
    do {
      let notes = try agree(
        on: held, noting: note(), subject: subject, communicator: communicator)
      if let notes { differing(notes) }
    } catch {
      // What went wrong here says more than that it did not elsewhere.
      _ = try outcome.get()
      throw failureElsewhere(error) ?? error
    }
    return try outcome.get()
  }
}

/// Begins the line of a rank that has failed; no text of ours has this character.
private let failureMark = "\u{1}"

/// What a rank says when others hold errors where it holds something else.
private func failureElsewhere(_ error: any Error) -> EngineError? {
  guard case .ranksDisagree(_, _, let held) = (error as? EngineError)?.problem else { return nil }
  for holding in held {
    guard let text = holding.text, text.hasPrefix(failureMark) else { continue }
    return EngineError(
      .distribution, .failedElsewhere(ranks: holding.ranks, text: String(text.dropFirst())))
  }
  return nil
}
