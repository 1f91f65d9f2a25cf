import Engine
import Foundation

/// Runs a command undisturbed, and again while it does harm, and compares the ends.
final class ChaosRun {
  /// What is asked for.
  struct Plan {
    var command: ChaosCommand
    var seed: UInt64
    var faults: Int
    var kinds: [Fault.Kind]
    /// What is compared.
    var items: [OutputComparison.Item]
    /// Seconds in which a training must go on after a fault.
    var patience: Double
    /// Seconds for each of the two runs.
    var timeLimit: Double
    /// Where both runs write.
    var folder: String
  }

  private let plan: Plan
  private let job: ChaosJob
  private var output: String { plan.folder + "/disturbed" }
  private var limit = ContinuousClock.now
  private var progress = TrainingProgress(.init())
  private var survived = 0
  private var done = 0
  private var again = 0

  init(_ plan: Plan) {
    self.plan = plan
    job = ChaosJob(log: plan.folder + "/disturbed.log")
  }

  /// Does it all, and says on standard output what happened.
  ///
  /// - Returns: whether all faults were survived and the ends are equal.
  /// - Throws: ``LauncherError``, or ``ChaosStop/interrupted``; by then nothing runs any more.
  func run() throws -> Bool {
    LinuxProcess.adoptOrphans()
    ChaosSignals.install()
    defer { job.killAll() }
    progress = TrainingProgress(try measureUndisturbed())
    let kinds = try prepareDisk()
    let schedule = FaultSchedule(seed: plan.seed, count: plan.faults, kinds: kinds)
    var problem: String?
    do {
      try disturb(schedule)
    } catch ChaosStop.failed(let text) {
      problem = text
    }
    job.killAll()
    let comparison = OutputComparison(plan.items, output, plan.folder + "/undisturbed")
    if let problem { Console.print("\(problem)\n\(job.lastLines)") }
    if problem == nil { comparison.differences.forEach(Console.print) }
    let ends = problem == nil ? comparison.summary : "the training did not come to its end"
    Console.print("\(survived) of \(counted(plan.faults, "fault")) survived, \(ends)")
    return problem == nil && survived == plan.faults && comparison.areEqual
  }

  // MARK: - Undisturbed

  private func measureUndisturbed() throws -> TrainingProgress.Measure {
    let output = plan.folder + "/undisturbed"
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    let job = ChaosJob(log: plan.folder + "/undisturbed.log")
    defer { job.killAll() }
    limit = .now + .seconds(plan.timeLimit)
    var measure = TrainingProgress.Measure()
    var ranks = 0
    try job.start(plan.command.words(into: output, isAgain: false))
    var begun: ContinuousClock.Instant?
    while job.end == nil {
      try job.wait()
      let here = job.ranks()
      if !here.isEmpty {
        ranks = here.count
        begun = begun ?? .now
      }
      if let place = here.first?.place { measure.add(place) }
      if ContinuousClock.now > limit {
        throw undisturbed(job, "has not ended within \(Int(plan.timeLimit)) s (--time-limit)")
      }
    }
    measure.seconds = begun.map { (ContinuousClock.now - $0) / .seconds(1) } ?? 0
    guard job.end == .code(0) else {
      throw undisturbed(job, "ended with \(job.end?.text ?? "nothing")")
    }
    guard ranks > 0 else {
      throw undisturbed(
        job, "has shown no ranks: the command must start them, as apus run -n 2 does")
    }
    let size =
      measure.steps > 0
      ? "\(counted(measure.epochs, "epoch")) of \(counted(measure.steps, "step"))"
      : "no places of ranks, so moments are counted in time"
    let time = String(format: "%.1f s", measure.seconds)
    Console.print("undisturbed: \(counted(ranks, "rank")), \(size), \(time)")
    return measure
  }

  private func undisturbed(_ job: ChaosJob, _ text: String) -> LauncherError {
    .chaos("the undisturbed run \(text)\n\(job.lastLines)")
  }

  /// A disk of limited size as output folder, if it is to be filled.
  ///
  /// - Returns: the kinds of faults that can be done.
  private func prepareDisk() throws -> [Fault.Kind] {
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    guard plan.kinds.contains(.disk) else { return plan.kinds }
    guard let problem = LinuxProcess.mountMemory(at: output, bytes: 256 << 20) else {
      return plan.kinds
    }
    Console.note("disk is left out: a disk of limited size cannot be mounted here (\(problem))")
    let kinds = plan.kinds.filter { $0 != .disk }
    if kinds.isEmpty { throw LauncherError.chaos("--kinds disk: nothing is left to do") }
    return kinds
  }

  // MARK: - Disturbed

