import Foundation

/// Behaviour between real processes: `mpirun -n 4 MPIChecks all-reduce`. Without a name, the list.
@main
enum Main {
  static func main() throws {
    let names = Array(CommandLine.arguments.dropFirst())
    guard let name = names.first, names.count == 1 else {
      for check in Check.all { print(check.name) }
      return
    }
    guard let check = Check.all.first(where: { $0.name == name }) else {
      FileHandle.standardError.write(Data("no check is called \(name)\n".utf8))
      exit(64)
    }
    try check.run()
  }
}
