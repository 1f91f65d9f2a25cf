import Tensors

/// What training does in a step whose loss or gradient is infinite or NaN, on any rank.
///
/// All ranks learn of it in that step, with the gradients and without a message of its own, before any weight, optimizer state
/// or statistic is written: what a model holds afterwards is what it held before the step.
public enum NonFinitePolicy: String, Sendable, Hashable, CaseIterable, Codable {
  /// Training ends with an error that names step, rank and tensor.
  case stop
  /// The step changes nothing and counts in no metric (``Model/skippedSteps``), as Keras's loss scaling does.
  case skipStep
  /// Nobody looks: weights may become NaN.
  case ignore

  /// Whether steps look for such numbers.
  var looks: Bool { if case .ignore = self { false } else { true } }
}

/// A loss or gradient that is infinite or NaN, on some rank; thrown by all.
///
/// The model holds what it held before the step.
public struct NotFiniteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a rank found.
  public struct Finding: Hashable, Sendable {
    /// The rank.
    public let rank: Int
    /// `the loss is nan`, `the gradient of dense/kernel is inf`
    public let text: String
  }

  /// The call in which it was: `fit`, `trainOnBatch`.
  public let activity: String
  /// Counted from 0; negative outside `fit`.
  public let epoch: Int
  /// Counted from 0.
  public let step: Int
  /// Of the ranks that found something, in their order.
  public let findings: [Finding]
  /// How many ranks there are.
  public let ranks: Int

  /// What was found, by whom, when, and what may help.
  public var description: String {
    let epoch = epoch < 0 ? "" : ", epoch \(self.epoch + 1)"
    return
      "\(activity)\(epoch), step \(step + 1): \(what). The weights are those before this step. A "
      + "smaller learning rate, clipping (Adam(clipping: .globalNorm(1))) or other data may help; "
      + "model.nonFinite = .skipStep leaves such steps out, .ignore goes on"
  }

  /// `rank 2: the loss is nan`; without a rank where all found the same.
  public var what: String {
    let texts = Set(findings.map(\.text))
    if findings.count == ranks, texts.count == 1 { return findings[0].text }
    return findings.map { "rank \($0.rank): \($0.text)" }.joined(separator: "; ")
  }
}

extension Model {
  /// The watch of a step that trains.
  func gradientWatch() -> GradientWatch {
    GradientWatch(
      names: orderedParameters.map(\.path) + ["the vote to stop", "the count of what is not finite"],
      looks: nonFinite.looks)
  }

  func countNotFinite(_ gradients: [Tensor], _ loss: Tensor) -> Tensor {
    let watch = GradientWatch.current ?? gradientWatch()
    return apply(CountNotFinite(watch), gradients.filter(\.dtype.isFloating) + [loss])[0]
  }

  /// Ends the step unless the number of ranks with something that is not finite is 0.
  func requireFinite(_ count: Tensor) throws {
    // Written so that it is a part of the step.
    if count.isTraced {
      notFinite.value = apply(RequireNone(), [count])[0]
    } else if count.item() != 0 {
      throw NotFinite()
    }
  }
}

extension Run {
  /// Runs a step, and decides with the other ranks what to do when it has met a number that is not finite.
  ///
  /// - Throws: ``NotFiniteError`` with ``NonFinitePolicy/stop``, the same on every rank.
  func guarding(_ step: PreparedStep, _ body: () throws -> Void) throws {
    // A compiled step writes nothing before it knows.
    let before =
      step.plan == nil && step.watch != nil
      ? model.module.variables.map { ($0, $0.stored.copied) } : []
    do {
      try body()
    } catch is NotFinite {
      for (variable, value) in before { variable.store(value) }
      let own = step.watch?.takeFinding() ?? ""
      let communicator = model.communicator
      let findings =
        communicator.size == 1
        ? [own]
        : try communicator.named("what is not finite") { try communicator.allGather(text: own) }
      guard model.nonFinite == .stop else {
        model.skippedSteps += 1
        return
      }
      throw NotFiniteError(
        activity: place.activity.text, epoch: place.epoch, step: place.step,
        findings: findings.enumerated().filter { !$0.element.isEmpty }.map {
          NotFiniteError.Finding(rank: $0.offset, text: $0.element)
        }, ranks: communicator.size)
    }
  }
}

extension Tensor {
  /// The same values in memory of their own.
  fileprivate var copied: Tensor {
    Tensor(shape: shape, dtype: dtype) { target in
      withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          target.copyMemory(from: source, byteCount: bytes.count)
        }
      }
    }
  }
}
