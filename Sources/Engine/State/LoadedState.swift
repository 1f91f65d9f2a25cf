import DataFiles
import Foundation
import OrderedCollections
import Tensors

/// A state in memory, the same on every rank.
struct LoadedState {
  /// Where it was read.
  let path: String
  let info: TrainingStateInfo
  /// By the names of ``TrainingStateInfo/common``.
  let common: [String: Tensor]
  /// One for each rank that saved it, by the names of ``TrainingStateInfo/own``.
  let own: [[String: Tensor]]
  /// Those of all callbacks, in their order.
  let callbackTensors: [Tensor]

  static let weightsFile = "weights.safetensors"
  static let callbacksFile = "callbacks.safetensors"

  static func rankFile(_ rank: Int) -> String {
    let digits = "\(rank)"
    return "rank-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).safetensors"
  }

  /// What the manifest of a state says.
  static func info(of state: StoredState) throws -> TrainingStateInfo {
    do { return try JSONDecoder().decode(TrainingStateInfo.self, from: state.payload) } catch {
      throw EngineError.file(
        path: state.entry.path,
        message: "the manifest is not one of a training of this version of Apus: \(error)")
    }
  }

  /// Reads all files of a state.
  ///
  /// - Throws: `EngineError.file` for one that is damaged, and where a variable is missing.
  init(_ state: StoredState) throws {
    path = state.entry.path
    info = try Self.info(of: state)
    var found = OrderedDictionary<String, Tensor>()
    for (name, value) in try state.tensors(of: Self.weightsFile).tensors {
      found[StateVariables.modulePrefix + name] = value
    }
    var own: [[String: Tensor]] = []
    for rank in 0..<info.ranks {
      var ranks: [String: Tensor] = [:]
      for (name, value) in try state.tensors(of: Self.rankFile(rank)).tensors {
        ranks[name] = value
      }
      own.append(try Self.pick(info.own, from: ranks, path))
      for (name, value) in ranks where name.hasPrefix(StateVariables.optimizerPrefix) {
        found[name] = found[name] ?? value
      }
    }
    self.own = own
    common = try Self.pick(info.common, from: Dictionary(uniqueKeysWithValues: Array(found)), path)
    let count = info.callbacks.reduce(0) { $0 + $1.form.tensorCount }
    if count > 0 {
      let tensors = try state.tensors(of: Self.callbacksFile).tensors
      let path = state.entry.path
      callbackTensors = try (0..<count).map { index in
        guard let tensor = tensors["\(index)"] else {
          throw EngineError.file(
            path: path, message: "\(Self.callbacksFile) lacks the tensor \(index) of \(count)")
        }
        return tensor
      }
    } else {
      callbackTensors = []
    }
  }

  private static func pick(
    _ wanted: [TrainingStateInfo.StoredVariable], from tensors: [String: Tensor], _ path: String
  ) throws -> [String: Tensor] {
    var picked: [String: Tensor] = [:]
    for variable in wanted {
      guard let tensor = tensors[variable.name], tensor.shape.dimensions == variable.shape,
        tensor.dtype.description == variable.dtype
      else {
        let found = tensors[variable.name].map { "\($0.spec)" } ?? "nothing"
        throw EngineError.file(
          .init(path), .expectation("\(variable.name), \(variable.spec)", found: "\(found)"))
      }
      picked[variable.name] = tensor
    }
    return picked
  }

  // MARK: Over ranks

  /// The state that rank `root` has read (nil on the others), on every rank. Collective; throws what the communicator throws.
  static func shared(
    _ state: LoadedState?, root: Int, _ communicator: any Communicator
  ) throws -> LoadedState {
    if communicator.size == 1, let state { return state }
    return try communicator.named("the state of the training") {
      let text = try state.map {
        String(decoding: try JSONEncoder().encode($0.info), as: UTF8.self)
      }
      let info = try JSONDecoder().decode(
        TrainingStateInfo.self,
        from: Data(try communicator.broadcast(text: text ?? "", root: root).utf8))
      let path = try communicator.broadcast(text: state?.path ?? "", root: root)
      func share(_ name: String, _ spec: TensorSpec?, _ own: Tensor?) throws -> Tensor {
        guard let spec else {
          throw EngineError.file(path: path, message: "\(name) has an unknown scalar type")
        }
        return try broadcast(own, spec, root, communicator)
      }
      func dictionary(
        _ variables: [TrainingStateInfo.StoredVariable], _ values: [String: Tensor]?
      ) throws -> [String: Tensor] {
        var shared: [String: Tensor] = [:]
        for variable in variables {
          shared[variable.name] = try share(
            variable.name, variable.tensorSpec, values?[variable.name])
        }
        return shared
      }
      let common = try dictionary(info.common, state?.common)
      let own = try (0..<info.ranks).map { rank in try dictionary(info.own, state?.own[rank]) }
      // The specs of callbacks' tensors are known where they were read only.
      let specs = state?.callbackTensors.map { tensor in
        TrainingStateInfo.StoredVariable(
          name: "a callback's tensor", shape: tensor.shape.dimensions,
          dtype: tensor.dtype.description, combine: "first")
      }
      let encoded = String(decoding: try JSONEncoder().encode(specs ?? []), as: UTF8.self)
      let all = try JSONDecoder().decode(
        [TrainingStateInfo.StoredVariable].self,
        from: Data(try communicator.broadcast(text: encoded, root: root).utf8))
      let tensors = try all.enumerated().map { index, variable in
        try share(variable.name, variable.tensorSpec, state?.callbackTensors[index])
      }
      return LoadedState(
        path: path, info: info, common: common, own: own, callbackTensors: tensors)
    }
  }

  private init(
    path: String, info: TrainingStateInfo, common: [String: Tensor], own: [[String: Tensor]],
    callbackTensors: [Tensor]
  ) {
    (self.path, self.info, self.common, self.own) = (path, info, common, own)
    self.callbackTensors = callbackTensors
  }

  private static func broadcast(
    _ own: Tensor?, _ spec: TensorSpec, _ root: Int, _ communicator: any Communicator
  ) throws -> Tensor {
    let storage = Storage(byteCount: spec.byteCount)
    own?.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress {
        storage.pointer.copyMemory(from: start, byteCount: bytes.count)
      }
    }
    try communicator.broadcast(storage.pointer, count: spec.byteCount, dtype: .uint8, root: root)
    return Tensor(layout: Layout(rowMajor: spec.shape), dtype: spec.dtype, storage: storage)
  }
}

extension TrainingStateInfo.StoredVariable {
  /// Nil for a scalar type that nobody knows.
  var tensorSpec: TensorSpec? {
    DType.allCases.first { $0.description == dtype }.map { TensorSpec(Shape(shape), $0) }
  }
}
