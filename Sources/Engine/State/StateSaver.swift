import DataFiles
import Foundation
import OrderedCollections
import Synchronization
import Tensors

/// Saves states into one folder: the training waits for a copy of its variables, and a thread of this rank's own writes the files.
///
/// Ranks make the same calls. Nothing here needs the ranks to meet, unless one rank writes what others hold.
final class StateSaver {
  /// Who writes what.
  enum Writers {
    /// Each rank its share, into a folder that all share.
    case everyRank
    /// Rank 0 writes everything: it alone has the folder.
    case chief
    /// A rank of each node writes everything: each node has a folder of its own.
    case everyNode(isWriter: Bool)
  }

  let folder: StateFolder
  private let writers: Writers
  private let communicator: any Communicator
  private let memory = SnapshotMemory()
  private let ownMemory = SnapshotMemory()
  /// The number of the next state, and the mark of all states of this run: the same on all ranks.
  private(set) var ordinal: UInt64
  private let token: String
  private var work: BackgroundSave?
  /// The states that this saver has written, the newest last, and which of them are kept.
  var retention: StateRetention

  /// How long rank 0 waits for the shares of others.
  private static let limit = Duration.seconds(120)

  /// A saver that goes on in a folder. Collective: ranks learn rank 0's numbering.
  init(
    _ path: String, writers: Writers, retention: StateRetention, _ communicator: any Communicator
  ) throws {
    // The thread that saves must not follow a program that changes its folder.
    folder = StateFolder(path: Folders.absolute(path))
    self.writers = writers
    self.communicator = communicator
    let known = try communicator.rank == 0 ? folder.entries().map(\.ordinal) : []
    self.retention = retention
    self.retention.count(known)
    let newest = known.first ?? 0
    let own = "\(newest + 1) \(String(UInt64.random(in: .min ... .max), radix: 36))"
    let parts = try communicator.broadcast(text: own).split(separator: " ")
    ordinal = parts.first.flatMap { UInt64($0) } ?? 1
    token = parts.last.map(String.init) ?? ""
  }

  /// Whether this rank writes files.
  private var isWriter: Bool {
    switch writers {
    case .everyRank: true
    case .chief: communicator.rank == 0
    case .everyNode(let isWriter): isWriter
    }
  }

  /// Copies the state and begins to write it. The save before must have ended (``finish()``).
  ///
  /// Collective where one rank writes what others hold; throws what the communicator throws.
  func start(
    _ info: TrainingStateInfo, _ variables: StateVariables, _ values: [(String, Tensor)],
    callbackTensors: [Tensor]
  ) throws {
    let files = try files(variables, values, callbackTensors)
    let number = ordinal
    ordinal += 1
    guard isWriter else { return }
    let save = SaveJob(
      folder: folder, ordinal: number, token: token + String(number, radix: 36),
      writer: isEachRank ? communicator.rank : 0, writers: isEachRank ? communicator.size : 1,
      files: files,
      payload: try JSONEncoder().encode(info), limit: Self.limit,
      kept: retention.kept(adding: number))
    work = BackgroundSave(save)
  }

  /// Waits until the save that was begun is on the disk.
  ///
  /// - Returns: why it is not; nil also where none was begun.
  func finish() -> EngineError? {
    defer { work = nil }
    return work?.wait()
  }

  /// What this rank writes: names of files and their tensors.
  private func files(
    _ variables: StateVariables, _ values: [(String, Tensor)], _ callbackTensors: [Tensor]
  ) throws -> [SaveJob.File] {
    let rank = communicator.rank
    var files: [SaveJob.File] = []
    let shared: [StateVariables.Named]
    switch writers {
    case .everyRank: shared = variables.share(of: rank, size: communicator.size)
    case .chief, .everyNode: shared = isWriter ? variables.commonBesideWeights : []
    }
    let isFirst = isWriter && (rank == 0 || !isEachRank)
    let weights = isFirst ? variables.weights : []
    let copies = memory.copy((weights + shared).map(\.variable))
    let own =
      Array(zip(variables.own.map(\.name), ownMemory.copy(variables.own.map(\.variable)))) + values
    if isFirst {
      files.append(
        SaveJob.File(
          name: LoadedState.weightsFile, tensors: Array(zip(weights.map(\.name), copies)),
          metadata: ["format": "apus"]))
      if !callbackTensors.isEmpty {
        files.append(
          SaveJob.File(
            name: LoadedState.callbacksFile,
            tensors: callbackTensors.enumerated().map { ("\($0)", $1) }))
      }
    }
    let optimizer = Array(zip(shared.map(\.name), copies.dropFirst(weights.count)))
    if isEachRank {
      files.append(SaveJob.File(name: LoadedState.rankFile(rank), tensors: optimizer + own))
      return files
    }
    let all = try ownOfAllRanks(own)
    guard isWriter else { return [] }
    for (other, tensors) in all.enumerated() {
      files.append(
        SaveJob.File(
          name: LoadedState.rankFile(other), tensors: (other == 0 ? optimizer : []) + tensors))
    }
    return files
  }

