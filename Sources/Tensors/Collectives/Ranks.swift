/// Some ranks of a run that work together: what ``withRanks(_:_:)-(RankGroup,_)`` gives, with the collectives among them.
///
/// A collective changes the handle, so that none can be written where others wait for this rank:
///
/// ```swift
/// try withRanks(.node) { ranks in
///   try ranks.onChief { try ranks.barrier() }  // does not compile: overlapping accesses to 'ranks'
/// }
/// ```
public struct Ranks: ~Copyable {
  private let own: any Communicator

  init(_ communicator: any Communicator = DistributionContext.strategy.communicator) {
    own = communicator
  }

  /// What joins the ranks; inside ``alone(_:)`` this rank alone, and inside ``onChief(_:)`` ranks that are busy waiting.
  var communicator: any Communicator { DistributionContext.chosenAlone?.communicator ?? own }

  /// The number of this rank among these ranks, from 0, in the order of all ranks.
  public var rank: Int { own.rank }

  /// How many these ranks are, at least 1.
  public var size: Int { own.size }

  /// Whether this rank is the first of them.
  public var isChief: Bool { rank == 0 }
}

/// Runs `body` on every rank, with the ranks that this one works together with: those of its node, or those that give the same number.
///
/// ```swift
/// let pairs = try RankGroup.split(by: communicator.rank / 2)
/// let sum = try withRanks(pairs) { ranks in try ranks.allReduce(loss) }
/// ```
///
/// The methods of ``Ranks`` are the functions of the same names among these ranks: at once, in what `jit` compiles, and with gradients. Functions
/// that are compiled later cannot hold `ranks`; they call `withRanks` themselves: `jit { x in try withRanks(.node) { try $0.allReduce(x) } }`.
///
/// Collective: every rank calls it, with a group of the same kind, also where it makes no collective. After the first time for a group no message is sent. One process
/// is a group by itself.
///
/// - Parameters:
///   - group: which ranks.
///   - body: what this rank does; the functions for all ranks work in it too.
/// - Returns: what `body` gives, on each rank its own.
/// - Throws: what `body` throws; an error of the communicator.
public func withRanks<R>(
  _ group: RankGroup, _ body: (inout Ranks) throws -> R
) throws -> R {
  var ranks = Ranks(try group.communicator())
  return try body(&ranks)
}

/// Runs `body` on the ranks of a subset, as ``withRanks(_:_:)-(RankGroup,_)`` does.
///
/// ```swift
/// let sum = try withRanks(.node) { try $0.allReduce(loss) }
/// let total = try withRanks(.leaders) { try $0.allReduce(sum) }  // over nodes
/// let all = try withRanks(.node) { try $0.broadcast(total ?? sum) }
/// ```
///
/// Collective: every rank calls it, those that are not in the subset too.
///
/// - Parameters:
///   - subset: which ranks.
///   - body: what these ranks do.
/// - Returns: what `body` gives; nil on other ranks, which do not wait.
/// - Throws: what `body` throws; an error of the communicator.
@discardableResult
public func withRanks<R>(
  _ subset: RankSubset, _ body: (inout Ranks) throws -> R
) throws -> R? {
  guard let communicator = try subset.communicator() else { return nil }
  var ranks = Ranks(communicator)
  return try body(&ranks)
}
