import Foundation
import Tensors

/// 1,797 handwritten digits of 8x8 pixels, which come with the package.
///
/// - SeeAlso: E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
///   Learning Repository, 1998 (CC BY 4.0), in the copy that scikit-learn distributes.
public enum Digits {
  /// The number of images.
  public static let count = 1797

  /// Loads the images and their labels.
  ///
  /// - Returns: images float32 `[1797, 8, 8]` with values 0 to 16, and labels int32 `[1797]` with
  ///   values 0 to 9.
  /// - Throws: `EngineError.file` when the data is not where the package's resources are put, with
  ///   every place that was looked at.
  public static func load() throws(EngineError) -> (images: Tensor, labels: Tensor) {
    let path = try find(in: resourceFolders())
    let table = try CSV.read(path, header: .absent)
    guard table.features.shape == [count, 64], table.labels.dtype == .int32 else {
      throw .file(
        .init(path),
        .expectation(
          "\(count) rows of 64 pixels and a whole label",
          found: "\(table.features.shape) and \(table.labels.spec)"))
    }
    let images = try table.features.withBytes { source throws(EngineError) in
      try Tensor.filled([count, 8, 8], .float32) { target in
        UnsafeMutableRawBufferPointer(start: target, count: source.count).copyMemory(from: source)
      }
    }
    return (images, table.labels)
  }

  /// The data in the first of `folders` that has it.
  package static func find(in folders: [String]) throws(EngineError) -> String {
    let candidates = folders.map { "\($0)/digits.csv.gz" }
    if let path = candidates.first(where: { FileManager.default.isReadableFile(atPath: $0) }) {
      return path
    }
    throw .file(
      path: "digits.csv.gz",
      message: "the digits that come with the package were not found; looked for "
        + "\(candidates.joined(separator: ", ")); copy the folder \(bundleName) from the build next to the executable"
    )
  }

  // SwiftPM's own `Bundle.module` stops the program when the bundle is missing, as it is when only
  // the executable was copied to a cluster; so the places it looks at are tried here.
  private static var bundleName: String {
    #if canImport(Darwin)
      "apus_DataFiles.bundle"
    #else
      "apus_DataFiles.resources"
    #endif
  }

  private static func resourceFolders() -> [String] {
    let executable = Bundle.main.executableURL?.resolvingSymlinksInPath()
    let besideExecutable = [
      Bundle.main.bundleURL, Bundle.main.resourceURL, executable?.deletingLastPathComponent(),
    ].compactMap { $0 }
    // Tests on macOS run inside an .xctest bundle that lies beside the resources.
    let besideBundles = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
    var folders: [String] = []
    for parent in besideExecutable + besideBundles {
      let folder = parent.appendingPathComponent(bundleName).path
      if !folders.contains(folder) { folders.append(folder) }
    }
    return folders
  }
}
