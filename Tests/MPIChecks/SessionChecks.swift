import Dist
import Engine
import Foundation
import TestSupport

/// What the session knows about itself.
func checkSession() throws {
  let strategy = DistributionContext.strategy
  guard let session = MPISession.current else {
    // Started without mpirun: one process, and MPI was never started.
    try require(strategy is SingleProcess, "alone, the strategy must be a single process")
    try requireEqual(strategy.replicaCount, 1, "ranks of a process on its own")
    return
  }
  try require(session.threadLevel >= 1, "thread level \(session.threadLevel)")
  try requireEqual(session.launch.launcher, "mpirun", "the launcher")
  try requireEqual(session.launch.size, session.communicator.size, "the number of ranks")
  try requireEqual(strategy.replicaCount, session.communicator.size, "the number of replicas")
  // All ranks of these checks are on one node.
  try requireEqual(session.localSize, session.communicator.size, "ranks of this node")
  try requireEqual(session.localRank, session.communicator.rank, "this rank's number on the node")
}

/// The places of all ranks, known to every rank.
func checkHosts() throws {
  let strategy = DistributionContext.strategy
  let hosts = try HostInfo.gather(strategy)
  try requireEqual(hosts.map(\.rank), Array(0..<strategy.replicaCount), "ranks in order")
  try requireEqual(Set(hosts.map(\.hostname)).count, 1, "number of nodes")
  try requireEqual(Set(hosts.map(\.processID)).count, strategy.replicaCount, "number of processes")
  try requireEqual(
    hosts[strategy.communicator.rank].processID,
    Int(ProcessInfo.processInfo.processIdentifier), "this process")
  try agree(
    on: hosts.map { "\($0)" }, subject: "the places", communicator: strategy.communicator)
}

/// A strategy inside a strategy uses the running session and leaves it running.
func checkNested() throws {
  let outer = DistributionContext.strategy.communicator
  let rank = try withStrategy(.mpi, lossScaling: .globalBatch) {
    try require(
      DistributionContext.strategy.lossScaling == .globalBatch, "the inner scaling must hold")
    return DistributionContext.strategy.communicator.rank
  }
  try requireEqual(rank, outer.rank, "the inner rank")
  try require(DistributionContext.strategy.lossScaling == .replicas, "the outer scaling must hold")
  try outer.barrier()
}

/// The result of the body comes back, MPI ends once, and a second start is an error that says why.
@Sendable func checkSecondSession() throws {
  let size = try withStrategy(.mpi) { DistributionContext.strategy.replicaCount }
  try require(MPISession.current == nil, "the session must have ended")
  try require(DistributionContext.strategy is SingleProcess, "the strategy must be the default")
  if ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] == nil {
    try withStrategy(.mpi) { try requireEqual(size, 1, "ranks of a process on its own") }
    print("passed: second-session on 1")
    return
  }
  let error = try requireError("a second session") { try withStrategy(.mpi) {} }
  try require("\(error)".contains("cannot be started again"), "unexpected text: \(error)")
  print("passed: second-session on \(size)")
}
