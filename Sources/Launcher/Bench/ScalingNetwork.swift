import ArgumentParser
import Engine

/// What `bench scaling` predicts: a workload, or a ResNet-50.
enum ScalingNetwork: Sendable, Equatable, ExpressibleByArgument {
  case workload(Workload)
  /// ``ResNet50`` on images of 224 x 224; SGD with momentum.
  case resNet50

  init?(argument: String) {
    if argument == "resnet50" {
      self = .resNet50
    } else if let workload = Workload(rawValue: argument) {
      self = .workload(workload)
    } else {
      return nil
    }
  }

  var name: String {
    switch self {
    case .workload(let workload): workload.rawValue
    case .resNet50: "resnet50"
    }
  }

  static var names: String { Workload.names + ", resnet50" }

  /// Samples of a step on one rank.
  var batch: Int {
    switch self {
    case .workload(let workload): workload.batch
    case .resNet50: 32
    }
  }

  /// The most samples of a step that is measured; more are computed from this many and half of them.
  var mostMeasuredRows: Int {
    switch self {
    case .workload(let workload): 2 * workload.batch
    case .resNet50: 4
    }
  }

  /// Batches that are trained on in turn.
  var batches: Int { self == .resNet50 ? 2 : 16 }

  func makeModel() -> Model {
    switch self {
    case .workload(let workload): workload.makeModel()
    case .resNet50: ResNet50.makeModel(imageSize: 224)
    }
  }

  func makeData(rows: Int) -> (x: Tensor, y: Tensor) {
    switch self {
    case .workload(let workload): return workload.makeData(rows: rows, seed: 1234)
    case .resNet50:
      let key = RandomKey(seed: 1234, stream: 1).tensor
      return (randomNormal([rows, 224, 224, 3], key: key), .zeros([rows], dtype: .int32))
    }
  }
}
