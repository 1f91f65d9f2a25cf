import DataFiles
import Foundation
import Tensors
import TensorsTestSupport
import Testing

@Suite("Tables of named columns") struct DataFrameTests {
  private func frame(_ text: String) throws -> DataFrame {
    let path = TemporaryFolder.path("frame-\(UInt64.random(in: 0 ... .max)).csv")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try CSV.readFrame(path)
  }

  private static let houses = """
    area,city,"price, in francs",note
    50.5,Basel,100,
    NA,Aarau,-2e2,"two
    lines"
    ,Basel,"3",n/a
    70,NULL,nan,x
    """

  @Test("Numbers, missing cells and texts by the names of columns")
  func columns() throws {
    let table = try frame(Self.houses)
    #expect(table.columnNames == ["area", "city", "price, in francs", "note"])
    #expect(table.rowCount == 4)
    let area = try table.numbers("area").scalars(as: Float.self)
    #expect(area[0] == 50.5 && area[1].isNaN && area[2].isNaN && area[3] == 70)
    let both = try table.numbers(["price, in francs", "area"])
    #expect(both.shape == [4, 2] && both.dtype == .float32)
    #expect(both.scalars(as: Float.self)[..<3] == [100, 50.5, -200])
    #expect(both.scalars(as: Float.self)[6].isNaN)
    #expect(try table.text("note") == ["", "two\nlines", "n/a", "x"])
    let city = try table.categories("city", missing: "?")
    #expect(city.names == ["?", "Aarau", "Basel"])
    #expect(city.indices.scalars(as: Int.self) == [2, 1, 2, 0] && city.indices.dtype == .int32)
    let known = try table.categories("city", names: ["Basel", "Aarau", "?"], missing: "?")
    #expect(known.indices.scalars(as: Int.self) == [0, 1, 0, 2])
  }

  @Test("What is wrong is named with line and column")
  func errors() throws {
    let table = try frame(Self.houses)
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    #expect(message { _ = try table.numbers("aera") }.contains("did you mean \"area\"?"))
    #expect(
      message { _ = try table.numbers("city") }.hasSuffix(
        "line 2, column \"city\": expected a number or a missing value, found \"Basel\""))
    // The row after the one of two lines.
    #expect(message { _ = try table.categories("city") }.contains("line 6, column \"city\""))
    #expect(
      message { _ = try table.categories("city", names: ["Basel"], missing: "?") }.hasSuffix(
        "line 3, column \"city\": \"Aarau\" is not among the names Basel"))
    #expect(message { _ = try frame("a,b\n1,2\n3\n") }.contains("line 3"))
    #expect(message { _ = try frame("a,a\n1,2\n") }.contains("\"a\""))
    #expect(message { _ = try frame("") }.contains("empty"))
    #expect(try frame("a,b\n").rowCount == 0)
  }
}
