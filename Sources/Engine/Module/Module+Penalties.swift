import OrderedCollections
import Tensors

extension AnyModule {
  /// Adds the penalty of a parameter of this module to the loss; to be called in `call`, after `parameter`.
  ///
  /// Penalties of all modules add up to one entry of the logs, `regularization_loss`. A module that is used twice in one
  /// call pays once, as in Keras.
  public func regularize(_ name: String, with regularizer: (any Regularizer)?) {
    guard let regularizer, let variable = scope.variables[name],
      let context = ModuleContext.current,
      context.notes.regularized.insert(ObjectIdentifier(variable)).inserted
    else { return }
    addLoss("regularization", regularizer(variable.value))
  }

  /// Adds the penalty of an output of this module to the loss, divided by the number of samples in the batch; to be called
  /// in `call`.
  ///
  /// Under several ranks each divides by the samples that it has. Every use of a module pays.
  public func regularize(activity: Tensor, with regularizer: (any Regularizer)?) {
    guard let regularizer, !activity.isInvalid else { return }
    let penalty = regularizer(activity)
    let samples = activity.rank == 0 ? 1 : Swift.max(activity.shape[0], 1)
    addLoss("regularization", samples == 1 ? penalty : penalty / Double(samples))
  }
}
