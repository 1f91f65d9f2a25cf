import OrderedCollections
import Tensors

/// How the names and layouts of tensors in a file of another framework become those of a module.
///
/// Rules are tried in order; a tensor that no rule takes keeps its name and layout.
public struct WeightMap: ExpressibleByArrayLiteral, Sendable {
  /// Names and layouts as they are.
  public static let identity: WeightMap = []

  private let rules: [Rule]

  /// Rules that are tried in this order.
  public init(arrayLiteral elements: Rule...) { rules = elements }

  /// What happens to some of the tensors.
  public struct Rule: Sendable {
    /// The new name and value of the tensor `name`; nil leaves it to the next rule, an empty name leaves it out.
    let apply: @Sendable (_ name: String, _ value: Tensor) throws -> (name: String, value: Tensor)?

    /// A rule from a function.
    ///
    /// - Parameter apply: gives the new name and value of a tensor; nil leaves it to the next rule, an empty name leaves
    ///   the tensor out.
    public init(
      _ apply:
        @escaping @Sendable (_ name: String, _ value: Tensor) throws -> (
          name: String, value: Tensor
        )?
    ) {
      self.apply = apply
    }
  }

  /// The tensors under their names here.
  func apply(
    to tensors: SafeTensors.Tensors, path: String
  ) throws -> OrderedDictionary<String, Tensor> {
    var mapped = OrderedDictionary<String, Tensor>()
    for (name, value) in tensors {
      var result = (name: name, value: value)
      for rule in rules {
        let applied = try withErrors { try rule.apply(name, value) }
        if let applied {
          result = applied
          break
        }
      }
      if result.name.isEmpty { continue }
      guard mapped.updateValue(result.value, forKey: result.name) == nil else {
        throw EngineError.file(
          path: path, message: "two tensors become \"\(result.name)\", the second is \"\(name)\"")
      }
    }
    return mapped
  }
}

extension WeightMap.Rule {
  /// Everything below `source`, such as `conv2d_3`, is below `target` here, in the same layout: Keras's layers.
  public static func layer(_ source: String, to target: String) -> Self {
    Self { name, value in
      name.hasPrefix(source + "/") ? (target + name.dropFirst(source.count), value) : nil
    }
  }

  /// Tensors that are not wanted.
  public static func ignore(_ names: String...) -> Self {
    Self { name, value in names.contains(name) ? ("", value) : nil }
  }

  /// `torch.nn.Linear`: `weight` `[out, in]` becomes `kernel` `[in, out]`.
  ///
  /// - Parameters:
  ///   - source: the path of the layer in the file.
  ///   - target: the path of the layer here.
  ///   - flattened: the shape `[channels, height, width]` of images that PyTorch flattens in front of the layer.
  ///     Here they are `[height, width, channels]`, and the rows of the kernel are put in that order.
  /// - Returns: the rules for kernel and bias.
  public static func torchLinear(
    _ source: String, to target: String, flattened: Shape? = nil
  ) -> Self {
    named(source, target, ["weight": "kernel", "bias": "bias"]) { name, value in
      guard name == "weight" else { return value }
      guard let flattened else { return transpose(value) }
      let features = value.shape[0]
      let images = reshape(value, Shape([features] + flattened.dimensions))
      return reshape(transpose(images, [2, 3, 1, 0]), [value.shape[1], features])
    }
  }

  /// `torch.nn.Conv1d`, `Conv2d` and `Conv3d`: `weight` `[out, in, ...]` becomes `kernel` `[..., in, out]`.
  public static func torchConvolution(_ source: String, to target: String) -> Self {
    named(source, target, ["weight": "kernel", "bias": "bias"]) { name, value in
      name == "weight" ? transpose(value, Array(2..<value.rank) + [1, 0]) : value
    }
  }

  /// `torch.nn.BatchNorm1d` to `3d`: `weight`, `bias`, `running_mean` and `running_var` `[channels]` become `gamma`,
  /// `beta`, `moving_mean` and `moving_variance`.
  public static func torchBatchNormalization(_ source: String, to target: String) -> Self {
    named(
      source, target,
      [
        "weight": "gamma", "bias": "beta", "running_mean": "moving_mean",
        "running_var": "moving_variance", "num_batches_tracked": "",
      ]
    ) { $1 }
  }

  /// `torch.nn.LayerNorm` and `GroupNorm`: `weight` and `bias` become `gamma` and `beta`, of the same shape.
  public static func torchNormalization(_ source: String, to target: String) -> Self {
    named(source, target, ["weight": "gamma", "bias": "beta"]) { $1 }
  }

  /// `torch.nn.Embedding`: `weight` `[rows, length]` becomes `embeddings`.
  public static func torchEmbedding(_ source: String, to target: String) -> Self {
    named(source, target, ["weight": "embeddings"]) { $1 }
  }

  /// Tensors `source.name` under other names below `target`; an empty name leaves one out.
  private static func named(
    _ source: String, _ target: String, _ names: [String: String],
    _ convert: @escaping @Sendable (_ name: String, _ value: Tensor) -> Tensor
  ) -> Self {
    Self { name, value in
      guard name.hasPrefix(source + "."),
        let new = names[String(name.dropFirst(source.count + 1))]
      else { return nil }
      let converted = convert(String(name.dropFirst(source.count + 1)), value)
      return (new.isEmpty ? "" : target + "/" + new, converted)
    }
  }
}
