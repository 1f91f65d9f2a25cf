import OrderedCollections
import Tensors

/// What a run of `fit` logged, epoch by epoch.
///
/// - SeeAlso: Keras, `callbacks.History`.
public final class History: Callback, StatefulCallback {
  /// The epochs that ended, counted from 0.
  public private(set) var epoch: [Int] = []
  /// Values by name, one an epoch; values of validation only for epochs that were validated.
  public private(set) var history: OrderedDictionary<String, [Double]> = [:]
  /// What the run was going to do.
  public var params: RunParameters { parameters }

  /// The epochs of each name's values.
  private var epochsByName: OrderedDictionary<String, [Int]> = [:]

  /// The epochs, counted from 0, after which the values with this name were logged: one for each value.
  public func epochs(of name: String) -> [Int] { epochsByName[name] ?? [] }

  /// The values with this name; empty when there are none.
  public subscript(name: String) -> [Double] { history[name] ?? [] }

  /// Starts to count epochs.
  public override func onTrainBegin(logs: Logs) { epoch = [] }

  /// All epochs and values.
  public struct SavedState: Codable {
    var epoch: [Int]
    var names: [String]
    var values: [[Double]]
    var epochs: [[Int]]
  }

  /// All epochs and values so far.
  public func savedState() -> SavedState {
    let names = Array(history.keys)
    return SavedState(
      epoch: epoch, names: names, values: names.map { self[$0] }, epochs: names.map(epochs(of:)))
  }

  /// Goes on with the epochs of an earlier run.
  public func restore(_ state: SavedState) {
    epoch = state.epoch
    history = OrderedDictionary(zip(state.names, state.values)) { first, _ in first }
    epochsByName = OrderedDictionary(zip(state.names, state.epochs)) { first, _ in first }
  }

  /// Adds the values of an epoch.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    self.epoch.append(epoch)
    for (name, value) in logs {
      history[name, default: []].append(value)
      epochsByName[name, default: []].append(epoch)
    }
  }
}
