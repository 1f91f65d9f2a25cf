import Foundation
import Subprocess
import Testing

extension ApusTests {
  @Suite("Several nodes") struct ClusterTests {
    @Test("ranks are where the map says, with the variables that were named, and no others")
    func variables() async throws {
      try await FakeNodes.use { nodes in
        let list = nodes.folder + "/nodes"
        try "one slots=2\ntwo slots=2 # the other\n".write(
          toFile: list, atomically: false, encoding: .utf8)
        let variables = nodes.environment.merging([
          "APUS_SETTING": "set", "A_TOKEN": "secret", "B_TOKEN": "named", "OTHER": "thing",
        ]) { $1 }
        let script =
          "echo $OMPI_COMM_WORLD_RANK $NODE $OMPI_COMM_WORLD_LOCAL_RANK "
          + "[$APUS_SETTING$A_TOKEN$B_TOKEN$OTHER$PLACE]"
        let options = [
          "run", "--hostfile", list, "-np", "3", "--no-tag-output", "-x", "B_TOKEN", "-x",
          "PLACE= here",
        ]
        let outcome = try await Apus.run(
          options + ["/bin/sh", "-c", script], environment: variables, seconds: 60)
        #expect(outcome.code == 0, "\(outcome)")
        let expected = ["0 one 0", "1 one 1", "2 two 0"].map { "\($0) [setnamed here]" }
        #expect(outcome.lines.sorted() == expected, "\(outcome)")
        let map = try await Apus.run(options + ["--dry-run", "x"], environment: variables)
        #expect(
          map.lines.dropFirst().prefix(3).map {
            $0.dropFirst(2).split(separator: " ").prefix(3).joined(separator: " ")
          } == ["0 one 0", "1 one 1", "2 two 0"], "\(map)")
      }
    }

    @Test("doctor finds good nodes good") func healthy() async throws {
      try await FakeNodes.use { nodes in
        let outcome = try await Apus.run(
          ["doctor", "--hosts", "one,two", "--shared-folder", nodes.folder],
          environment: nodes.environment, seconds: 60)
        #expect(outcome.code == 0 && !outcome.output.contains("->"), "\(outcome)")
        for part in [
          "  one               apus ", "  two               apus ", "mpirun (Open MPI) ",
          ", OpenBLAS ",
          " ms (within ", "reads what one writes", "  one - two         sum of one number ",
        ] {
          #expect(outcome.output.contains(part), "\(part): \(outcome)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: nodes.folder)
        #expect(!left.contains { $0.hasPrefix(".apus-doctor") }, "\(left)")
      }
    }

    @Test("doctor says what is wrong with a node, and what to do", arguments: Ailment.all)
    func faults(ailment: Ailment) async throws {
      try await FakeNodes.use(cases: ailment.cases) { nodes in
        for name in ["shared", "island"] {
          try FileManager.default.createDirectory(
            atPath: "\(nodes.folder)/\(name)", withIntermediateDirectories: true)
        }
        let folder = ailment.sharedFolder.map {
          ["--shared-folder", $0.hasPrefix("/") ? $0 : "\(nodes.folder)/\($0)"]
        }
        let outcome = try await Apus.run(
          ["doctor", "--hosts", "good,bad", "--node-timeout", "2"] + (folder ?? []),
          environment: nodes.environment, seconds: 90)
        #expect(outcome.code == 1, "\(outcome)")
        // No file of the folder is left.
        let left = FileManager.default.subpaths(atPath: nodes.folder) ?? []
        #expect(!left.contains { $0.contains(".apus-doctor") }, "\(left)")
        for part in ailment.said { #expect(outcome.output.contains(part), "\(part): \(outcome)") }
        #expect(!outcome.output.contains("-> good"), "\(outcome)")
      }
    }

    @Test("doctor measures between nodes with networks of their own") func networks() async throws {
      let number = ProcessInfo.processInfo.processIdentifier
      let names = ["apus\(number)a", "apus\(number)b"]
      let network = "10.9.\(number % 200).0/24"
      let setUp = """
        set -e
        ip netns add \(names[0]); ip netns add \(names[1])
        ip -n \(names[0]) link add v0 type veth peer name v0 netns \(names[1])
        i=0
        for n in \(names[0]) \(names[1]); do
          i=$((i + 1))
          ip -n $n addr add 10.9.\(number % 200).$i/24 dev v0
          ip -n $n link set v0 up; ip -n $n link set lo up
        done
        """
      let takeDown = "ip netns del \(names[0]); ip netns del \(names[1])"
      guard try await shell(setUp) else {
        _ = try await shell(takeDown)
        return print("not run: networks of their own are not permitted here")
      }
      do {
        try await FakeNodes.use(prefix: "ip netns exec $host") { nodes in
          let settings = [
            "OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": network,
            "OMPI_MCA_oob_tcp_if_include": network,
          ].merging(nodes.environment) { $1 }
          let words =
            settings.map { "\($0)='\($1)'" } + [
              "ip", "netns", "exec", names[0], Apus.path, "doctor", "--hosts",
              "\(names[0]),\(names[1])",
            ]
          let report = nodes.folder + "/report"
          #expect(try await shell("env \(words.joined(separator: " ")) > \(report)"))
          let text = try String(contentsOfFile: report, encoding: .utf8)
          #expect(text.contains("\(names[0]) - \(names[1]) sum of one number "), "\(text)")
        }
      } catch {
        _ = try await shell(takeDown)
        throw error
      }
      #expect(try await shell(takeDown))
    }

    private func shell(_ script: String) async throws -> Bool {
      try await Subprocess.run(
        .path("/bin/sh"), arguments: ["-c", script], output: .discarded, error: .discarded
      ).terminationStatus.isSuccess
    }
  }
}

/// Something wrong with the node `bad`.
struct Ailment: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// What the remote shell does instead.
  var cases: String
  var sharedFolder: String?
  var said: [String]

