import Foundation
import Tensors

/// A block of raw memory that lives as long as this object.
///
/// Foundation's `Data` checks bounds and ownership at every subscript; readers that look at every
/// byte of a file want a plain pointer instead, and a failed allocation as an error, not a trap.
package final class OwnedBytes {
  /// The number of bytes in use.
  package private(set) var count: Int
  private var capacity: Int
  private var memory: UnsafeMutableRawPointer

  /// Memory for `capacity` bytes, none of them in use yet; nil when the system has none to give.
  package init?(capacity: Int) {
    guard capacity >= 0, let memory = malloc(max(capacity, 1)) else { return nil }
    self.memory = memory
    self.capacity = max(capacity, 1)
    self.count = 0
  }

  deinit { free(memory) }

  /// The memory that is not in use yet.
  package var unused: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: memory + count, count: capacity - count)
  }

  /// Counts `bytes` more of the unused memory as used.
  package func use(_ bytes: Int) {
    guard bytes >= 0, bytes <= capacity - count else {
      fatalError("OwnedBytes.use: \(bytes) bytes asked for, \(capacity - count) are unused")
    }
    count += bytes
  }

  /// Counts all memory as unused again.
  package func clear() { count = 0 }

  /// Makes room for `bytes` bytes in total; false when the system has none to give.
  package func grow(to bytes: Int) -> Bool {
    guard bytes > capacity else { return true }
    guard let larger = realloc(memory, bytes) else { return false }
    memory = larger
    capacity = bytes
    return true
  }

  /// Calls `body` with the bytes in use; the pointer is valid only inside it.
  package func withBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: memory, count: count))
  }
}
