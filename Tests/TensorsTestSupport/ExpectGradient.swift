import Tensors
import Testing

/// Expects `grad` of a function to agree with central differences in float64.
///
/// A function that does not give a scalar is made one by a weighted sum with fixed weights.
/// Arguments that are not float64 are constants.
///
/// - Parameters:
///   - f: the function of the arguments.
///   - arguments: where to differentiate; at some distance from points where `f` is not smooth.
///   - order: 1, or 2 to check the gradient of a weighted sum of the gradient as well.
///   - step: the distance of the differences.
///   - atol: how much a derivative may differ, besides a part of it.
///   - rtol: the part of a derivative that it may differ by.
///   - sourceLocation: the test, for its report.
/// - Throws: what `f` throws.
public func expectGradient(
  of f: @escaping @Sendable ([Tensor]) throws -> Tensor, at arguments: [Tensor], order: Int = 1,
  step: Double = 1e-5, atol: Double = 1e-6, rtol: Double = 1e-5,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let scalar: ([Tensor]) throws -> Tensor = { weightedSum([try f($0)]) }
  try compare(scalar, arguments, step, atol, rtol, "first derivative", sourceLocation)
  guard order >= 2 else { return }
  let slope: ([Tensor]) throws -> Tensor = { inputs in
    weightedSum(try grad(scalar)(inputs).filter { $0.dtype == .float64 })
  }
  try compare(slope, arguments, step, atol, rtol, "second derivative", sourceLocation)
}

/// `Σ w · x` with weights that differ from element to element, so that errors do not cancel.
private func weightedSum(_ tensors: [Tensor]) -> Tensor {
  var generator = SeededGenerator(seed: 1)
  return tensors.reduce(Tensor(0, dtype: .float64)) { total, x in
    total + sum(x.cast(to: .float64) * generator.uniform(x.shape, from: 0.5, to: 1.5))
  }
}

private func compare(
  _ f: @escaping ([Tensor]) throws -> Tensor, _ arguments: [Tensor], _ step: Double,
  _ atol: Double, _ rtol: Double, _ what: String, _ location: SourceLocation
) throws {
  let gradients = try grad(f)(arguments)
  for (index, argument) in arguments.enumerated() where argument.dtype == .float64 {
    var values = argument.scalars(as: Double.self)
    var differences: [Double] = []
    for element in values.indices {
      let centre = values[element]
      func value(_ x: Double) throws -> Double {
        values[element] = x
        var moved = arguments
        moved[index] = Tensor(values, shape: argument.shape, dtype: .float64)
        return try withErrors { try f(moved).item() }
      }
      let (above, below) = (try value(centre + step), try value(centre - step))
      values[element] = centre
      differences.append((above - below) / (2 * step))
    }
    expectClose(
      gradients[index], Tensor(differences, shape: argument.shape, dtype: .float64), atol: atol,
      rtol: rtol, "in the \(what) by argument \(index)", sourceLocation: location)
  }
}