  static let all = [
    Ailment(
      testDescription: "does not answer the remote shell",
      cases: "bad) echo 'ssh: connect to host bad port 22: No route to host' >&2; exit 255 ;;",
      said: [
        "-> bad: ssh: connect to host bad port 22: No route to host (exit code 255); mpirun needs a login",
        "not measured: that needs two nodes that answer",
      ]),
    Ailment(
      testDescription: "lets wait for ever", cases: "bad) exec sleep 100 ;;",
      said: ["-> bad: no answer within 2 s"]),
    Ailment(
      testDescription: "does not have the command",
      cases: "bad) run /nowhere/apus doctor ;;",
      said: ["-> bad: ", "/nowhere/apus", "and this command at "]),
    Ailment(
      testDescription: "has another version",
      cases: #"bad) run "$@" | sed -u 's/"version":"[0-9.]*"/"version":"9.9"/' ;;"#,
      said: ["-> bad: has apus 9.9, here is ", "install the same one on all nodes"]),
    Ailment(
      testDescription: "has no mpirun",
      cases: #"bad) settings="PATH=/nowhere"; run "$@" ;;"#,
      said: ["-> bad: has no mpirun in the PATH of a remote shell, here is mpirun (Open MPI) "]),
    Ailment(
      testDescription: "has other kernels",
      cases: #"bad) settings="OPENBLAS_CORETYPE=Core2"; run "$@" ;;"#,
      said: ["-> bad: computes with ", "OpenBLAS Core2, good with ", "round differently"]),
    Ailment(
      testDescription: "has another time",
      cases: #"""
        bad) case "$*" in
          *orted*) run "$@" ;;
          *) run "$@" | while read -r line; do case $line in
            *nanoseconds*) n=${line##*:}; echo "{\"nanoseconds\":$((${n%?} - 5000000000))}" ;;
            *) echo "$line" ;;
          esac; done ;;
          esac ;;
        """#,
      said: ["-> bad: its clock is 5.0 s behind; let nodes set theirs by NTP", "good - bad "]),
    Ailment(
      testDescription: "has a folder of the same name, which is another one",
      cases: #"""
        bad) case "$*" in
          *orted*) run "$@" ;;
          *) sed -u s/shared/island/ | run "$@" ;;
          esac ;;
        """#, sharedFolder: "shared",
      said: [
        "-> bad: does not see what good has written to ", "(No such file or directory)",
        "that nodes share",
      ]),
    Ailment(
      testDescription: "cannot be reached by mpirun",
      cases: #"bad) case "$*" in *orted*) echo blocked >&2; exit 1 ;; *) run "$@" ;; esac ;;"#,
      said: ["Network\n  -> ", "let nodes reach each other on all TCP ports, or name the network"]),
  ]
}
