/// A primitive in which the ranks meet: all of them run it, in one order of such operations, whoever reads its result.
///
/// In a trace it is recorded also where its inputs are constants, and a plan runs it also where nothing depends on it
/// (``Trace/keep(_:)``): another rank waits for it.
package protocol CollectivePrimitive: Primitive {}

extension CollectivePrimitive {
  /// False: two of them are two messages.
  package var isPure: Bool { false }
}
