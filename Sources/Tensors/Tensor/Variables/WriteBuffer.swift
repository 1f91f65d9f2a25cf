/// Holds back what is written to variables inside, where it is seen.
package final class WriteBuffer: VariableContext {
  /// The last value of each variable that was written, in the order of their first writing.
  package private(set) var written: [(variable: Variable, value: Tensor)] = []
  private var places: [ObjectIdentifier: Int] = [:]

  package init() { super.init() }

  package override func read(_ variable: Variable) -> Tensor {
    places[ObjectIdentifier(variable)].map { written[$0].value } ?? super.read(variable)
  }

  package override func write(_ variable: Variable, _ value: Tensor) {
    if let place = places[ObjectIdentifier(variable)] {
      written[place].value = value
    } else {
      places[ObjectIdentifier(variable)] = written.count
      written.append((variable, value))
    }
  }
}
