/// Messages from every rank to every other one, in one round or in several, and what is made of them.
///
/// All ranks exchange messages of the same lengths: what one sends as `outgoing` another takes as `incoming`.
package protocol MessageExchange: AnyObject {
  /// What the ranks do, for the journal.
  var call: CollectiveCall { get }

  /// How many rounds there are.
  var rounds: Int { get }

  /// What another rank gets in a round. Of the second round it is there when the first is complete.
  func outgoing(_ round: Int, to rank: Int) -> UnsafeRawBufferPointer

  /// Where a round's message of another rank goes.
  func incoming(_ round: Int, from rank: Int) -> UnsafeMutableRawBufferPointer

  /// The messages of all other ranks of a round are there, and nothing reads those of this rank any more.
  func complete(_ round: Int)
}

/// A communicator that exchanges messages between ranks while they do something else.
package protocol ExchangingCommunicator: Communicator {
  /// Sends the first round and returns. The exchange belongs to the communicator until ``Communicator/wait(_:)`` has returned, or
  /// ``Communicator/test(_:)`` returned true.
  ///
  /// - Returns: the token for both.
  func startExchange(_ exchange: any MessageExchange) throws -> Int
}
