import DataFiles
import Tensors
import Testing

@Suite struct DigitsTests {
  @Test("the digits that come with the package load")
  func load() throws {
    let (images, labels) = try Digits.load()
    #expect(images.spec == TensorSpec([1797, 8, 8], .float32))
    #expect(labels.spec == TensorSpec([1797], .int32))
    let pixels = images.scalars(as: Float.self)
    // The first row of the first image, a zero; facts that scikit-learn's description states.
    #expect(Array(pixels.prefix(8)) == [0, 0, 5, 13, 9, 1, 0, 0])
    #expect(pixels.min() == 0)
    #expect(pixels.max() == 16)
    let values = labels.scalars(as: Int32.self)
    let counts = (0..<10).map { digit in values.filter { $0 == digit }.count }
    #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
  }

  @Test("when they are not found, the error lists where they were looked for")
  func notFound() {
    DataFixture.expectFileError(
      "digits.csv.gz", ["/nowhere/digits.csv.gz", "/here/digits.csv.gz", "next to the executable"]
    ) {
      _ = try Digits.find(in: ["/nowhere", "/here"])
    }
  }
}
