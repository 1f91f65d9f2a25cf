import Foundation
import Testing

extension ApusTests {
  /// Options, a machine and an environment on one side; the command, or what is wrong, on the other. Nothing is started.
  @Suite("The command line for") struct LaunchLineTests {
    @Test("nodes of the command line", arguments: LaunchLine.nodes)
    func nodes(line: LaunchLine) async throws { try await line.check() }

    @Test("an allocation of Slurm, with mpirun", arguments: LaunchLine.slurm)
    func slurm(line: LaunchLine) async throws { try await line.check() }

    @Test("an allocation of Slurm, with srun", arguments: LaunchLine.srun)
    func srun(line: LaunchLine) async throws { try await line.check() }

    @Test("a job of PBS", arguments: LaunchLine.pbs)
    func pbs(line: LaunchLine) async throws { try await line.check() }

    @Test("variables of the environment", arguments: LaunchLine.variables)
    func variables(line: LaunchLine) async throws { try await line.check() }

    @Test("train says how long a step will take, and how it knows") func prediction() async throws {
      func lines(_ options: [String]) async throws -> [String] {
        let outcome = try await Apus.run(["train", "--dry-run"] + options)
        #expect(outcome.code == 0, "\(outcome)")
        return outcome.lines.filter { $0.contains("predicted step") || $0.hasPrefix("#   ") }
      }
      let two = try await lines([
        "-n", "2", "--threads", "1", "--model", "mlp", "--batch-size", "33",
      ])
      try #require(two.count == 3, "\(two)")
      let step = try #require(
        two[0].firstMatch(of: /^# predicted step: ([\d.]+) ms, (\d+) samples\/s$/))
      let rank = try #require(
        two[1].firstMatch(of: /one rank: measured here, 17 samples on 1 thread: ([\d.]+) ms$/))
      // 64 x 128, 128 x 64 and 64 x 10 weights with their biases.
      let sum = try #require(
        two[2].firstMatch(
          of: /sum of 17226 gradients over 2 ranks: .* within a node.*assumed: ([\d.]+) ms$/))
      let times = try [step.1, rank.1, sum.1].map { try #require(Double($0)) }
      #expect(times[1] > 0 && times[2] > 0 && abs(times[0] - times[1] - times[2]) < 0.02, "\(two)")
      let rate = try #require(Double(step.2))
      #expect(abs(rate * times[0] / 33e3 - 1) < 0.1, "\(two)")
      let nodes = try await lines(["--hosts", "a,b", "--threads", "1", "--model", "mlp"])
      #expect(
        nodes.last?.contains("10 Gbit/s Ethernet, 30 us and 1.1 GB/s assumed") == true, "\(nodes)")
      #expect(try await lines([]).count == 2)
      let none = try await lines(["-n", "2", "--data", "csv:/nowhere/x.csv"])
      #expect(
        none.count == 1 && none[0].contains("predicted step: none: /nowhere/x.csv"), "\(none)")
    }

    @Test("options as everybody writes them", arguments: LaunchLine.spellings)
    func spellings(line: LaunchLine) async throws { try await line.check() }
  }
}

extension LaunchLine {
  static let threads = "-x OPENBLAS_NUM_THREADS -x OMP_NUM_THREADS"
  /// How mpirun watches its connections to other nodes.
  static let alive =
    "--mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 4"
  static let four = "OPENBLAS_NUM_THREADS=4 OMP_NUM_THREADS=4"

