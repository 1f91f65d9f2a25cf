/// Finds places in one block of memory for values with lifetimes, so that no two that live at once overlap.
///
/// Buffers are taken in order of time and get the smallest free gap that is large enough (best fit).
struct ArenaPlanner {
  private let values: [Lowering.Value]
  private let instructions: [Instruction]
  private var lastUse: [Int]
  private var firstUse: [Int]
  private var buffer: [Int]

  init(values: [Lowering.Value], instructions: [Instruction], outputs: [Reference]) {
    self.values = values
    self.instructions = instructions
    lastUse = [Int](repeating: -1, count: values.count)
    firstUse = [Int](repeating: Int.max, count: values.count)
    buffer = Array(values.indices)
    for (time, instruction) in instructions.enumerated() {
      for reference in instruction.inputs + instruction.outputs { touch(reference.value, time) }
    }
    for output in outputs { touch(output.value, instructions.count) }
  }

  private mutating func touch(_ value: Int, _ time: Int) {
    var value = value
    if case .part(let whole, _) = values[value].home { value = whole }
    firstUse[value] = min(firstUse[value], time)
    lastUse[value] = max(lastUse[value], time)
  }

  /// - Returns: an offset for each value of the arena (others 0), and the bytes needed.
  mutating func plan() -> (offsets: [Int], size: Int) {
    shareInPlace()
    var births: [Int: [Int]] = [:]
    var deaths: [Int: [Int]] = [:]
    for value in values.indices where buffer[value] == value && firstUse[value] != Int.max {
      guard case .arena = values[value].home else { continue }
      births[firstUse[value], default: []].append(value)
      deaths[lastUse[value], default: []].append(value)
    }
    var free = FreeList()
    var offsets = [Int](repeating: 0, count: values.count)
    for time in 0...instructions.count {
      for value in births[time] ?? [] {
        offsets[value] = free.take(Storage.aligned(max(values[value].byteCount, 1)))
      }
      for value in deaths[time] ?? [] {
        free.give(offsets[value], Storage.aligned(max(values[value].byteCount, 1)))
      }
    }
    for value in values.indices { offsets[value] = offsets[root(value)] }
    return (offsets, max(free.end, Storage.alignment))
  }

  /// Lets an output take over the memory of an input that dies there.
  private mutating func shareInPlace() {
    for (time, instruction) in instructions.enumerated() {
      for pair in instruction.primitive.inPlace {
        guard pair.output < instruction.outputs.count, pair.input < instruction.inputs.count else {
          continue
        }
        let output = instruction.outputs[pair.output].value
        let input = instruction.inputs[pair.input]
        guard case .arena = values[output].home, case .arena = values[input.value].home,
          buffer[output] == output, output != input.value, input.isWhole,
          values[output].byteCount == values[input.value].byteCount
        else { continue }
        let source = root(input.value)
        // Another look at the same memory in this instruction must be the very same look.
        guard lastUse[source] == time,
          !instruction.inputs.contains(where: { !$0.isWhole && root($0.value) == source }),
          !instruction.outputs.contains(where: { $0.value != output && root($0.value) == source })
        else { continue }
        buffer[output] = source
        lastUse[source] = max(lastUse[source], lastUse[output])
      }
    }
  }

  /// The value whose memory this one uses. Shortens the way, so that long chains stay cheap.
  private mutating func root(_ value: Int) -> Int {
    var value = value
    while buffer[value] != value {
      buffer[value] = buffer[buffer[value]]
      value = buffer[value]
    }
    return value
  }
}

/// Gaps in a block of memory that grows at its end.
private struct FreeList {
  private var gaps: [(start: Int, size: Int)] = []
  private(set) var end = 0

  mutating func take(_ size: Int) -> Int {
    var best: Int?
    for index in gaps.indices where gaps[index].size >= size {
      if best.map({ gaps[index].size < gaps[$0].size }) ?? true { best = index }
    }
    if let best {
      let start = gaps[best].start
      if gaps[best].size == size {
        gaps.remove(at: best)
      } else {
        gaps[best] = (start + size, gaps[best].size - size)
      }
      return start
    }
    // A gap that touches the end can grow.
    if let last = gaps.last, last.start + last.size == end {
      gaps.removeLast()
      end = last.start + size
      return last.start
    }
    end += size
    return end - size
  }

  mutating func give(_ start: Int, _ size: Int) {
    let index = gaps.firstIndex { $0.start > start } ?? gaps.count
    gaps.insert((start, size), at: index)
    if index + 1 < gaps.count, start + size == gaps[index + 1].start {
      gaps[index].size += gaps[index + 1].size
      gaps.remove(at: index + 1)
    }
    if index > 0, gaps[index - 1].start + gaps[index - 1].size == gaps[index].start {
      gaps[index - 1].size += gaps[index].size
      gaps.remove(at: index)
    }
  }
}
