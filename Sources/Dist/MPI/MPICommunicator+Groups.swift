import COpenMPI
import Foundation
import Tensors

extension MPICommunicator: PartibleCommunicator {
  /// The number of this rank in the whole job.
  var numberInRun: Int { numberInRun(of: rank) }

  /// The groups that this rank is in.
  var mpiGroups: [MPICommunicator] { groups.all.compactMap { $0 as? MPICommunicator } }

  /// What joins the ranks of this rank's group (MPI 3.1 §6.4.2); nil when it is in none. Throws as ``/Engine/Communicator`` says.
  package func makeGroup(
    of partition: RankPartition, number: Int
  ) throws -> (any Communicator)? {
    let members = partition.members(with: rank)
    var call = CollectiveCall(.split)
    call.label = CollectiveLabel(partition.name)
    var part: MPI_Comm?
    try locked("MPI_Comm_split") { () throws(DistError) in
      try compared(call) { () throws(DistError) in
        let color = members.map { Int32($0[0]) } ?? apus_mpi_undefined()
        try MPICall.run("MPI_Comm_split", rank: rank) {
          MPI_Comm_split(handle, color, Int32(rank), &part)
        }
      }
    }
    guard let members, let part else { return nil }
    return try locked("MPI_Comm_dup") { () throws(DistError) in
      let journal = notes.group(number, of: members, name: partition.name)
      let group = try MPICommunicator(
        duplicating: part, maximumCount: maximumCount, serialized: onlyThread == nil, node: node,
        group: (self, journal))
      var freed: MPI_Comm? = part
      try MPICall.run("MPI_Comm_free", rank: rank) { MPI_Comm_free(&freed) }
      return group
    }
  }
}
