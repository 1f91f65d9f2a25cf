import Tensors
import TensorsTestSupport
import Testing

private struct Options: Codable {
  @Static var layers = 1
  var scale: Tensor
  var isNegative = false
}

private struct Rates: Codable {
  var x: Tensor
  var rate: Double
}

@Suite struct JitArgumentTests {
  @Test func `a key of random numbers is traced`() throws {
    let function = jit { (key: RandomKey, x: Tensor) in
      x + randomNormal(x.shape, key: key) + randomUniform(x.shape, key: foldKey(key.tensor, 1))
    }
    let x = Tensor.ones([4])
    for seed in [1, 2, 1] as [UInt64] {
      let key = RandomKey(seed: seed, stream: UInt64.max - 1)
      let expected =
        x + randomNormal([4], key: key) + randomUniform([4], key: foldKey(key.tensor, 1))
      expectClose(try function(key, x), expected, atol: 0, rtol: 1e-7)
    }
    #expect(function.cacheCount == 1)
  }

  @Test func `a key comes back as one`() throws {
    let next = jit { (keys: [RandomKey]) in ["b": keys[1], "a": keys[0]] }
    let keys = [RandomKey(seed: 1 << 63, stream: 3), RandomKey(seed: 4)]
    #expect(try next(keys) == ["a": keys[0], "b": keys[1]])
    #expect(try next(keys.reversed()) == ["a": keys[1], "b": keys[0]])
    #expect(next.cacheCount == 1)
  }

  @Test func `a key has no numbers while it is traced, and other tensors are no keys`() throws {
    expectError("a random key has no seed while it is traced") {
      _ = try jit { (key: RandomKey) in Tensor(Double(key.seed)) }(RandomKey(seed: 1))
    }
    expectError("RandomKey wants a key (int64 [2])") {
      _ = try StructureDecoder().decode(RandomKey.self, from: .tensor(Tensor([1.0, 2])))
    }
  }

  @Test func `a function may give two or three results`() throws {
    let two = jit { (x: Tensor, y: Tensor) in (x + y, ["difference": x - y]) }
    let (sum, rest) = try two(Tensor([3.0]), Tensor([1.0]))
    #expect(sum.item() == 4 && rest["difference"]?.item() == 2)
    #expect(try two(Tensor([5.0]), Tensor([1.0])).0.item() == 6 && two.cacheCount == 1)
    #expect(two.cacheDescription.contains("first call"))
    let three = jit { (x: Tensor) -> (Tensor, Tensor, [Tensor]) in (x, x * 2.0, [x * 3.0]) }
    let (_, double, triple) = try three(Tensor([1.0]))
    #expect(double.item() == 2 && triple[0].item() == 3)
    let both = jit(valueAndGrad { (x: Tensor) in sum1(x * x) })
    let (value, gradient) = try both(Tensor([3.0]))
    #expect(value.item() == 9 && gradient.item() == 6)
  }

  @Test func `a number as a tensor is traced`() throws {
    let scaled = jit { (x: Tensor, rate: Tensor) in x * rate }
    for rate in stride(from: 0.5, to: 20, by: 0.5) {
      expectClose(try scaled(Tensor([1.0, 2]), Tensor(rate)), [rate, 2 * rate])
    }
    #expect(scaled.cacheCount == 1)
  }

  @Test func `a number that is not marked is an error that says what to do`() throws {
    let scaled = jit { (x: Tensor, rate: Double) in x * rate }
    expectError("argument 1 is the number 0.5, which would be compiled in: take it as a Tensor") {
      _ = try scaled(Tensor(1.0), 0.5)
    }
    expectError("JitArgumentTests.swift") { _ = try scaled(Tensor(1.0), 0.5) }
    expectError("argument 0 is the number 3") { _ = try jit { (n: Int) in Tensor(n) }(3) }
    expectError("argument 0/rate is the number 0.1") {
      _ = try jit { (r: Rates) in r.x * r.rate }(Rates(x: Tensor(1.0), rate: 0.1))
    }
    #expect(scaled.cacheCount == 0)
  }

  @Test func `a static number is compiled in, once for each value`() throws {
    let power = jit { (x: Tensor, n: Static<Int>) in (1..<n.value).reduce(x) { y, _ in y * x } }
    for (n, expected) in [(1, 2.0), (3, 8), (1, 2), (3, 8), (5, 32)] {
      #expect(try power(Tensor(2.0), Static(n)).item() == expected)
    }
    #expect(power.cacheCount == 3)
    #expect(power.cacheDescription.contains("argument 1 was \"1\", is \"3\""))
    let scaled = jit { (x: Tensor, rate: Static<Double>) in x * rate.value }
    for rate in [0.1, 1e-300, -0.0, Double.infinity, .nan] {
      let value = try scaled(Tensor(1.0, dtype: .float64), Static(rate)).item()
      #expect(value == rate || (value.isNaN && rate.isNaN))
    }
  }

  @Test func `a property can be static, and booleans are part of the form`() throws {
    let function = jit { (x: Tensor, o: Options) in
      let y = (0..<o.layers).reduce(x) { y, _ in y * o.scale }
      return o.isNegative ? -y : y
    }
    func call(_ layers: Int, _ scale: Double, _ isNegative: Bool) throws -> Double {
      try function(
        Tensor(1.0), Options(layers: layers, scale: Tensor(scale), isNegative: isNegative)
      ).item()
    }
    #expect(try call(2, 3, false) == 9)
    #expect(try call(2, 4, false) == 16 && function.cacheCount == 1)
    #expect(try call(3, 2, true) == -8 && function.cacheCount == 2)
  }

  @Test func `a function that is compiled again more than 10 times warns once, with the reason`()
    throws
  {
    let function = jit(cacheLimit: 4) { (x: Tensor) in x * 2.0 }
    let (logger, store) = WarningLog.logger()
    function.logger = logger
    func messages() -> [String] { store.messages.withLock { $0 } }
    for size in 1...11 { _ = try function(.ones([size])) }
    for _ in 0..<20 { _ = try function(.ones([11])) }
    #expect(messages() == [])
    _ = try function(.ones([12]))
    #expect(messages().count == 1)
    #expect(messages()[0].hasPrefix("warning: the function given to jit (TensorsTests/JitArgument"))
    #expect(messages()[0].contains("compiled again 11 times"))
    #expect(messages()[0].contains("argument 0 was float32 [11], is float32 [12]"))
    for size in 13...30 { _ = try function(.ones([size])) }
    #expect(messages().count == 1)
  }
}

private func sum1(_ x: Tensor) -> Tensor { Tensors.sum(x) }
