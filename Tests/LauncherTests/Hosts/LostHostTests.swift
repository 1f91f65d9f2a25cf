import Launcher
import Testing

/// Which entry of a list of hosts is meant, and which connection is dead: tables, nothing is started.
@Suite("Lost hosts") struct LostHostTests {
  @Test("are entries of the list, whatever they call themselves") func names() throws {
    let hosts = try HostList(text: "10.0.0.1:2,10.0.0.2:2,gpu-3.example.org:2,b:1")
    // The ranks fill the hosts in order.
    let ranks: [String?] = ["head", nil, nil, "b2", "gpu-3", "gpu-3"]
    #expect(hosts.names(of: "b2", ranks: ranks) == ["10.0.0.2"])
    #expect(hosts.names(of: "b2.example.org", ranks: ranks) == ["10.0.0.2"])
    #expect(hosts.names(of: "head", ranks: ranks) == ["10.0.0.1"])
    #expect(hosts.names(of: "gpu-3", ranks: ranks) == ["gpu-3.example.org"])
    // Names that mpirun or ssh say, also of hosts whose ranks have said nothing.
    #expect(hosts.names(of: "10.0.0.2", ranks: ranks) == ["10.0.0.2"])
    #expect(hosts.names(of: "b", ranks: ranks) == ["b"])
    #expect(hosts.names(of: "other", ranks: ranks) == ["other"])
    // One host that is named by two addresses.
    let twice = try HostList(text: "10.0.0.1,10.0.1.1,c")
    #expect(twice.names(of: "a", ranks: ["a", "a", "c"]) == ["10.0.0.1", "10.0.1.1"])
  }

  @Test("are seen by what TCP sends again and again") func retransmissions() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0201A8C0:8FA2 0101A8C0:B5E1 01 00000200:00000000 01:00000A11 0000000C     0        0 501 2 00000000c6d58a36 100 0 0 10 0
         1: 0201A8C0:8FA3 0101A8C0:B5E1 02 00000001:00000000 01:00000A11 0000000F     0        0 502 2 00000000c6d58a37 100 0 0 10 0
         2: 0201A8C0:8FA4 0101A8C0:B5E1 01 00000000:00000000 02:00000A11 00000003     0        2 503 2 00000000c6d58a38 100 0 0 10 0
         3: 0201A8C0:8FA5 0101A8C0:B5E1 01 00010E0C:00000000 04:0000023E 00000000     0       10 504 2 00000000c6d58a39 20 4 1 209 -1
      """
    #expect(DaemonConnection.mostAttempts(in: table, of: ["501", "503"]) == 12)
    #expect(DaemonConnection.mostAttempts(in: table, of: ["503"]) == 3)
    // Its packets do not leave the machine.
    #expect(DaemonConnection.mostAttempts(in: table, of: ["503", "504"]) == 10)
    // One that is only being made, and one of another process.
    #expect(DaemonConnection.mostAttempts(in: table, of: ["502"]) == 0)
    #expect(DaemonConnection.mostAttempts(in: table, of: []) == 0)
    #expect(DaemonConnection.mostAttempts(in: "", of: ["501"]) == 0)
  }
}
