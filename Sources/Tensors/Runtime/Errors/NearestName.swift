/// The name of `candidates` that someone who wrote `name` most likely meant, or nil when none is
/// near.
///
/// Names are compared without case and underscores, so `y_true` finds `yTrue`. A candidate is near
/// when it begins with `name`, when `name` begins with it (and it has more than one letter), or
/// when at most a third of the longer one's letters (but at least one) would have to change. Of
/// equally near candidates the first wins.
package func nearestName(to name: String, among candidates: [String]) -> String? {
  let wanted = letters(name)
  guard !wanted.isEmpty else { return nil }
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let found = letters(candidate)
    let distance = editDistance(wanted, found)
    let begins = found.starts(with: wanted) || (found.count > 1 && wanted.starts(with: found))
    // One changed letter of one or two is another name, not a slip.
    let isNear = found.count > 2 && distance <= max(1, max(wanted.count, found.count) / 3)
    guard begins || isNear else { continue }
    if distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.name
}

/// `: did you mean "yTrue"?` where a name is near, else nothing.
package func suggestion(for name: String, among candidates: [String]) -> String {
  nearestName(to: name, among: candidates).map { ": did you mean \"\($0)\"?" } ?? ""
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to make `b`
/// of `a`.
///
/// Optimal string alignment distance; O(`a.count` · `b.count`).
package func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i]
    for j in 1...b.count {
      let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      var cost = min(replaced, last[j] + 1, row[j - 1] + 1)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        cost = min(cost, beforeLast[j - 2] + 1)
      }
      row.append(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}

private func letters(_ name: String) -> [Character] {
  Array(name.lowercased()).filter { $0 != "_" }
}
