import ArgumentParser

/// A node and how many ranks it takes, as in mpirun's `-H a:2`.
struct HostSlots: Hashable, Sendable {
  /// The name or address of the node.
  var name: String
  /// How many ranks it takes, at least 1.
  var slots: Int
}

extension HostSlots: CustomStringConvertible {
  /// `a:2`
  var description: String { "\(name):\(slots)" }
}

/// Nodes in the order in which they are filled: `a:2,b:2`.
struct HostList: Hashable, Sendable {
  /// The nodes, each once.
  var hosts: [HostSlots]

  /// All ranks that fit.
  var slots: Int { hosts.map(\.slots).reduce(0, +) }

  /// The most ranks that one node gets when `ranks` of them fill the nodes in order.
  func mostRanksOnOneHost(of ranks: Int) -> Int {
    var left = ranks
    var most = 0
    for host in hosts {
      let share = min(host.slots, left)
      most = max(most, share)
      left -= share
    }
    return most
  }
}

extension HostList: CustomStringConvertible {
  /// As mpirun reads it.
  var description: String { hosts.map(\.description).joined(separator: ",") }
}

extension HostList {
  /// Reads `a:2,b`, where no number means one rank.
  ///
  /// - Throws: a `ValidationError` when a name is missing or there twice, or a number is below 1.
  init(text: String) throws {
    let problem = ValidationError(
      "--hosts \(text): expected names with numbers of ranks, such as a:2,b:2, each name once")
    var hosts: [HostSlots] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
      guard let name = pieces.first, !name.isEmpty, pieces.count <= 2 else { throw problem }
      guard !hosts.contains(where: { $0.name == name }) else { throw problem }
      guard let slots = pieces.count == 2 ? Int(pieces[1]) : 1, slots > 0 else { throw problem }
      hosts.append(HostSlots(name: String(name), slots: slots))
    }
    self.hosts = hosts
  }
}
