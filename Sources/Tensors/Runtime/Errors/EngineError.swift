/// What Engine throws, as data: who was asked for what, what is wrong, where, and what to do.
///
/// ``description`` makes one line of text of it. Two errors are equal when they are of one kind and say the same.
public struct EngineError: Error, Sendable {
  /// What an error is about.
  public enum Kind: String, Sendable, CaseIterable {
    /// Shapes that an operation cannot work on.
    case shape
    /// Scalar types that an operation cannot work on.
    case dtype
    /// An index outside the bounds of an axis.
    case index
    /// An argument out of its range.
    case invalidArgument
    /// A file that is missing, damaged or of another format.
    case file
    /// Data that does not fit the model or itself.
    case data
    /// A loss, metric or module that asks for a name that does not exist or has no value.
    case injection
    /// A structure of tensors that does not have the form that was asked for.
    case structure
    /// A hook used in another order, number, type or shape than before.
    case hook
    /// A model that cannot do what was asked (no loss, no optimizer, unknown weights, ...).
    case model
    /// Ranks that do not agree, or a collective that failed.
    case distribution
    /// A loss or gradient that is infinite or NaN, on some rank; all ranks throw it.
    case notFinite
    /// A training that a signal has ended, with its state saved: the program that this leaves ends with exit code 75.
    case interrupted
  }

  /// What the error is about.
  public var kind: Kind
  /// What was asked: an operation, layer, callback or variable; empty where the problem says it.
  public var operation: String
  /// The place in a file.
  public var file: FilePosition?
  /// What must be and what was found, or a sentence.
  public var problem: Problem
  /// What to do, where the problem does not say it.
  public var hint: ErrorText?
  /// Where it happened, from the outside to the inside: the module in whose `call` it was, or a metric.
  public var places: [Place]

  /// An error that has not gone through a module yet: ``places`` is empty.
  public init(
    _ kind: Kind, operation: String = "", file: FilePosition? = nil, _ problem: Problem,
    hint: ErrorText? = nil
  ) {
    self.kind = kind
    self.operation = operation
    self.file = file
    self.problem = problem
    self.hint = hint
    places = []
  }

  /// The error itself, without the places around it.
  public var root: EngineError {
    var root = self
    root.places = []
    return root
  }
}

extension EngineError {
  /// What is wrong.
  public enum Problem: Hashable, Sendable {
    /// Something is not as it must be: `rate must be in 0..<1, got 1.5`.
    case requirement(of: ErrorText, must: ErrorText, found: ErrorText)
    /// Something else was expected: `expected [batch, features], got [3]`.
    case expectation(ErrorText, found: ErrorText)
    /// A scalar type that an operation does not work on.
    case unsupported(DType)
    /// Inputs of several scalar types where they must have one.
    case mixed([DType])
    /// An axis that a shape does not have.
    case axis(Int, shape: [Int])
    /// A name that is not among those that there are; a `holder` says who has these.
    case name(String, kind: String, holder: String?, known: [String])
    /// Ranks that must hold the same do not; the same error is thrown on every rank.
    ///
    /// `line` counts from 1; `held` says who has which text there.
    case ranksDisagree(subject: String, line: Int, held: [Holding])
    /// Other ranks have failed, so that this one cannot go on; `text` is what the lowest of them says.
    case failedElsewhere(ranks: [Int], text: String)
    /// A training step in which a loss or gradient is infinite or NaN.
    case notFinite(NonFiniteStep)
    /// Anything else.
    case text(ErrorText)
  }

  /// A training step that ended before it changed anything, because ranks have met numbers that are infinite or NaN.
  public struct NonFiniteStep: Hashable, Sendable {
    /// What a rank has met first; the loss, where it is that too.
    public struct Finding: Hashable, Sendable {
      /// The rank.
      public var rank: Int
      /// `the loss`, or `the gradient of dense/kernel`.
      public var tensor: String
      /// Its first element that is not finite: `nan`, `inf` or `-inf`.
      public var value: String

      /// A tensor of a rank, and the element in it.
      public init(rank: Int, tensor: String, value: String) {
        (self.rank, self.tensor, self.value) = (rank, tensor, value)
      }
    }

    /// The call in which it was: `fit`, `trainOnBatch`.
    public var call: String
    /// Counted from 0; nil outside of `fit`.
    public var epoch: Int?
    /// Counted from 0.
    public var step: Int
    /// One of each rank that has met such a number, in the order of ranks.
    public var findings: [Finding]
    /// How many ranks there are.
    public var ranks: Int

    /// A step and what ranks have met in it.
    public init(call: String, epoch: Int?, step: Int, findings: [Finding], ranks: Int) {
      (self.call, self.epoch, self.step) = (call, epoch, step)
      (self.findings, self.ranks) = (findings, ranks)
    }
  }

  /// Where something happened.
  public enum Place: Hashable, Sendable {
    /// In the `call` of the module with this path.
    case module(String)
    /// In the metric with this name.
    case metric(String)
  }

  /// A place in a file.
  public struct FilePosition: Hashable, Sendable {
    /// A column of a table.
    public enum Column: Hashable, Sendable {
      /// By its name.
      case name(String)
      /// By its number, from 1.
      case number(Int)
    }

    /// The path of the file.
    public var path: String
    /// The part of an archive, or the tensor of a file of tensors.
    public var member: String?
    /// From 1.
    public var line: Int?
    /// The column of a table.
    public var column: Column?
    /// From 0.
    public var byte: Int?

    /// A place in a file.
    public init(
      _ path: String, member: String? = nil, line: Int? = nil, column: Column? = nil,
      byte: Int? = nil
    ) {
      self.path = path
      self.member = member
      self.line = line
      self.column = column
      self.byte = byte
    }
  }

  /// The ranks that hold the same text at the line where ranks differ.
  public struct Holding: Hashable, Sendable {
    /// The ranks, in increasing order.
    public var ranks: [Int]
    /// What they hold; nil when their list has no such line.
    public var text: String?

    /// Some ranks and the text they hold.
    public init(ranks: [Int], text: String?) {
      self.ranks = ranks
      self.text = text
    }
  }
}

extension EngineError.Problem: ExpressibleByStringInterpolation {
  /// A text.
  public init(stringLiteral value: String) { self = .text(ErrorText(stringLiteral: value)) }

  /// A text with values in it.
  public init(stringInterpolation: ErrorText.StringInterpolation) {
    self = .text(ErrorText(stringInterpolation: stringInterpolation))
  }
}

extension EngineError: Equatable {
  /// Whether both are of one kind and say the same.
  public static func == (a: EngineError, b: EngineError) -> Bool {
    a.kind == b.kind && a.description == b.description
  }
}
