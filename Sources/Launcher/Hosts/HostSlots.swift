import ArgumentParser

/// A node and how many ranks it takes, as in mpirun's `-H a:2`.
struct HostSlots: Hashable, Sendable {
  /// The name or address of the node.
  var name: String
  /// How many ranks it takes, at least 1.
  var slots: Int
  /// How many it takes with `--oversubscribe`; nil for any number.
  var maxSlots: Int?
}

extension HostSlots: CustomStringConvertible {
  /// `a:2`
  var description: String { "\(name):\(slots)" }
}

/// Nodes in the order in which they are filled: `a:2,b:2`.
package struct HostList: Hashable, Sendable {
  /// The nodes, each once.
  var hosts: [HostSlots]
  /// The option that gave them, for messages: `--hosts a:2,b:2` or `--hostfile nodes.txt`.
  var origin: String

  /// Nodes that no option gave.
  init(_ hosts: [HostSlots], origin: String? = nil) {
    self.hosts = hosts
    self.origin = origin ?? "--hosts " + hosts.map(\.description).joined(separator: ",")
  }

  /// All ranks that fit.
  var slots: Int { hosts.map(\.slots).reduce(0, +) }

  /// How many ranks each node gets when `ranks` of them fill the nodes in order; those without a slot are spread evenly,
  /// as mpirun spreads them.
  func shares(of ranks: Int) -> [Int] {
    var left = ranks
    var shares = hosts.map { host in
      let share = min(host.slots, left)
      left -= share
      return share
    }
    for index in shares.indices where left > 0 {
      let nodes = shares.count
      shares[index] += left / nodes + (index < left % nodes ? 1 : 0)
    }
    return shares
  }

  /// The names here of a node that calls itself `name`, or is called so here.
  ///
  /// - Parameters:
  ///   - name: of the node, with its domain or without.
  ///   - ranks: for each rank that fills the nodes, what its node calls itself; nil for a rank that has not said so.
  /// - Returns: the names, or `name` when it is none of these nodes as far as is known.
  package func names(of name: String, ranks: [String?]) -> [String] {
    let named = hosts.map(\.name).filter { HostName.areSame($0, name) }
    if !named.isEmpty { return named }
    var names: [String] = []
    var next = 0
    for (host, share) in zip(hosts, shares(of: ranks.count)) {
      let own = ranks[next..<min(next + share, ranks.count)].compactMap { $0 }
      if own.contains(where: { HostName.areSame($0, name) }) { names.append(host.name) }
      next += share
    }
    return names.isEmpty ? [name] : names
  }

  /// The most ranks that one node gets when `ranks` of them fill the nodes in order.
  func mostRanksOnOneHost(of ranks: Int) -> Int { shares(of: ranks).max() ?? 0 }
}

extension HostList: CustomStringConvertible {
  /// As mpirun reads it.
  package var description: String { hosts.map(\.description).joined(separator: ",") }
}

extension HostList {
  /// Reads `a:2,b`, where no number means one rank.
  ///
  /// - Throws: a `ValidationError` when a name is missing, is none, or is there twice, or a number is below 1.
  package init(text: String) throws {
    func problem(_ message: String) -> ValidationError {
      ValidationError(
        "--hosts \(text): \(message); expected names with numbers of ranks, such as a:2,b:2, "
          + "each name once")
    }
    var hosts: [HostSlots] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      do {
        let host = try HostName.parse(part)
        guard !hosts.contains(where: { HostName.areSame($0.name, host.name) }) else {
          throw HostName.Problem("\(host.name) is there twice")
        }
        hosts.append(HostSlots(name: host.name, slots: host.slots ?? 1))
      } catch let error as HostName.Problem {
        throw problem(error.message)
      }
    }
    self.init(hosts, origin: "--hosts \(text)")
  }
}
