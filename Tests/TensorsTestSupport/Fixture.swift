import Foundation
import Tensors

/// One file of expected numbers, computed by `Tests/Reference/make_fixtures.py`.
///
/// The README beside that script describes the files.
///
/// ```swift
/// @Test(arguments: try Fixture.load("losses", from: .module).cases)
/// func lossOfKeras(example: FixtureCase) throws {
///   let yTrue = try example["y_true"].tensor()
///   ...
/// }
/// ```
package struct Fixture: Sendable {
  /// The file's name without `.json`.
  package let name: String

  /// The whole file: its `cases` and whatever they share.
  package let root: JSONValue

  /// The cases in the order of the file.
  package let cases: [FixtureCase]

  /// The fixture `name`.json in the folder `Fixtures/reference` of a test target's resources, its `Bundle.module`.
  ///
  /// - Parameters:
  ///   - name: without the extension.
  ///   - bundle: that of the test target.
  /// - Returns: the cases in it.
  /// - Throws: ``JSONValueError`` when there is no such file, or `DecodingError` when it is not JSON.
  package static func load(_ name: String, from bundle: Bundle) throws -> Fixture {
    let folder = "Fixtures/reference"
    guard let url = bundle.url(forResource: name, withExtension: "json", subdirectory: folder)
    else {
      throw JSONValueError(
        description: """
          no \(name).json in \(folder) of the test's resources: Tests/Reference/make_fixtures.py \
          writes it
          """)
    }
    let root = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: url))
    let cases = try root["cases"].elements().map(FixtureCase.init)
    return Fixture(name: name, root: root, cases: cases)
  }

  /// A value that the cases share: `try fixture["data"]`.
  package subscript(key: String) -> JSONValue { get throws { try root[key] } }

  /// The cases of one class: `fixture.cases(of: "Huber")`.
  package func cases(of className: String) -> [FixtureCase] {
    cases.filter { $0.className == className }
  }
}

/// One example of a ``Fixture``; a test that takes it as an argument is reported under its name.
package struct FixtureCase: Sendable, Hashable, CustomStringConvertible {
  /// What distinguishes the case, unique in its file.
  package let name: String

  /// All that the file says of the case.
  package let value: JSONValue

  /// A case from its JSON object, which must have a `name`.
  package init(_ value: JSONValue) throws {
    self.name = try value["name"].string()
    self.value = value
  }

  /// The name.
  package var description: String { name }

  /// Keras's name of the class under test; nil in files whose cases are not of classes.
  package var className: String? { try? value["class"].string() }

  /// A value of the case: `try example["y_true"].tensor()`.
  package subscript(key: String) -> JSONValue { get throws { try value[key] } }

  /// A value that may be missing or null.
  package func optional(_ key: String) -> JSONValue? { value.optional(key) }

  /// An argument of the constructor under Keras's name, such as `label_smoothing`; nil when the
  /// default is meant.
  package func argument(_ key: String) -> JSONValue? { value.optional("arguments")?.optional(key) }
}