  static let nodes: [LaunchLine] = [
    LaunchLine(
      options: "--hosts a:2,b x",
      command: "mpirun -n 3 -H a:2,b:1 \(alive) --bind-to none APUS --share-node x",
      map: ["0 a 0 share any", "1 a 1 share any", "2 b 0 share any"]),
    LaunchLine(
      options: "--hostfile {nodes} x",
      files: [
        "nodes": "# all\r\n\r\na slots = 2 max-slots=4 # two\r\n\tb:2\r\nc\r\nd.example.org slots=1"
      ],
      command:
        "mpirun -n 6 -H a:2,b:2,c:1,d.example.org:1 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "--hostfile {nodes} -n 3 --threads 4 --bind core x",
      files: ["nodes": "\u{feff}a:2\nb max_slots=4 slots=2"],
      command:
        "\(four) mpirun -n 3 -H a:2,b:2 \(alive) --bind-to core \(threads) APUS --share-node x",
      map: ["0 a 0 4 one", "1 a 1 4 one", "2 b 0 4 one"]),
    // As mpirun spreads them: 2 slots each, and 3 ranks more.
    LaunchLine(
      options: "--hosts a:2,b:2 -n 7 --oversubscribe x",
      command: "mpirun -n 7 -H a:2,b:2 \(alive) --bind-to none --oversubscribe APUS --share-node x",
      map: (0..<7).map { "\($0) \($0 < 4 ? "a \($0)" : "b \($0 - 4)") share any" }),
    LaunchLine(
      options: "--hosts a:600,b:600 -n 1000 x",
      command: "mpirun -n 1000 -H a:600,b:600 \(alive) --bind-to none APUS --share-node x",
      map: ["0-599 a 0-599 share any", "600-999 b 0-399 share any"]),
    LaunchLine(options: "-n 9223372036854775807 x", note: "expected at most 1048576 ranks"),
    LaunchLine(options: "--hosts a:2,b:2 -n 5 x", note: "-n 5: --hosts a:2,b:2 takes 4 ranks"),
    LaunchLine(
      options: "--hostfile {nodes} -n 6 --oversubscribe x",
      files: ["nodes": "a slots=2 max-slots=2\nb:2"],
      note: "lets a have max-slots=2, but its share is 3 ranks"),
    LaunchLine(
      options: "--hosts a --hostfile {nodes} x", files: ["nodes": "a"],
      note: "--hosts a and --hostfile {nodes}: expected one of the two options"),
    LaunchLine(options: "--hosts=-oProxyCommand=touch x", note: "begins with a dash"),
    LaunchLine(options: "--hosts a;b x", note: "\"a;b\" is no name of a node"),
    LaunchLine(options: "--hosts me@a x", note: "the user of a node is set in ~/.ssh/config"),
    LaunchLine(options: "--hosts a,A.example.org x", note: "A.example.org is there twice"),
    LaunchLine(options: "--hosts fd00::1 x", note: "an IPv6 address needs brackets: [fd00::1]"),
    LaunchLine(
      options: "--hosts [fd00::1%eth0]:2 x", note: "mpirun takes no IPv6 address (fd00::1%eth0)"),
    LaunchLine(
      options: "--hosts a:1,10.0.0.2:2 x",
      command: "mpirun -n 3 -H a:1,10.0.0.2:2 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a\n# b\n-x slots=2"],
      note: "{nodes}:3: \"-x\" begins with a dash"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a\nb\n\na:2"],
      note: "{nodes}:4: a is in line 1 already; expected one line for each node"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a slots=0"],
      note: "{nodes}:1: \"0\" is no number of ranks from 1"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a:-2"],
      note: "{nodes}:1: \"-2\" is no number of ranks"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "\na:99999999999999999999"],
      note: "{nodes}:2: \"99999999999999999999\" is no number of ranks from 1 to 1048576"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a:2x"],
      note: "{nodes}:1: \"2x\" is no number of ranks"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a:2 slots=2"],
      note: "{nodes}:1: the number of ranks of a is there twice"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a slots"],
      note: "{nodes}:1: slots has no number; expected node"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a slots=4 max-slots=2"],
      note: "{nodes}:1: max-slots=2 is below slots=4"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a gpus=4"],
      note: "{nodes}:1: \"gpus\" is not known here; expected node, node:4"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "a b"],
      note: "{nodes}:1: \"b\" is not known here"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "[fd00::1"],
      note: "{nodes}:1: \"[fd00::1\" has no ]"),
    LaunchLine(
      options: "--hostfile {nodes} x", files: ["nodes": "# none\n"], note: "{nodes}: names no node"),
    LaunchLine(
      options: "--hostfile /nowhere/nodes x", note: "--hostfile /nowhere/nodes: cannot be read: "),
  ]

  private static let twoNodes = [
    "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "node-[1-2]", "SLURM_TASKS_PER_NODE": "4(x2)",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_JOB_CPUS_PER_NODE": "16(x2)",
  ]
  private static let oneNode = [
    "SLURM_JOB_ID": "8", "SLURM_JOB_NODELIST": "node-1", "SLURM_TASKS_PER_NODE": "2",
    "SLURM_JOB_NUM_NODES": "1",
  ]

  static let slurm: [LaunchLine] = [
    LaunchLine(
      options: "-n 8 x", environment: twoNodes,
      command: "mpirun -n 8 \(alive) --bind-to none APUS --share-node x",
      note:
        "apus: mpirun with 8 ranks on the nodes of Slurm's job 7, each with its share of its node's cores",
      map: (0..<8).map { "\($0) node-\($0 / 4 + 1) \($0 % 4) share any" }),
    LaunchLine(
      options: "-n 5 x", environment: twoNodes,
      command: "mpirun -n 5 \(alive) --bind-to none APUS --share-node x",
      map: (0..<5).map { "\($0) node-\($0 / 4 + 1) \($0 % 4) share any" }),
    LaunchLine(
      options: "-n 9 x", environment: twoNodes,
      note:
        "-n 9: Slurm's job 7 has 8 tasks on 2 nodes (node-1:4,node-2:4); use -n 8 or fewer, ask Slurm for more (--ntasks=9)"
    ),
    LaunchLine(
      options: "-n 9 --oversubscribe x", environment: twoNodes,
      command: "mpirun -n 9 \(alive) --bind-to none --oversubscribe APUS --share-node x"),
    LaunchLine(
      options: "--launcher mpirun x", environment: twoNodes,
      command: "mpirun -n 8 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "x", environment: twoNodes, command: "OPENBLAS_NUM_THREADS=8 OMP_NUM_THREADS=8 x",
      note:
        "Slurm's job 7 has 8 tasks on 2 nodes (node-1:4,node-2:4), but this is one process; -n 8 starts a rank for each"
    ),
    // This node alone: as without Slurm.
    LaunchLine(
      options: "-n 2 x", environment: oneNode,
      command: "\(four) mpirun -n 2 --map-by slot:PE=4 --bind-to core \(threads) x",
      map: ["0 node-1 0 4 0-3", "1 node-1 1 4 4-7"]),
    // One node, but another one, such as where salloc leaves its shell on the login node.
    LaunchLine(
      options: "-n 2 x", machine: "host=login", environment: oneNode,
      command: "mpirun -n 2 \(alive) --bind-to none APUS --share-node x",
      map: ["0 node-1 0 share any", "1 node-1 1 share any"]),
    LaunchLine(
      options: "--hosts node-2.cluster:2 x", environment: twoNodes,
      command: "mpirun -n 2 -H node-2:2 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "--hosts node-3 x", environment: twoNodes,
      note: "--hosts node-3: node-3 is no node of Slurm's job 7, which has 8 tasks"),
    LaunchLine(
      options: "--hostfile {nodes} x", environment: twoNodes, files: ["nodes": "node-1\nnode-2:5"],
      note: "--hostfile {nodes}: 5 ranks on node-2, where Slurm's job 7 has 4"),
    LaunchLine(
      options: "-n 4 x",
      environment: [
        "SLURM_JOB_ID": "9", "SLURM_JOB_NODELIST": "r[1-2]n[08,10],gpu",
        "SLURM_TASKS_PER_NODE": "1(x3),2,1",
      ],
      command: "mpirun -n 4 \(alive) --bind-to none APUS --share-node x",
      map: [
        "0 r1n08 0 share any", "1 r1n10 0 share any", "2 r2n08 0 share any", "3 r2n10 0 share any",
      ]),
    LaunchLine(
      options: "-n 2 x", environment: ["SLURM_JOB_ID": "9", "SLURM_JOB_NODELIST": "n[1-"],
      note: "SLURM_JOB_NODELIST=n[1- in Slurm's job 9: expected names of nodes"),
    LaunchLine(
      options: "-n 2 x",
      environment: [
        "SLURM_JOB_ID": "9", "SLURM_JOB_NODELIST": "n[1-3]", "SLURM_TASKS_PER_NODE": "2(x2)",
      ],
      note: "SLURM_TASKS_PER_NODE=2(x2) in Slurm's job 9: expected a number for each of 3 nodes"),
    LaunchLine(
      options: "-n 2 x",
      environment: ["SLURM_JOB_ID": "9", "SLURM_JOB_NODELIST": "n[1-60000]m[1-60000]"],
      note: "expected names of nodes"),
    LaunchLine(
      options: "-n 2 x",
      environment: [
        "SLURM_JOB_ID": "9", "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_TASKS_PER_NODE": "9223372036854775807(x2)",
      ],
      note: "expected a number for each of 2 nodes"),
  ]

  static let srun: [LaunchLine] = [
    LaunchLine(
      options: "--launcher srun x",
      environment: twoNodes.merging(["HOME": "/home/me", "SLURM_CONF": "/etc/s"]) { $1 },
      command:
        "srun --mpi=pmix --ntasks=8 --nodes=2 --distribution=block --cpus-per-task=4 --kill-on-bad-exit=1 "
        + "--export=HOME,PATH APUS --share-node x",
      note:
        "apus: srun with 8 ranks on the nodes of Slurm's job 7, each with its share of its node's cores; bound as Slurm does",
      map: (0..<8).map { "\($0) node-\($0 / 4 + 1) \($0 % 4) share Slurm's" }),
    LaunchLine(
      options:
        "--launcher srun -n 3 --threads 2 --bind core -x DATA=/d -x A_TOKEN --wait-limit 9 x",
      environment: twoNodes.merging(["A_TOKEN": "s", "B_TOKEN": "s", "OMPI_MCA_btl": "tcp,self"]) {
        $1
      },
      command:
        "OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2 APUS_WAIT_LIMIT=9.0 DATA=/d srun --mpi=pmix --ntasks=3 --nodes=1 "
        + "--distribution=block --cpus-per-task=2 --cpu-bind=cores --kill-on-bad-exit=1 "
        + "--export=APUS_WAIT_LIMIT,OMPI_MCA_btl,OMP_NUM_THREADS,OPENBLAS_NUM_THREADS,PATH,DATA,A_TOKEN APUS --share-node x"
    ),
    LaunchLine(
      options: "--launcher srun --hosts node-2:4 --bind none x", machine: "cma=no",
      environment: twoNodes.merging(["SLURM_CPUS_PER_TASK": "4"]) { $1 },
      command:
        "OMPI_MCA_btl_vader_single_copy_mechanism=none srun --mpi=pmix --ntasks=4 --nodes=1 --nodelist=node-2 "
        + "--distribution=block --cpus-per-task=4 --cpu-bind=none --kill-on-bad-exit=1 "
        + "--export=OMPI_MCA_btl_vader_single_copy_mechanism,PATH APUS --share-node x"),
    LaunchLine(
      options: "--launcher srun -n 9 --oversubscribe x", environment: twoNodes,
      command:
        "srun --mpi=pmix --ntasks=9 --nodes=2 --distribution=block --overcommit --kill-on-bad-exit=1 --export=PATH "
        + "APUS --share-node x"),
    LaunchLine(
      options: "--launcher srun -n 9 x", environment: twoNodes,
      note: "-n 9: Slurm's job 7 has 8 tasks"),
    LaunchLine(
      options: "--launcher srun -n 2 x",
      note: "--launcher srun: there is no allocation of Slurm here (SLURM_JOB_ID is not set)"),
    LaunchLine(
      options: "--launcher mpirun x",
      note:
        "--launcher mpirun: there is no allocation of a batch system here that says how many ranks; add -n"
    ),
    LaunchLine(options: "--launcher slurm -n 2 x", note: "slurm"),
  ]
}
