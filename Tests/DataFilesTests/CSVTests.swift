import DataFiles
import Tensors
import Testing

@Suite struct CSVTests {
  private func read(
    _ text: String, label: CSV.Column = .last, header: CSV.Header = .automatic,
    delimiter: Character = ","
  ) throws -> (features: Tensor, labels: Tensor) {
    try DataFixture.withFile(Array(text.utf8)) { path in
      try CSV.read(path, label: label, header: header, delimiter: delimiter)
    }
  }

  @Test(
    "line ends, quotes, blanks, a byte order mark and blank lines at the end do not matter",
    arguments: [
      "1,2.5,3\r-4,5e1,6\r", "1,2.5,3\r-4,5e1,6", "a,b,c\r1,2.5,3\r-4,5e1,6\r",
      "\"a,\rb\",c,d\r1,2.5,3\r-4,50,6\r\r",
      "1,2.5,3\n-4,5e1,6\n", "1,2.5,3\n-4,5e1,6", "1,2.5,3\r\n-4,5e1,6\r\n",
      "\"1\",\"2.5\",3\n\"-4\", \"5e1\" ,6\n", " 1 ,\t2.5, 3\n-4 ,50.0,6 \n\n\r\n",
      "\u{FEFF}1,2.5,3\n-4,+5e+1,6\n", "a,b,c\n1,2.5,3\n-4,50,6\n",
      "\"a, or \"\"b\"\"\nand\",c,d\n1,2.5,3\n-4,50,6\n", ",,\n1,2.5,3\n-4,50,6\n",
    ])
  func sameTable(text: String) throws {
    let (features, labels) = try read(text)
    #expect(features.spec == TensorSpec([2, 2], .float32))
    #expect(features.scalars(as: Double.self) == [1, 2.5, -4, 50])
    #expect(labels.spec == TensorSpec([2], .int32))
    #expect(labels.scalars(as: Double.self) == [3, 6])
  }

