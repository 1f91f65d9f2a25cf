import Foundation

/// Where each rank of a command goes, for people: a table.
struct RankMap {
  private var rows: [[String]] = []

  /// The places of the ranks of `job`, which `command` starts from `machine`.
  init(_ job: MPIRunCommand.Job, _ command: MPIRunCommand, on machine: Machine) {
    let isElsewhere = job.starter == .srun || job.hosts != nil || machine.mayUseOtherNodes
    let hosts =
      job.hosts ?? job.allocation?.hosts
      ?? (isElsewhere ? nil : HostList([HostSlots(name: machine.hostName, slots: job.ranks)]))
    let threads = command.threads.map { "\($0)" } ?? "share"
    guard let hosts else {
      rows = [[Self.range(0, job.ranks), "?", "?", threads, "?"]]
      return
    }
    let isSlurms = job.starter == .srun && command.boundCores == nil && job.binding != .none
    var rank = 0
    for (host, share) in zip(hosts.hosts, hosts.shares(of: job.ranks)) where share > 0 {
      // One line for a node where a line for each rank would be too many to read.
      let step = job.ranks > Self.mostLines ? share : 1
      for local in stride(from: 0, to: share, by: step) {
        var cores = isSlurms ? "Slurm's" : "any"
        if let bound = command.boundCores {
          cores = isElsewhere ? "one" : Self.range(local * bound, step * bound)
          if isElsewhere, step > 1 { cores = "one each" }
        }
        rows.append([
          Self.range(rank, step), host.name, Self.range(local, step), threads, cores,
        ])
        rank += step
      }
    }
  }

  /// The most ranks that get a line each.
  private static let mostLines = 512

  /// `3` or `3-5`
  private static func range(_ first: Int, _ count: Int) -> String {
    count == 1 ? "\(first)" : "\(first)-\(first + count - 1)"
  }

  /// One process that nothing starts.
  init(threads: Int, on machine: Machine) {
    rows = [["0", machine.hostName, "0", "\(threads)", "any"]]
  }

  /// Lines with columns of equal width. Cores are numbered from 0 among those of the node, without hyperthreads.
  var lines: [String] {
    let table = [["rank", "host", "local rank", "threads", "cores"]] + rows
    let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    return table.map { row in
      zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        .joined(separator: "  ").trimmingSuffix { $0 == " " }
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> String {
    String(reversed().drop(while: isTrimmed).reversed())
  }
}
