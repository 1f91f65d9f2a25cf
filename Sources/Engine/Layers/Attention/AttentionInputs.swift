import Tensors

/// What attention takes: queries, and what they look at.
///
/// One tensor is taken for `query`; a list of tensors gives query, value, key, as in Keras; a dictionary gives the fields
/// by name.
public struct AttentionInputs: Codable {
  /// `[batch, queries, features]`.
  public var query: Tensor
  /// What is mixed, `[batch, keys, features]`; the query itself by default.
  public var value: Tensor?
  /// What queries are compared with, `[batch, keys, features]`; the value by default.
  public var key: Tensor?
  /// True where a query sees a key, or any number but 0: of a shape that broadcasts to `[batch, queries, keys]`, or
  /// `[batch, heads, queries, keys]` for several heads.
  public var attentionMask: Tensor?
  /// `[batch, queries]`: false for queries that are padding.
  public var queryMask: Tensor?
  /// `[batch, keys]`: false for values that are padding.
  public var valueMask: Tensor?
  /// `[batch, keys]`: false for keys that are padding.
  public var keyMask: Tensor?

  /// Inputs in which every step counts, unless a mask says otherwise.
  public init(
    query: Tensor, value: Tensor? = nil, key: Tensor? = nil, attentionMask: Tensor? = nil,
    queryMask: Tensor? = nil, valueMask: Tensor? = nil, keyMask: Tensor? = nil
  ) {
    self.query = query
    self.value = value
    self.key = key
    self.attentionMask = attentionMask
    self.queryMask = queryMask
    self.valueMask = valueMask
    self.keyMask = keyMask
  }
}

extension AttentionInputs {
  /// Queries, keys and values, all floating and three-dimensional; nil after an error that names `module`.
  func checked(for module: AnyModule) -> (query: Tensor, key: Tensor, value: Tensor)? {
    let query = floating(query)
    let value = value.map(floating) ?? query
    let key = key.map(floating) ?? value
    for x in [query, key, value] {
      guard x.rank == 3, !x.isInvalid else {
        _ = module.wrongInput(x, expected: "[batch, time, features]")
        return nil
      }
    }
    guard key.shape[0] == query.shape[0], value.shape[0] == query.shape[0],
      key.shape[1] == value.shape[1]
    else {
      _ = module.wrongInput(
        key, expected: "keys that fit queries \(query.shape) and values \(value.shape)")
      return nil
    }
    return (query, key, value)
  }

  /// All masks as one, true where a query sees a key: `[queries, keys]`, or of rank 3 or 4; nil without any.
  func mask(hidesQueries: Bool) -> Tensor? {
    var masks: [Tensor] = []
    if let attentionMask { masks.append(attentionMask) }
    if hidesQueries, let queryMask { masks.append(queryMask.expandDims(axis: -1)) }
    for mask in [valueMask, keyMask] {
      if let mask { masks.append(mask.expandDims(axis: -2)) }
    }
    let booleans = masks.map { $0.dtype == .bool ? $0 : $0 .!= 0 }
    // A mask for all heads stands beside those for each.
    let rank = booleans.map(\.rank).max() ?? 0
    let aligned = booleans.map { $0.rank == 3 && rank == 4 ? $0.expandDims(axis: 1) : $0 }
    return aligned.dropFirst().reduce(aligned.first) { mask, other in
      mask.map { logicalAnd($0, other) }
    }
  }
}
