extension LaunchLine {
  private static let nodeFile = ["nodes": "node-1\nnode-1\nnode-2\r\nnode-1\nnode-2\n"]
  private static let job = ["PBS_JOBID": "31.head", "PBS_NODEFILE": "{nodes}"]

  static let pbs: [LaunchLine] = [
    LaunchLine(
      options: "-n 5 x", environment: job, files: nodeFile,
      command: "mpirun -n 5 -H node-1:3,node-2:2 \(alive) --bind-to none APUS --share-node x",
      map: [
        "0 node-1 0 share any", "1 node-1 1 share any", "2 node-1 2 share any",
        "3 node-2 0 share any", "4 node-2 1 share any",
      ]),
    LaunchLine(
      options: "-n 2 x", environment: job, files: nodeFile,
      command: "mpirun -n 2 -H node-1:3,node-2:2 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "-n 6 x", environment: job, files: nodeFile,
      note:
        "-n 6: PBS's job 31.head has 5 slots on 2 nodes (node-1:3,node-2:2); use -n 5 or fewer, ask PBS for more"
    ),
    LaunchLine(
      options: "--hosts node-2:2 x", environment: job, files: nodeFile,
      command: "mpirun -n 2 -H node-2:2 \(alive) --bind-to none APUS --share-node x"),
    LaunchLine(
      options: "--hosts node-9 x", environment: job, files: nodeFile,
      note: "node-9 is no node of PBS's job 31.head"),
    LaunchLine(
      options: "-n 2 x", environment: job, files: ["nodes": "node-1.cluster\nnode-1.cluster\n"],
      command: "\(four) mpirun -n 2 --map-by slot:PE=4 --bind-to core \(threads) x"),
    LaunchLine(
      options: "-n 2 x", environment: ["PBS_NODEFILE": "/nowhere/nodes"],
      note: "PBS_NODEFILE=/nowhere/nodes: cannot be read on "),
    LaunchLine(
      options: "-n 2 x", environment: job, files: ["nodes": "a\n--b\n"],
      note: "PBS_NODEFILE={nodes}: line 2: \"--b\" begins with a dash"),
    LaunchLine(
      options: "-n 2 --launcher srun x", environment: job, files: nodeFile,
      note: "--launcher srun: this is PBS's job 31.head"),
  ]

  static let variables: [LaunchLine] = [
    LaunchLine(
      options: "--hosts a:2 x",
      environment: [
        "LD_LIBRARY_PATH": "/l", "UCX_TLS": "tcp", "OPENBLAS_CORETYPE": "Haswell",
        "APUS_BFLOAT16": "on", "APUS_TERMINAL": "1",
        "APUS_MONITOR_TOKEN": "s", "AWS_SECRET_ACCESS_KEY": "s", "OMP_PROC_BIND": "false",
        "OMPI_MCA_btl": "tcp,self",
        "GIT_PASSWORD": "s", "SOME": "thing",
      ],
      command:
        "mpirun -n 2 -H a:2 \(alive) --bind-to none -x OPENBLAS_CORETYPE -x APUS_BFLOAT16 -x LD_LIBRARY_PATH -x OMP_PROC_BIND "
        + "-x UCX_TLS APUS --share-node x"),
    LaunchLine(
      options: "--hosts a:2 -x APUS_MONITOR_TOKEN -x PLACE=here=there --env EMPTY= x",
      environment: ["APUS_MONITOR_TOKEN": "s"],
      command:
        "PLACE=here=there EMPTY= mpirun -n 2 -H a:2 \(alive) --bind-to none -x APUS_MONITOR_TOKEN -x PLACE -x EMPTY APUS --share-node x"
    ),
    LaunchLine(
      options: "-n 2 -x OMP_NUM_THREADS=3 x",
      command:
        "OPENBLAS_NUM_THREADS=3 OMP_NUM_THREADS=3 mpirun -n 2 --map-by slot:PE=3 --bind-to core \(threads) x",
      map: ["0 node-1 0 3 0-2", "1 node-1 1 3 3-5"]),
    LaunchLine(
      options: "--threads 1 -x A=b x", command: "OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 A=b x"),
    LaunchLine(options: "-n 2 -x A=1 -x A=2 x", note: "-x A is there twice"),
    LaunchLine(
      options: "-n 2 -x APUS_NONE x",
      note: "-x APUS_NONE: there is no such variable in the environment"),
    LaunchLine(options: "-n 2 -x 2A=1 x", note: "-x 2A=1: expected NAME or NAME=value"),
  ]

  private static func pair(_ options: String) -> LaunchLine {
    LaunchLine(
      options: options,
      command:
        "\(four) mpirun -n 2 --map-by slot:PE=4 --bind-to core \(threads) ./train -n 3 --dry-run")
  }

  static let spellings: [LaunchLine] =
    ["-n 2", "-n2", "-np 2", "--np 2", "--np=2", "--ranks 2"].flatMap {
      [pair("\($0) ./train -n 3 --dry-run"), pair("\($0) -- ./train -n 3 --dry-run")]
    } + [
      LaunchLine(
        options: "-n 1 ./train -- --help",
        command: "OPENBLAS_NUM_THREADS=8 OMP_NUM_THREADS=8 mpirun -n 1 --map-by slot:PE=8 "
          + "--bind-to core \(threads) ./train -- --help"),
      LaunchLine(
        options: "-n 2 --epochs 3 ./train",
        note: "Unknown option '--epochs'; options of the program stand after its name"),
      LaunchLine(options: "-n 2 -- -x", note: "\"-x\" is no program"),
      LaunchLine(options: "-n 2", note: "no program: expected apus run -n 4 program arguments"),
      LaunchLine(options: "-n 2 --", note: "no program"),
      LaunchLine(options: "-np x ./train", note: "The value 'x' is invalid"),
    ]
}
