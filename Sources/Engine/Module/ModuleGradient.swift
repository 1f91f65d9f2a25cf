import Tensors

/// The value of `body` and its gradient with respect to every trained parameter of a module, in the module's own shape.
///
/// - Parameters:
///   - module: when it has not been called yet, `body` is traced once to make its variables.
///   - body: calls the module and gives one number.
/// - Returns: the number, a scalar, and a gradient of each parameter's shape and type under its path.
/// - Throws: the first error of an operation, and ``EngineError/shape(operation:message:)`` when `body` does not give one
///   floating-point number.
public func valueAndGrad(
  of module: AnyModule, _ body: () throws -> Tensor
) throws -> (value: Tensor, gradients: ModuleTree) {
  let (value, gradients, _) = try valueAndGrad(of: module) { (try body(), Structure.none) }
  return (value, gradients)
}

/// As ``valueAndGrad(of:_:)``, with the same errors, for a body that gives something else besides the scalar: predictions,
/// say.
public func valueAndGrad<Auxiliary: Codable>(
  of module: AnyModule, _ body: () throws -> (value: Tensor, auxiliary: Auxiliary)
) throws -> (value: Tensor, gradients: ModuleTree, auxiliary: Auxiliary) {
  try module.initialize { _ = try body() }
  let parameters = module.parameters(trainable: true)
  let variables = module.trainableVariables
  // A plan with these gradients in it is of no use once other parameters are trained.
  Trace.active?.addGuard(
    TraceGuard(describe: "\(module.typeName) trains \(parameters.paths)") { [weak module] in
      module?.trainableVariables.elementsEqual(variables, by: ===) ?? false
    })
  let (value, gradients, auxiliary) = try vjpOfScalar(variables.map(\.value)) { leaves in
    try VariableOverlay(Array(zip(variables, leaves)))(body)
  }
  let byPath = Dictionary(uniqueKeysWithValues: zip(parameters.paths, gradients))
  return (
    value, parameters.mapPaths { path, parameter in byPath[path] ?? parameter },
    try StructureDecoder().decode(
      Auxiliary.self,
      // Nobody walks back through it unless a gradient is being taken around.
      from: StructureEncoder().encode(auxiliary).map {
        GradientDepth.current == 0 ? $0.detached : $0
      })
  )
}

/// The gradient of `body` with respect to every trained parameter of a module. Throws what ``valueAndGrad(of:_:)->(_,_)`` throws.
public func grad(of module: AnyModule, _ body: () throws -> Tensor) throws -> ModuleTree {
  try valueAndGrad(of: module, body).gradients
}
