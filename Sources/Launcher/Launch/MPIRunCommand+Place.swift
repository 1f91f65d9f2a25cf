import Engine

extension MPIRunCommand.Job {
  /// Compares the job with what the batch system has given, and takes its nodes where mpirun does not know them.
  ///
  /// - Throws: ``LauncherError/launch(message:)`` for ranks or nodes that the batch system has not given, and
  ///   for nodes that cannot be told to mpirun.
  mutating func place(on machine: Machine) throws {
    if let hosts, let host = hosts.hosts.first(where: { HostName.isIPv6($0.name) }) {
      throw LauncherError.launch(
        message:
          "\(hosts.origin): \(starter.rawValue) takes no IPv6 address (\(host.name)) for a node; "
          + "give it a name, in /etc/hosts on all nodes or in DNS, and use that")
    }
    allocation = try machine.allocation()
    guard let allocation else {
      if starter == .srun {
        throw LauncherError.launch(
          message:
            "--launcher srun: there is no allocation of Slurm here (SLURM_JOB_ID is not set); "
            + "start this inside salloc or sbatch, or use mpirun")
      }
      return
    }
    if starter == .srun, allocation.system != .slurm {
      throw LauncherError.launch(
        message: "--launcher srun: this is \(allocation), not one of Slurm; use mpirun")
    }
    guard let given = allocation.hosts, let content = allocation.content else { return }
    if let hosts {
      return self.hosts = try named(hosts, in: given, allocation, content)
    }
    if ranks > given.slots, !isOversubscribed {
      throw LauncherError.launch(
        message: "-n \(ranks): \(allocation) has \(content); use -n \(given.slots) or fewer, "
          + "\(allocation.request(ranks)), or let ranks take turns on cores: --oversubscribe")
    }
    // Slurm tells mpirun its nodes; PBS does where mpirun was built for it, which few are.
    if allocation.system == .pbs, machine.mayUseOtherNodes { self.hosts = given }
  }

  /// `hosts` under the names that the batch system has for them.
  private func named(
    _ hosts: HostList, in given: HostList, _ allocation: Allocation, _ content: String
  ) throws -> HostList {
    var hosts = hosts
    for index in hosts.hosts.indices {
      let host = hosts.hosts[index]
      guard let known = given.hosts.first(where: { HostName.areSame($0.name, host.name) }) else {
        throw LauncherError.launch(
          message:
            "\(hosts.origin): \(host.name) is no node of \(allocation), which has \(content); "
            + "leave the nodes out to use all of these")
      }
      if host.slots > known.slots, !isOversubscribed {
        throw LauncherError.launch(
          message: "\(hosts.origin): \(counted(host.slots, "rank")) on \(host.name), where "
            + "\(allocation) has \(known.slots) (\(content)); use fewer, "
            + "\(allocation.request(hosts.slots)), or let ranks take turns on cores: --oversubscribe"
        )
      }
      hosts.hosts[index].name = known.name
    }
    return hosts
  }
}
