import ArgumentParser
import Engine

/// How gradients travel between ranks that do not reach each other's memory.
enum GradientMessages: String, Sendable, CaseIterable, ExpressibleByArgument {
  case float32, bfloat16, float16, int8

  static var help: ArgumentHelp {
    "Gradients on their way between nodes: float32, bfloat16 or float16 (half of the bytes; sums stay float32), or int8 (a quarter; what is lost is added to the next step's)."
  }

  /// What encodes them; nil for nothing.
  var hook: (any GradientHook)? {
    switch self {
    case .float32: nil
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .int8: .int8
    }
  }
}