  @Test("a gzip table is read like a plain one")
  func compressed() throws {
    let (features, labels) = try CSV.read(DataFixture.path("plain.csv.gz"))
    let left = DataFixture.values(8)
    #expect(features.shape == [8, 2])
    #expect(
      features.scalars(as: Double.self) == (0..<8).flatMap { [left[$0], Double($0) / 4] })
    #expect(labels.scalars(as: Double.self) == (0..<8).map { Double($0 % 3) })
  }

  @Test(
    "the label may be any column, by place or by name",
    arguments: [
      (CSV.Column.first, [1.0, 4], [2.0, 3, 5, 6]), (.last, [3, 6], [1, 2, 4, 5]),
      (.index(1), [2, 5], [1, 3, 4, 6]), (.index(-2), [2, 5], [1, 3, 4, 6]),
      (.name("a"), [1, 4], [2, 3, 5, 6]),
    ] as [(CSV.Column, [Double], [Double])])
  func labelColumn(label: CSV.Column, labels: [Double], features: [Double]) throws {
    let table = try read("a,b,c\n1,2,3\n4,5,6\n", label: label)
    #expect(table.labels.scalars(as: Double.self) == labels)
    #expect(table.features.scalars(as: Double.self) == features)
  }

  @Test(
    "labels may be names, which are numbered in ascending order",
    arguments: [
      "1,2,oak\n3,4,ash\n5,6,oak\n", "a,b,tree\n1,2,oak\n3,4,ash\n5,6,oak\n",
      "1,2, \"oak\" \r\n3,4,ash\r\n5,6,oak\r\n",
    ])
  func textLabels(text: String) throws {
    try DataFixture.withFile(Array(text.utf8)) { path in
      let examples = try CSV.readExamples(path)
      #expect(examples.classNames == ["ash", "oak"])
      #expect(examples.labels.scalars(as: Int.self) == [1, 0, 1])
      #expect(examples.labels.dtype == .int32)
      #expect(examples.features.scalars(as: Int.self) == [1, 2, 3, 4, 5, 6])
    }
  }

  @Test("labels beyond float32 and beyond double stay apart")
  func longLabels() throws {
    let labels: [Int64] = [3_000_000_000, 3_000_000_001, 9_007_199_254_740_993, .max, .min]
    let text = labels.map { "0,\($0)\n" }.joined()
    #expect(try read(text).labels.scalars(as: Int64.self) == labels)
  }

  @Test(
    "a header whose names are numbers is told by its label",
    arguments: [
      // A data frame without names, and one with its index.
      ("0,1,species\n1.5,2,oak\n3,4,ash\n5,6,oak\n", ["ash", "oak"]),
      ("0,1,species\n1,2,oak\n3,4,ash\n5,6,oak\n", ["ash", "oak"]),
      ("2019,2020,label\n1.5,2,oak\n3,4,ash\n5,6,oak\n", ["ash", "oak"]),
      ("2019,2020,label\n1.5,2,1\n3,4,0\n5,6,1\n", []),
      ("0,1,2\n1.5,2,oak\n3,4,ash\n5,6,oak\n", ["ash", "oak"]),
    ] as [(String, [String])])
  func numericHeader(text: String, classes: [String]) throws {
    try DataFixture.withFile(Array(text.utf8)) { path in
      let examples = try CSV.readExamples(path)
      #expect(examples.classNames == classes)
      #expect(examples.labels.scalars(as: Int.self) == [1, 0, 1])
      #expect(examples.features.shape == [3, 2])
      #expect(
        examples.columnNames
          == text.split(separator: "\n")[0].split(separator: ",").map(String.init))
      #expect(examples.labelColumn == 2)
      let doubt = try #require(examples.doubt)
      #expect(doubt.contains("was taken for names of columns"))
      // What was guessed can be said, and the other way too.
      let told = try CSV.readExamples(path, header: .present)
      #expect(told.labels.scalars(as: Int.self) == [1, 0, 1])
      #expect(told.doubt == nil)
      if !classes.isEmpty, text.contains("species") {
        let data = try CSV.readExamples(path, header: .absent)
        #expect(data.features.shape == [4, 2])
        #expect(data.classNames == ["ash", "oak", "species"])
      }
    }
  }

  @Test("an index of a data frame is a feature, and there is a word about it")
  func index() throws {
    for header in [",0,1,species", ",a,b,species"] {
      let text = header + "\n0,1.5,2,oak\n1,3,4,ash\n2,5,6,oak\n"
      try DataFixture.withFile(Array(text.utf8)) { path in
        let examples = try CSV.readExamples(path)
        #expect(examples.features.shape == [3, 3])
        #expect(examples.classNames == ["ash", "oak"])
        let doubt = try #require(examples.doubt)
        #expect(doubt.contains("is it an index and no feature?"))
      }
    }
  }

  @Test(
    "a first row that looks like others is data",
    arguments: [
      // Its label is that of other rows; it is the only one of its class, but its numbers are as whole as the others', or
      // are not whole.
      ("5,3,oak\n1.5,2,ash\n3,4,oak\n", false), ("2019,2020,oak\n1,2,ash\n3,4,ash\n", true),
      ("5.5,3,oak\n1.5,2,ash\n3,4,ash\n", false), ("5,5,oak\n1.5,2,ash\n3,4,ash\n", false),
      ("1,2,0\n3,4,1\n5,6,1\n", false), ("0,1,2\n3,4,1\n5,6,2\n", true),
    ] as [(String, Bool)])
  func firstRow(text: String, isDoubtful: Bool) throws {
    try DataFixture.withFile(Array(text.utf8)) { path in
      let examples = try CSV.readExamples(path)
      #expect(examples.features.shape == [3, 2])
      #expect(examples.columnNames.isEmpty)
      #expect((examples.doubt?.contains("was taken for a row") ?? false) == isDoubtful)
    }
  }

  @Test("a label that is named tells that there are names")
  func namedLabel() throws {
    let table = try read("0,1,2\n5,6,7\n8,9,10\n", label: .name("1"))
    #expect(table.features.scalars(as: Int.self) == [5, 7, 8, 10])
    #expect(table.labels.scalars(as: Int.self) == [6, 9])
  }

  @Test("names of classes that are not UTF-8 are refused, not taken for one another")
  func notUTF8() throws {
    let rows: [[UInt8]] = [Array("1,bl".utf8) + [0xE9, 0x0A], Array("2,bl".utf8) + [0xE8, 0x0A]]
    try DataFixture.withFile(rows.flatMap(\.self)) { path in
      DataFixture.expectFileError(path, ["line 1, column 2", "not UTF-8"]) {
        _ = try CSV.read(path)
      }
    }
    let text = "1,ash\n2,oak\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    try DataFixture.withFile([0xFF, 0xFE] + text) { path in
      DataFixture.expectFileError(path, ["found UTF-16"]) { _ = try CSV.read(path) }
    }
    // As UTF-8 they are two classes.
    try DataFixture.withFile(Array("1,blé\n2,blè\n".utf8)) { path in
      let examples = try CSV.readExamples(path)
      #expect(examples.classNames == ["blè", "blé"])
    }
  }

  @Test(
    "labels are int32 or int64 when all are written as whole numbers, else float32",
    arguments: [
      ("0,1\n0,-2\n", DType.int32), ("0,1\n0,2.0\n", .float32), ("0,1\n0,2147483648\n", .int64),
      ("0,1e0\n", .float32), ("0,nan\n", .float32),
    ])
  func labelType(text: String, dtype: DType) throws {
    #expect(try read(text).labels.dtype == dtype)
  }

  @Test(
    "numbers are read as the standard library reads them",
    arguments: [
      "0", "-0", "1", "+1", "007", ".5", "5.", "-.25", "1e3", "1E-3", "3.14159265358979",
      "123456789012345678", "12345678901234567890123", "9007199254740993", "1e22", "1e23", "1e-22",
      "1e-40", "3.4028235e38", "1e39", "1e400", "0.1", "2.2250738585072011e-308",
      "0.000000000000000000000000000001", "16777217", "1e-5000", "1e00005", "1e0000000005",
    ])
  func numbers(text: String) throws {
    let expected = try #require(Double(text))
    let (features, _) = try read("\(text),1\n", header: .absent)
    #expect(features.scalars(as: Float.self).map(\.bitPattern) == [Float(expected).bitPattern])
  }

  @Test("nan and infinities are numbers in any spelling")
  func special() throws {
    let (features, _) = try read("nan,inf,-Infinity,NaN,+INF,0\n")
    let values = features.scalars(as: Double.self)
    #expect(values[0].isNaN && values[3].isNaN)
    #expect([values[1], values[2], values[4]] == [.infinity, -.infinity, .infinity])
  }

  @Test("another delimiter separates the cells", arguments: [";", "\t", " ", "|"] as [Character])
  func delimiters(delimiter: Character) throws {
    let (features, labels) = try read(
      "1\(delimiter)2\(delimiter)3\n", delimiter: delimiter)
    #expect(features.scalars(as: Double.self) == [1, 2])
    #expect(labels.scalars(as: Double.self) == [3])
  }

  @Test("a delimiter that is part of a number is refused", arguments: ["1", "e", "\"", "\n", "é"])
  func badDelimiter(delimiter: String) throws {
    let character = try #require(delimiter.first)
    #expect {
      try read("1,2\n", delimiter: character)
    } throws: { error in
      (error as? EngineError)?.kind == .invalidArgument
    }
  }

  @Test("a table without a label keeps its names")
  func matrix() throws {
    try DataFixture.withFile(Array("a,b\n1,2\n3,4\n5,6\n".utf8)) { path in
      let (names, values) = try CSV.readMatrix(path)
      #expect(names == ["a", "b"])
      #expect(values.spec == TensorSpec([3, 2], .float32))
      #expect(values.scalars(as: Double.self) == [1, 2, 3, 4, 5, 6])
    }
  }

  @Test(
    "a bad table is refused with the line, the column and what was found",
    arguments: [
      ("", ["empty file"]), ("\n\n", ["empty file"]),
      ("1,2\n3,x\n", ["line 2, column 2", "expected a number", "\"x\""]),
      ("1,2\n3,1.2.3\n", ["line 2, column 2", "\"1.2.3\""]),
      ("1,2\n3,0x10\n", ["line 2, column 2", "\"0x10\""]),
      ("1,2\n3,1_000\n", ["line 2, column 2", "\"1_000\""]),
      ("1,2\n3,--4\n", ["line 2, column 2", "\"--4\""]),
      ("1,2\n3,\n", ["line 2, column 2", "an empty cell"]),
      ("1,2\n\n3,4\n", ["line 2, column 1", "an empty cell"]),
      ("1,2\n3\n", ["line 2", "expected 2 cells as in line 1", "found 1"]),
      ("1,2\n3,4,5\n", ["line 2", "expected 2 cells as in line 1", "found more"]),
      ("1,2\n3,4,\n", ["line 2", "expected 2 cells as in line 1", "found more"]),
      ("a,b\n3,4,5\n", ["line 2", "expected 2 cells as in line 1", "found more"]),
      ("\"a\nb\",c\n1,2\n3,?\n", ["line 4, column 2", "\"?\""]),
      ("a,2\n3,4\n", ["line 1, column 1", "\"a\"", "header: .present"]),
      ("1,2\n\"3,4\n", ["line 2, column 1", "never closed"]),
      ("1,2\n\"3\"4,4\n", ["line 2, column 1", "after its closing quote", "\"4\""]),
      ("a,b\n", ["line 2", "after the header", "end of the file"]),
      ("1\n2\n", ["line 1", "at least one feature", "delimiter"]),
      ("1;2\n3;4\n", ["line 2", "at least one feature", "delimiter"]),
      ("1,2,3\n4,5,six\n", ["line 2, column 3", "\"six\""]),
      ("0,1,2\n3,4,a\n5,6,7\n", ["line 3, column 3", "name of a class", "the number 7"]),
      ("1,x\n3,4\n5,y\n", ["line 3, column 2", "expected a number", "\"y\""]),
      ("1,x\n3,y\n5,4\n", ["line 3, column 2", "name of a class", "the number 4"]),
      (
        "0,1\n0,99999999999999999999\n", ["line 2", "99999999999999999999", "does not fit 64 bits"]
      ),
      ("1,x\n3,\n", ["line 2, column 2", "name of a class", "an empty cell"]),
      ("1,x\ny,z\n", ["line 2, column 1", "expected a number", "\"y\""]),
      ("1,2\r3,x\r", ["line 2, column 2", "\"x\""]),
    ] as [(String, [String])])
  func damage(text: String, texts: [String]) throws {
    try DataFixture.withFile(Array(text.utf8)) { path in
      DataFixture.expectFileError(path, texts) { _ = try CSV.read(path) }
    }
  }

  @Test("a column that does not exist is refused with those that do")
  func noColumn() throws {
    try DataFixture.withFile(Array("a,b\n1,2\n".utf8)) { path in
      DataFixture.expectFileError(path, ["\"c\"", "the columns are a, b"]) {
        _ = try CSV.read(path, label: .name("c"))
      }
      DataFixture.expectFileError(path, ["no column 2", "there are 2"]) {
        _ = try CSV.read(path, label: .index(2))
      }
    }
    try DataFixture.withFile(Array("1,2\n".utf8)) { path in
      DataFixture.expectFileError(path, ["\"c\"", "no header"]) {
        _ = try CSV.read(path, label: .name("c"))
      }
    }
  }

  @Test("a million cells keep their values")
  func large() throws {
    var text = ""
    for row in 0..<20_000 {
      let cells = (0..<50).map { "\(Double((row * 50 + $0) % 4096) / 8)" }
      text += cells.joined(separator: ",") + ",\(row % 10)\n"
    }
    let (features, labels) = try read(text)
    #expect(features.shape == [20_000, 50])
    #expect(
      features.scalars(as: Float.self) == (0..<1_000_000).map { Float($0 % 4096) / 8 })
    #expect(labels.scalars(as: Int32.self) == (0..<20_000).map { Int32($0 % 10) })
  }
}
