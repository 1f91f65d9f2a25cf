import Foundation
import TestSupport

// A program that does something wrong: `ErrorChecks shape`. Without a name, the list of what it can do.
let names = CommandLine.arguments.dropFirst()
guard let name = names.first else {
  for check in ErrorCase.all { print(check.name) }
  exit(0)
}
guard let check = ErrorCase.all.first(where: { $0.name == name }) else {
  FileHandle.standardError.write(Data("no check is called \(name)\n".utf8))
  exit(64)
}
// What fails ends the program, and what is thrown leaves it.
try check.body()
print("went on")