  private var isEachRank: Bool { if case .everyRank = writers { true } else { false } }

  /// What each rank has values of its own for, on every rank. Collective.
  private func ownOfAllRanks(_ own: [(String, Tensor)]) throws -> [[(String, Tensor)]] {
    guard communicator.size > 1 else { return [own] }
    var bytes: [UInt8] = []
    for (_, tensor) in own { tensor.withUnsafeBytes { bytes += $0 } }
    let all = try communicator.named("the states of ranks") {
      try communicator.allGather(bytes: bytes)
    }
    return all.map { bytes in
      var position = 0
      return own.map { name, tensor in
        let count = tensor.spec.byteCount
        defer { position += count }
        let part = bytes[min(position, bytes.count)..<min(position + count, bytes.count)]
        return (
          name,
          Tensor(shape: tensor.shape, dtype: tensor.dtype) { target in
            part.withUnsafeBytes { source in
              if let start = source.baseAddress {
                target.copyMemory(from: start, byteCount: source.count)
              }
            }
          }
        )
      }
    }
  }
}

/// Which states stay in a folder.
struct StateRetention {
  /// How many of the newest.
  var newest: Int
  /// Those that stay for another reason.
  var others: Set<UInt64> = []
  private var saved: [UInt64] = []

  init(newest: Int) { self.newest = newest }

  /// Counts states that are there already, the newest first.
  mutating func count(_ known: [UInt64]) {
    saved = Array(known.prefix(max(newest, 1)).reversed())
  }

  /// The states that stay when one more has been saved.
  mutating func kept(adding number: UInt64) -> Set<UInt64> {
    saved = Array((saved + [number]).suffix(max(newest, 1)))
    return others.union(saved)
  }
}

/// One rank's part in saving a state.
///
/// `@unchecked Sendable`: the memory of its tensors is written again only when the thread that saves has ended.
struct SaveJob: @unchecked Sendable {
  struct File {
    var name: String
    var tensors: [(String, Tensor)]
    var metadata: SafeTensors.Metadata = [:]
  }

  let folder: StateFolder
  let ordinal: UInt64
  let token: String
  let writer: Int
  let writers: Int
  let files: [File]
  let payload: Data
  let limit: Duration
  let kept: Set<UInt64>

  func run() throws(EngineError) {
    do throws(EngineError) { try save() } catch {
      if writer == 0, writers > 1 { folder.giveUp(ordinal: ordinal, token: token) }
      throw error
    }
  }

  private func save() throws(EngineError) {
    let draft =
      writer == 0
      ? try folder.begin(ordinal: ordinal, token: token)
      : try folder.join(ordinal: ordinal, token: token, writer: writer, limit: limit)
    do throws(EngineError) {
      for file in files {
        try draft.write(file.name, tensors: file.tensors, metadata: file.metadata)
      }
      try draft.finish()
    } catch {
      draft.fail("\(error)")
      throw error
    }
    guard writer == 0 else { return }
    _ = try draft.commit(writers: writers, payload: payload, limit: limit)
    try folder.prune { entries in
      // What came before this run is older than everything that it has saved.
      Set(entries.filter { kept.contains($0.ordinal) })
    }
  }
}

/// A save in a thread of its own.
final class BackgroundSave: Sendable {
  private let result = Mutex<EngineError?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(_ job: SaveJob) {
    let thread = Thread { [self] in
      do throws(EngineError) { try job.run() } catch {
        result.withLock { $0 = error }
      }
      done.signal()
    }
    thread.name = "apus.state"
    thread.start()
  }

  /// Waits for its end; to be called once.
  func wait() -> EngineError? {
    done.wait()
    return result.withLock(\.self)
  }
}
