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
}

extension Model {
  /// The watch of a step that trains.
  func gradientWatch() -> GradientWatch {
    GradientWatch(names: orderedParameters.map(\.path), looks: nonFinite != .ignore)
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

  /// Runs a step, and decides with the other ranks what to do when it has met a number that is not finite.
  ///
  /// - Throws: ``EngineError/model(message:)`` with ``NonFinitePolicy/stop``, the same on every rank.
  func guarding(_ step: Step, _ body: () throws -> Void) throws {
    // A compiled step writes nothing before it knows.
    let before =
      step.plan == nil && step.watch != nil
      ? module.variables.map { ($0, $0.stored.copied) } : []
    do {
      try body()
    } catch is NotFinite {
      for (variable, value) in before { variable.store(value) }
      let own = step.watch?.takeFinding() ?? ""
      let findings =
        communicator.size == 1
        ? [own]
        : try communicator.named("what is not finite") { try communicator.allGather(text: own) }
      guard nonFinite == .stop else {
        skippedSteps += 1
        return
      }
      let parts = findings.enumerated().filter { !$0.element.isEmpty }.map { rank, finding in
        communicator.size == 1 ? finding : "rank \(rank): \(finding)"
      }
      let place = place.description
      throw EngineError.model(
        message: "\(place.isEmpty ? "" : place + ": ")\(parts.joined(separator: "; "))"
          + ". The weights are those before this step. A smaller learning rate, clipping (Adam(clip: .globalNorm(1))) "
          + "or other data may help; model.nonFinite = .skipStep leaves such steps out, .ignore goes on"
      )
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
