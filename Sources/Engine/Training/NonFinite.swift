import Tensors

/// What training does in a step whose loss or gradient is infinite or NaN, on any rank.
///
/// All ranks learn of it in that step, with the gradients and without a message of its own, before any weight, optimizer state
/// or statistic is written: what a model holds afterwards is what it held before the step.
public enum NonFinitePolicy: String, Sendable, Hashable, CaseIterable, Codable {
  /// Training ends with ``EngineError/notFinite(_:)``, which names step, rank and tensor.
  case stop
  /// The step changes nothing and counts in no metric (``Model/skippedSteps``), as Keras's loss scaling does.
  case skipStep
  /// Nobody looks: weights may become NaN.
  case ignore

  /// Whether steps look for such numbers.
  var looks: Bool { if case .ignore = self { false } else { true } }
}

extension Model {
  /// The watch of a step that trains.
  func gradientWatch() -> GradientWatch {
    GradientWatch(
      names: orderedParameters.map(\.path) + votesWatch.names, looks: nonFinite.looks)
  }

  /// The watch of what ranks tell each other, without gradients.
  var votesWatch: GradientWatch {
    GradientWatch(
      names: ["the vote to stop", "the count of what is not finite"], looks: nonFinite.looks)
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
  /// - Throws: ``EngineError/notFinite(_:)`` with ``NonFinitePolicy/stop``, the same on every rank.
  func guarding(_ step: PreparedStep, _ body: () throws -> Void) throws {
    // A compiled step writes nothing before it knows.
    let before =
      step.plan == nil && step.watch != nil
      ? (model.module.variables + (model.optimizer?.gradientErrors ?? []))
        .map { ($0, $0.stored.copied) } : []
    do {
      try body()
    } catch is NotFinite {
      for (variable, value) in before { variable.store(value) }
      let own = step.watch?.takeFinding()
      let communicator = model.communicator
      let (tensors, values) = try communicator.named("what is not finite") {
        (
          try communicator.allGather(text: own?.tensor ?? ""),
          try communicator.allGather(text: own?.value ?? "")
        )
      }
      guard model.nonFinite == .stop else {
        model.skippedSteps += 1
        return
      }
      let findings = zip(tensors, values).enumerated().map { rank, found in
        EngineError.NonFiniteStep.Finding(rank: rank, tensor: found.0, value: found.1)
      }
      throw EngineError.notFinite(
        EngineError.NonFiniteStep(
          call: name, epoch: place.epoch < 0 ? nil : place.epoch, step: place.step,
          findings: findings.filter { !$0.tensor.isEmpty }, ranks: communicator.size))
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
