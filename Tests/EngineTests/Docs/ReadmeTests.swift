import Engine
import Foundation
import TestSupport
import Testing

@Suite("README.md", .seeded)
struct ReadmeTests {
  @Test("Modules are trees, and graphs")
  func trees() throws {
    let x = randomUniform([4, 3], key: RandomKey(seed: 1))
    let y = randomUniform([4, 1], key: RandomKey(seed: 2))
    // begin
    let mlp = try MLP([64, 1]).initialize(x)
    let (loss, gradients) = try valueAndGrad(of: mlp) { mean(square(mlp(x) - y)) }
    mlp.setParameters(mlp.parameters() - 0.01 * gradients)  // gradients have the module's own shape
    mlp.linear.freeze()

    let image = Input(shape: [28, 28, 1], name: "image")  // Keras's functional graph
    let features = Flatten()(image)
    let model = Model(
      inputs: image, outputs: Dense(10)(features),
      loss: SparseCategoricalCrossentropy(fromLogits: true))
    print(model.summary())
    // end
    #expect(mean(square(mlp(x) - y)).item() < loss.item())
    #expect(mlp.trainableVariables.count == 2)
    #expect(model.summary().contains("7,850"))
  }

  @Test("The part about trees and graphs is what runs here")
  func text() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let lines = source.components(separatedBy: "\n")
    let begin = try #require(lines.firstIndex { $0.hasSuffix("// begin") })
    let end = try #require(lines.firstIndex { $0.hasSuffix("// end") })
    let code = dedented(Array(lines[(begin + 1)..<end]))
    let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
    let readme = try String(contentsOfFile: root.dropFirst() + "/README.md", encoding: .utf8)
    #expect(readme.contains("```swift\n" + code + "\n```"))
  }
}
