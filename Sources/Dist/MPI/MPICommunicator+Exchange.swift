import CKernels
import COpenMPI
import Tensors

extension MPICommunicator: ExchangingCommunicator {
  /// Starts an exchange (MPI 3.1 §3.7), whose messages meet no others of the same ranks. Throws as ``/Engine/Communicator`` says.
  package func startExchange(_ exchange: any MessageExchange) throws -> Int {
    try locked("MPI_Isend") { () throws(DistError) in
      let number = notes.begin(exchange.call)
      var token = 0
      try explained(number) { () throws(DistError) in
        token = try exchanges.start(exchange, number: number, exchangingRanks)
      }
      return token
    }
  }

  private var exchangingRanks: ExchangeTable.Ranks {
    ExchangeTable.Ranks(
      handle: handle, rank: rank, size: size, maximumCount: maximumCount, numberInRun: numberInRun)
  }

  // Called with the lock held.

  /// Returns when an exchange is over. All that are under way go on: another rank may wait for what this one sends in them.
  func waitForExchange(_ token: Int) throws(DistError) {
    let number = exchanges.number(of: token)
    notes.wait(for: number)
    defer { notes.stopWaiting() }
    try explained(number) { () throws(DistError) in
      var round: Int32 = 0
      while try !isExchangeDone(token) {
        apus_give_way(round)
        round = min(round + 1, 1 << 10)
      }
    }
  }

  /// Whether an exchange is over, after all have gone on.
  func isExchangeDone(_ token: Int) throws(DistError) -> Bool {
    try exchanges.advance(exchangingRanks)
    return try exchanges.isDone(token)
  }

  /// Waits for all exchanges.
  func waitForExchanges() throws(DistError) {
    var round: Int32 = 0
    while !exchanges.isEmpty {
      try exchanges.advance(exchangingRanks)
      apus_give_way(round)
      round = min(round + 1, 1 << 10)
    }
  }
}
