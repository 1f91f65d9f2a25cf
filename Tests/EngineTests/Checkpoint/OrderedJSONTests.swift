import Engine
import Testing

@Suite struct OrderedJSONTests {
  @Test(
    "values of every kind are read",
    arguments: [
      ("null", OrderedJSON.null), (" true ", .bool(true)), ("false", .bool(false)),
      ("0", .integer(0)), ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.5e2", .number(150)),
      ("[]", .array([])), ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
      ("{}", .object([:])),
      ("{\"b\":1,\"a\":{}}", .object(["b": .integer(1), "a": .object([:])])),
      ("\"\"", .string("")), (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
      (#""\u00e9\ud83d\udc26é""#, .string("é\u{1F426}é")),
    ])
  func values(text: String, value: OrderedJSON) throws {
    #expect(try OrderedJSONParser.parse(Array(text.utf8)) == value)
  }

  @Test(
    "anything else is refused with its place",
    arguments: [
      ("", 0), ("  ", 2), ("nul", 0), ("tru", 0), ("+1", 0), ("01", 0), ("1.", 2), ("1e", 2),
      ("-", 0), (".5", 0), ("NaN", 0), ("[1,]", 3), ("[1 2]", 3), ("{,}", 1), ("{\"a\"}", 4),
      ("{\"a\":1,}", 7), ("{a:1}", 1), ("{\"a\":1,\"a\":2}", 7), ("\"", 0), ("\"\\x\"", 1),
      ("\"\\u12\"", 5), ("\"\\ud800\"", 1), ("\"\\ud800\\u0041\"", 1), ("\"\n\"", 1), ("1 1", 2),
      (String(repeating: "[", count: 100_000), 64),
    ])
  func refused(text: String, position: Int) {
    #expect {
      try OrderedJSONParser.parse(Array(text.utf8))
    } throws: { error in
      (error as? OrderedJSONParser.Problem)?.position == position
    }
  }

  @Test("bytes that are no UTF-8 are refused")
  func notUTF8() {
    #expect(throws: OrderedJSONParser.Problem.self) {
      try OrderedJSONParser.parse([0x22, 0xFF, 0x22])
    }
  }

  @Test("a quoted text is read as itself", arguments: ["", "a\"b\\c\n\r\t\u{0}\u{1F}é\u{1F426}/"])
  func quoted(text: String) throws {
    let quoted = OrderedJSON.quoted(text)
    #expect(try OrderedJSONParser.parse(Array(quoted.utf8)) == .string(text))
  }
}