  private func disturb(_ schedule: FaultSchedule) throws {
    limit = .now + .seconds(plan.timeLimit)
    try job.start(plan.command.words(into: output, isAgain: false))
    for fault in schedule.faults {
      let ranks = try awaitMoment(of: fault)
      try harm(fault, ranks)
    }
    while job.end == nil { try wait("the training has not ended") }
    guard job.end == .code(0) else {
      throw ChaosStop.failed("after the last fault the command ended with \(ending)")
    }
    let left = try job.awaitEnd(of: job.tree.processes, seconds: 5)
    if !left.isEmpty {
      throw ChaosStop.failed("the command has ended, and left behind \(Self.names(left))")
    }
  }

  private var ending: String { job.end?.text ?? "nothing" }

  private func wait(_ problem: String) throws {
    try job.wait()
    if ContinuousClock.now > limit {
      throw ChaosStop.failed("\(problem) within \(Int(plan.timeLimit)) s (--time-limit)")
    }
  }

  /// Waits until all ranks are there and the training is as far as a fault wants it.
  private func awaitMoment(of fault: Fault) throws -> [ChaosRank] {
    while true {
      try wait("the moment of fault \(done + 1) has not come")
      let ranks = job.ranks()
      if job.end != nil {
        throw ChaosStop.failed(
          "the command ended with \(ending) before fault \(done + 1) of \(plan.faults)"
            + (job.end == .code(0) ? ": let it train for longer" : ""))
      }
      let part = progress.part(ranks.first?.place, areAllHere: !ranks.isEmpty)
      guard !ranks.isEmpty, part >= fault.moment else { continue }
      // A damaged state is survived by going on from the one before.
      if fault.kind == .flip, StateFlip.states(output).count < 2, part < 0.9 { continue }
      return ranks
    }
  }

  private func harm(_ fault: Fault, _ ranks: [ChaosRank]) throws {
    let place = ranks.first?.place
    let start = ContinuousClock.now
    done += 1
    again = 0
    guard var deed = try Harm(job: job, output: output).do(fault, to: ranks) else {
      throw ChaosStop.failed("fault \(done), \(fault.kind): there was nothing to do it to")
    }
    var notes: [String] = []
    defer { deed.undo?.action() }
    while true {
      try wait("fault \(done) was not over")
      if let undo = deed.undo, ContinuousClock.now >= undo.at {
        undo.action()
        deed.undo = nil
      }
      if job.end == .code(0), !fault.endsCommand || again > 0 || fault.kind == .notice { break }
      // A full disk lets no other try write either.
      if job.end != nil, deed.undo == nil {
        notes += try startAgain(fault, gone: deed.gone)
        continue
      }
      if deed.undo == nil, hasGoneOn(fault, deed, from: place) { break }
      if ContinuousClock.now - start > .seconds(plan.patience) {
        throw ChaosStop.failed(
          "\(line(deed, place)): no step within \(Int(plan.patience)) s (--patience)")
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let next = job.end == nil ? "next step after" : "the training ended after"
    let text = "\(line(deed, place)): \(next) \(String(format: "%.1f", seconds)) s"
    Console.print(([text] + notes).joined(separator: "; "))
    survived += 1
  }

  private func line(_ deed: Harm.Deed, _ place: TrainingPlace?) -> String {
    "fault \(done): \(deed.text)" + (place.map { " in \($0)" } ?? "")
  }

  /// Whether the training has made a step since a fault.
  private func hasGoneOn(_ fault: Fault, _ deed: Harm.Deed, from place: TrainingPlace?) -> Bool {
    let ranks = job.ranks()
    guard let first = ranks.first, !ranks.contains(where: { deed.gone.contains($0.process) }) else {
      return false
    }
    // Programs that say no places are where their ranks are.
    guard let place else { return true }
    guard let now = first.place else { return false }
    return fault.sparesRanks ? now != place : now.step > 0
  }

  /// Starts the command again, as an operator does, if a fault may end it.
  ///
  /// - Returns: what there is to say.
  private func startAgain(_ fault: Fault, gone: Set<ProcessTree.Process>) throws -> [String] {
    let end = ending
    if plan.command.restartsItself, !fault.endsCommand, fault.kind != .disk {
      throw ChaosStop.failed("fault \(done), \(fault.kind): the command ended with \(end)")
    }
    again += 1
    if again > 3 {
      throw ChaosStop.failed(
        "fault \(done), \(fault.kind): started again 3 times, it ended with \(end)")
    }
    let left = try job.awaitEnd(of: Array(gone.union(job.tree.processes)), seconds: 5)
    if !left.isEmpty {
      throw ChaosStop.failed(
        "fault \(done), \(fault.kind): 5 s after the end of the command there was still \(Self.names(left))"
      )
    }
    var notes = ["started again after \(end)"]
    if fault.kind == .flip, again == 1 {
      notes.append(StateFlip.flip(output, fault) ?? "no bit turned over: there were no two states")
    }
    try job.start(plan.command.words(into: output, isAgain: true))
    return notes
  }

  private static func names(_ processes: [ProcessTree.Process]) -> String {
    processes.map { "\($0.name) (\($0.number))" }.joined(separator: ", ")
  }
}
