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
      rows = (0..<job.ranks).map { ["\($0)", "?", "?", threads, "?"] }
      return
    }
    for (host, share) in zip(hosts.hosts, hosts.shares(of: job.ranks)) {
      for local in 0..<share {
        let cores: String
        if job.starter == .srun, command.boundCores == nil, job.binding != .none {
          cores = "Slurm's"
        } else if command.boundCores != nil, isElsewhere {
          cores = "one"
        } else if let bound = command.boundCores {
          let first = local * bound
          cores = bound == 1 ? "\(first)" : "\(first)-\(first + bound - 1)"
        } else {
          cores = "any"
        }
        rows.append(["\(rows.count)", host.name, "\(local)", threads, cores])
      }
    }
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
