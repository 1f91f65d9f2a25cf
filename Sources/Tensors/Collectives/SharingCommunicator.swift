/// A communicator whose ranks reach each other's memory.
package protocol SharingCommunicator: Communicator {
  /// Whether they do here: ranks of one node, which may have been told not to.
  var sharesMemory: Bool { get }

  /// Memory in which what is reduced again and again need not be copied, not initialised; nil where there is none. Any thread may call it.
  func sharedMemory(byteCount: Int) -> Storage?
}
