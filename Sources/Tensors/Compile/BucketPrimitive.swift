/// A primitive whose inputs lie side by side in memory, and whose outputs are that same memory: a bucket of gradients.
protocol BucketPrimitive: Primitive {
  /// What it does with the bucket.
  var role: BucketRole { get }
}

/// A primitive whose kernel may end a step that must not go on.
///
/// Until the last of them has run a plan writes no variable, so that a step that has ended has changed nothing.
package protocol StepGuard: Primitive {
  /// Whether this one may; true unless a primitive says otherwise.
  var mayEndStep: Bool { get }
}

extension StepGuard {
  package var mayEndStep: Bool { true }
}

/// What is done with a bucket.
enum BucketRole {
  /// Its memory is in use from here on, by work in the background.
  case start(any BackgroundWork)
  /// The outputs of its start are there, and nothing in the background touches them any more.
  case wait
}

/// Work that goes on beside the kernels of a plan, such as a message under way.
protocol BackgroundWork: Sendable {
  /// Memory for the bucket that others can reach; nil where the plan's own is as good.
  func sharedMemory(byteCount: Int) -> Storage?

  /// Lets it move on; called between kernels.
  func progress() throws

  /// Returns when nothing of it is left; does nothing when there is none.
  func wait() throws
}

extension Primitive {
  /// What this does with a bucket; nil for nothing.
  var bucketRole: BucketRole? { (self as? any BucketPrimitive)?.role }

  /// Whether this may end a step before anything is written.
  var isStepGuard: Bool { (self as? any StepGuard)?.mayEndStep ?? false }

  /// The work in the background that this starts.
  var startedWork: (any BackgroundWork)? {
    if case .start(let work)? = bucketRole { work } else { nil }
  }
}
