import CKernels
import Engine
import Foundation

/// mpirun or srun, as a child of this process that leads a process group of its own, and its streams.
struct JobStarter {
  let process: Int32
  /// Its standard output and errors.
  private(set) var output: Int32
  private(set) var errors: Int32
  /// How it ended.
  private(set) var end: ExitStatus?
  /// What is taken away when it has been killed.
  var leftovers: OpenMPILeftovers?

  /// Starts `words`.
  ///
  /// - Parameters:
  ///   - words: the command line.
  ///   - input: what it reads; negative for this process's own input.
  ///   - deathSignal: what it gets when this process has been killed.
  /// - Throws: ``LauncherError/cannotStart(program:reason:)``.
  init(_ words: [String], input: Int32, deathSignal: Int32) throws {
    guard let output = Descriptor.pipe(), let errors = Descriptor.pipe() else {
      throw LauncherError.cannotStart(program: words[0], reason: systemReason(errno))
    }
    let child = apus_start_child(
      words[0], ProgramStart.arguments(words), [input, output.write, errors.write], 1,
      deathSignal)
    close(output.write)
    close(errors.write)
    guard child > 0 else {
      close(output.read)
      close(errors.read)
      throw LauncherError.cannotStart(program: words[0], reason: systemReason(-child))
    }
    (process, self.output, self.errors) = (child, output.read, errors.read)
  }

  /// Asks whether it has ended.
  ///
  /// - Returns: whether it has.
  mutating func hasEnded() -> Bool {
    var status: Int32 = 0
    if end == nil, waitpid(process, &status, WNOHANG) == process { end = ExitStatus(status) }
    return end != nil
  }

  /// Takes away what it could not, when it has been killed and its ranks have ended.
  func tidy() { if end?.signal != nil { leftovers?.remove() } }

  /// Sends it a signal, unless it has ended.
  func signal(_ number: Int32) { if end == nil { kill(process, number) } }

  /// What it wrote.
  mutating func read(isError: Bool) -> [UInt8] {
    let descriptor = isError ? errors : output
    guard descriptor >= 0 else { return [] }
    if let bytes = Descriptor.read(descriptor) { return bytes }
    close(descriptor)
    if isError { errors = -1 } else { output = -1 }
    return []
  }

  /// Closes its streams.
  mutating func closeStreams() {
    for descriptor in [output, errors] where descriptor >= 0 { close(descriptor) }
    (output, errors) = (-1, -1)
  }
}

extension RankProcess {
  /// Sends a signal to a rank of this machine and all processes of its group.
  func signal(_ number: Int32) {
    guard isHere else { return }
    if group > 1, group != getpgrp() {
      kill(-group, number)
    } else {
      for process in [program, parent] where process > 1 { kill(process, number) }
    }
  }

  /// Whether the process beside the rank is there, if only because its parent has not asked yet how it ended.
  var isKnown: Bool { ProcessTable.state(of: parent) != nil }

  /// Whether the rank of this machine still runs.
  var isAlive: Bool { isHere && (ProcessTable.isAlive(program) || ProcessTable.isAlive(parent)) }
}
