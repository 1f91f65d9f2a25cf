import Tensors
import TensorsTestSupport
import Testing

@Suite struct StructureTests {
  private let tree: Structure = [
    "labels": ["b": .tensor(vector(1, 2)), "a": [.tensor(vector(3)), .constant(.int(4))]],
    "image": .tensor(Tensor.zeros([2, 28, 28])),
  ]

  @Test func `leaves have paths`() {
    #expect(tree.leaves.map(\.path.pathDescription) == ["labels/b", "labels/a/0", "image"])
    #expect(tree.tensorCount == 3)
    #expect(tree.tensors.map(\.elementCount) == [2, 1, 1568])
  }

  @Test func `parts are found by path`() throws {
    #expect(treeText(try tree.at(["labels", "a", 0])) == "[3.0]")
    #expect(treeText(try tree.at(["labels", "a", -1])) == "4")
    #expect(treeText(try Structure.constant(.bool(true)).at([])) == "true")
  }

  @Test func `a path that leads nowhere is named with what is there`() {
    #expect(
      errorMessage { try tree.at(["label"]) } == """
        label: there is no label in the structure, which is a dictionary with keys labels, image: did \
        you mean "labels"?
        """)
    #expect(
      errorMessage { try tree.at(["labels", "a", 2]) }
        == "labels/a/2: there is no 2 in labels/a, which is a list of 2")
    #expect(
      errorMessage { try tree.at(["image", "a"]) }
        == "image/a: there is no a in image, which is a tensor float32[2, 28, 28]")
  }

  @Test func `map keeps the form and gives paths`() {
    var paths: [String] = []
    let doubled = tree.mapWithPath { path, tensor in
      paths.append(path.pathDescription)
      return Tensor(Double(tensor.elementCount))
    }
    #expect(paths == ["labels/b", "labels/a/0", "image"])
    #expect(treeText(doubled) == "{labels: {b: [2.0], a: ([1.0], 4)}, image: [1568.0]}")
  }

  @Test func `structures are alike when nothing but the numbers of tensors differs`() {
    func tree(
      _ tensor: Tensor, _ key: String = "a", _ constant: Structure.Constant = .double(.nan)
    ) -> Structure {
      ["x": [.tensor(tensor), .constant(constant)], key: .none]
    }
    let first = tree(vector(1, 2))
    #expect(first.isLike(tree(vector(3, 4))))
    let others: [Structure] = [
      tree(vector(1, 2, 3)), tree(vector(1, 2).cast(to: .float64)), tree(vector(1, 2), "b"),
      tree(vector(1, 2), "a", .double(1)), tree(vector(1, 2), "a", .int(1)), .none,
      ["a": .none, "x": [.tensor(vector(1, 2)), .constant(.double(.nan))]],
      ["x": [.tensor(vector(1, 2))], "a": .none],
    ]
    for other in others { #expect(!first.isLike(other) && !other.isLike(first), "\(other)") }
    #expect(!tree(vector(1), "a", .double(1)).isLike(tree(vector(1), "a", .int(1))))
    #expect(first.isLike(tree(vector(1, 2, 3))) { $0.dtype == $1.dtype })
  }

  @Test func `tensors can be replaced in order`() throws {
    let replaced = try tree.replacingTensors(with: [vector(1), vector(2), vector(3)])
    #expect(treeText(replaced) == "{labels: {b: [1.0], a: ([2.0], 4)}, image: [3.0]}")
    #expect(
      errorMessage { try tree.replacingTensors(with: [vector(1)]) }
        == "a structure of 3 tensors cannot be filled with 1")
  }

  @Test func `zip matches dictionaries by name`() throws {
    let a: Structure = ["p": .tensor(vector(1)), "q": [.tensor(vector(2))]]
    let b: Structure = ["q": [.tensor(vector(20))], "p": .tensor(vector(10))]
    let both = try Structure.zip(a, b) { first, second in
      Tensor(first.scalars(as: Double.self) + second.scalars(as: Double.self))
    }
    #expect(treeText(both) == "{p: [1.0, 10.0], q: ([2.0, 20.0])}")
  }

  static let differences: [(Structure, Structure, String)] = [
    (
      ["a": .tensor(vector(1))], ["a": [.tensor(vector(1))]],
      "structures differ at a: a tensor float32[1] in the first, a list of 1 in the second"
    ),
    (["a": .none], ["a": .none, "b": .none], "structures differ at b: only the second has it"),
    (["a": ["c": .none]], ["a": ["d": .none]], "structures differ at a/c: only the first has it"),
    (
      [.none, .none], [.none],
      "structures differ at the root: a list of 2 in the first, a list of 1 in the second"
    ),
  ]

  @Test(arguments: differences)
  func `zip names the first path that differs`(_ a: Structure, _ b: Structure, _ expected: String) {
    #expect(errorMessage { try Structure.zip(a, b) { first, _ in first } } == expected)
  }

  @Test func `the description shows the form`() {
    let short: Structure = ["x": .tensor(Tensor.zeros([2, 3])), "y": .none]
    #expect(short.description == "{x: float32[2, 3], y: none}")
    let long: Structure = [
      "first": tree, "second": [tree, .none], "third": .constant(.string("t")),
    ]
    #expect(
      long.description == """
        {
          first: {labels: {b: float32[2], a: [float32[1], 4]}, image: float32[2, 28, 28]},
          second: [
            {labels: {b: float32[2], a: [float32[1], 4]}, image: float32[2, 28, 28]},
            none
          ],
          third: "t"
        }
        """)
  }
}
