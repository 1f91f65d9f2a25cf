import CKernels

/// A type of CPU as CPUID names it.
package struct CPUType: Hashable, Sendable, CustomStringConvertible {
  /// `AuthenticAMD`, `GenuineIntel`, ...; empty where there is no CPUID.
  package let vendor: String
  /// The family with its extension, as CPUID counts: 25 for Zen 3 and Zen 4.
  package let family: Int
  /// The model with its extension.
  package let model: Int

  package init(vendor: String, family: Int, model: Int) {
    self.vendor = vendor
    self.family = family
    self.model = model
  }

  /// The CPU that this process runs on.
  package static let current: CPUType = {
    var name = [CChar](repeating: 0, count: 13)
    var (family, model): (Int32, Int32) = (0, 0)
    apus_cpu_identity(&name, &family, &model)
    let vendor = String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    return CPUType(vendor: vendor, family: Int(family), model: Int(model))
  }()

  /// `AuthenticAMD family 25 model 17`
  package var description: String {
    vendor.isEmpty ? "unknown" : "\(vendor) family \(family) model \(model)"
  }
}
