// swift-tools-version: 6.1
import PackageDescription

// `APUS_ENGINE_ONLY=1 swift test` builds and tests Engine on a machine without MPI: nothing links to it then.
let engineOnly = Context.environment["APUS_ENGINE_ONLY"] != nil

// What a file uses it imports itself.
let strict: [SwiftSetting] = [.enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
  name: "apus",
  products: [
    .library(name: "Engine", targets: ["Engine"]),
    .library(name: "Dist", targets: ["Dist"]),
    .library(name: "Monitoring", targets: ["Monitoring"]),
    .executable(name: "apus", targets: ["Launcher"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
  ],
  targets: [
    // C: kernels dispatched for the CPU at run time, a library that is loaded at run time, and the system's libraries.
    .target(name: "CKernels"),
    .target(
      name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .systemLibrary(
      name: "COpenMPI", pkgConfig: "ompi-c",
      providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Tensors: what runs, what it runs on, gradients, operations, plans, transforms; collectives without MPI.
    .target(
      name: "Tensors",
      dependencies: [
        "CKernels", "COpenBLAS",
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // DataFiles: tensors in files.
    .target(
      name: "DataFiles",
      dependencies: [
        "Tensors", "CZlib", .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      resources: [.copy("Resources/digits.csv.gz")],
      swiftSettings: strict),

    // Engine: what one rank trains with. It imports no C and never MPI.
    .target(
      name: "Engine",
      dependencies: [
        "Tensors", "DataFiles", .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // Monitoring: what shows a training elsewhere. A target of its own: who does not use it does not compile SwiftProtobuf, nor load Foundation's network.
    .target(
      name: "Monitoring",
      dependencies: [
        "Engine", "Tensors", "DataFiles",
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Events.proto"],
      swiftSettings: strict),

    // Dist: what joins the ranks.
    .target(
      name: "Dist", dependencies: ["Tensors", "CKernels", "COpenMPI"], swiftSettings: strict),

    // Launcher: the `apus` command.
    .executableTarget(
      name: "Launcher",
      dependencies: [
        "Engine", "Dist", "CKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ]),

    // Programs that show.
    .executableTarget(
      name: "Digits", dependencies: ["Engine", "Dist"], path: "Examples/Digits",
      exclude: ["README.md"]),
    .executableTarget(
      name: "Table", dependencies: ["Engine", "Dist"], path: "Examples/Table",
      exclude: ["README.md"]),
    .executableTarget(
      name: "Images", dependencies: ["Engine", "Dist"], path: "Examples/Images",
      exclude: ["README.md"]),
    .executableTarget(
      name: "LowLevelLoop", dependencies: ["Engine", "Dist"], path: "Examples/LowLevelLoop",
      exclude: ["README.md"]),
    .executableTarget(
      name: "Autoencoder", dependencies: ["Engine", "Dist"], path: "Examples/Autoencoder",
      exclude: ["README.md"]),
    .executableTarget(
      name: "VAE", dependencies: ["Engine", "Dist"], path: "Examples/VAE",
      exclude: ["README.md"]),
    .executableTarget(
      name: "InputsAndOutputs", dependencies: ["Engine", "Dist"], path: "Examples/InputsAndOutputs",
      exclude: ["README.md"]),
    .executableTarget(
      name: "TransferLearning", dependencies: ["Engine", "Dist"], path: "Examples/TransferLearning",
      exclude: ["README.md"]),
    .executableTarget(
      name: "TemporalOrder", dependencies: ["Engine", "Dist"], path: "Examples/TemporalOrder",
      exclude: ["README.md"]),
    .executableTarget(
      name: "CharacterTransformer", dependencies: ["Engine", "Dist"],
      path: "Examples/CharacterTransformer",
      exclude: ["README.md"]),

    .executableTarget(
      name: "ImportWeights", dependencies: ["Engine"], path: "Examples/ImportWeights",
      exclude: ["README.md", "export.py"]),

    // Tests mirror the targets; what lies above a target is not compiled for its tests.
    .target(
      name: "TensorsTestSupport",
      dependencies: ["Tensors", .product(name: "Logging", package: "swift-log")],
      path: "Tests/TensorsTestSupport"),
    .target(
      name: "TestSupport", dependencies: ["Engine", "Monitoring", "TensorsTestSupport"],
      path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorsTests", dependencies: ["Tensors", "CKernels", "TensorsTestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "DataFilesTests", dependencies: ["DataFiles", "Tensors", "TensorsTestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "Engine", "TestSupport", .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "MonitoringTests",
      dependencies: [
        "Monitoring", "Engine", "TestSupport",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .testTarget(
      name: "DistTests",
      dependencies: [
        "Dist", "TestSupport", .product(name: "Subprocess", package: "swift-subprocess"),
      ]),
    .testTarget(
      name: "LauncherTests",
      dependencies: [
        "Launcher", "Dist", "Engine", "TestSupport",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ]),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "TensorsTestSupport", .product(name: "Subprocess", package: "swift-subprocess"),
      ]),
    .executableTarget(
      name: "ErrorChecks", dependencies: ["TestSupport"], path: "Tests/ErrorChecks"),
    .executableTarget(
      name: "MPIChecks", dependencies: ["Dist", "TestSupport"], path: "Tests/MPIChecks"),
  ],
  swiftLanguageModes: [.v6]
)

if engineOnly {
  package.products.removeAll { $0.name != "Engine" }
  package.targets.removeAll { target in
    ["COpenMPI", "LauncherTests", "ExampleTests"].contains(target.name)
      || target.dependencies.contains {
        if case .byNameItem("Dist", _) = $0 { true } else { false }
      }
      || target.name == "Dist"
  }
}
