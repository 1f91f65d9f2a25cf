import DataFiles
import Engine
import Foundation
import Tensors

extension TBSummary.Value {
  /// A number.
  static func scalar(_ tag: String, _ value: Double) -> Self {
    var result = Self(tag, plugin: "scalars", .scalar)
    result.tensor.dtype = .dtFloat
    result.tensor.floatVal = [Float(value)]
    return result
  }

  /// Text in Markdown.
  static func text(_ tag: String, _ text: String) -> Self {
    var result = Self(tag, plugin: "text", .tensor)
    result.tensor.dtype = .dtString
    result.tensor.stringVal = [Data(text.utf8)]
    return result
  }

  /// An image as the bytes of a PNG file.
  static func image(_ tag: String, _ image: ByteImage) -> Self {
    var result = Self(tag, plugin: "images", .blobSequence)
    result.tensor.dtype = .dtString
    let file = PNG.encoded(
      image.pixels, width: image.width, height: image.height, channels: image.channels)
    result.tensor.stringVal = [
      Data("\(image.width)".utf8), Data("\(image.height)".utf8), Data(file),
    ]
    result.setShape(3)
    return result
  }

  /// How many values lie in each of 30 stretches of equal width: rows of left end, right end and number.
  static func histogram(_ tag: String, _ values: [Double]) -> Self {
    var result = Self(tag, plugin: "histograms", .tensor)
    result.tensor.dtype = .dtDouble
    let rows = Histogram.rows(values)
    result.tensor.doubleVal = rows.flatMap { [$0.left, $0.right, $0.count] }
    result.setShape(rows.count, 3)
    return result
  }

  private init(_ tag: String, plugin: String, _ dataClass: TBDataClass) {
    self.init()
    self.tag = tag
    metadata.pluginData.pluginName = plugin
    metadata.dataClass = dataClass
  }

  private mutating func setShape(_ sizes: Int...) {
    tensor.tensorShape.dim = sizes.map { size in
      var dim = TBTensorShape.Dim()
      dim.size = Int64(size)
      return dim
    }
  }
}

/// Numbers counted by size.
enum Histogram {
  struct Row: Equatable {
    var left: Double
    var right: Double
    var count: Double
  }

  /// Rows that TensorBoard shows, by its own rules: `count` stretches of equal width, each without its right end but the last one; where all values are
  /// equal, all stretches are that point, and the last one has them. Values that are infinite or NaN do not count.
  static func rows(_ values: [Double], count: Int = 30) -> [Row] {
    let values = values.filter(\.isFinite)
    guard let low = values.min(), let high = values.max() else {
      return Array(repeating: Row(left: 0, right: 0, count: 0), count: count)
    }
    let width = (high - low) / Double(count)
    guard width > 0, width.isFinite else {
      var rows = Array(repeating: Row(left: high, right: high, count: 0), count: count)
      rows[count - 1].count = Double(values.count)
      return rows
    }
    func edge(_ index: Int) -> Double {
      index == count ? high : low + Double(index) * width
    }
    var rows = (0..<count).map { Row(left: edge($0), right: edge($0 + 1), count: 0) }
    for value in values { rows[min(count - 1, Int((value - low) / width))].count += 1 }
    return rows
  }
}
