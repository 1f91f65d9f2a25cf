// A table with names, strings and missing cells: prices of houses. Alone: `Table`; on three ranks: `mpirun -n 3 Table`.
import Dist
import Engine
import Foundation

/// A number for each city beside the numbers of the house.
final class HouseNetwork: Module {
  struct Input: Codable {
    let numbers, city: Tensor
  }

  let normalization = Normalization()
  let cities: Int

  init(cities: Int) {
    self.cities = cities
    super.init()
  }

  func call(_ house: Input) -> Tensor {
    let city = Embedding(inputs: cities, outputs: 3)(house.city)
    var x = concatenate([normalization(house.numbers), city], axis: -1)
    x = relu(Linear(32)(x))
    x = relu(Linear(16)(x))
    return squeeze(Linear(1)(x), axis: -1)
  }
}

/// Writes a table as it comes out of a spreadsheet: some cells are missing.
func writeHouses(to path: String) throws {
  let districts = [("Lyon", 0.0), ("Paris", 180), ("Nice", 90), ("Lille", -30)]
  let draw = randomUniform([1000, 8], key: RandomKey(seed: 7), dtype: .float64)
    .scalars(as: Double.self)
  var lines = ["area,rooms,age,city,price"]
  for row in 0..<1000 {
    let r = Array(draw[row * 8..<row * 8 + 8])
    let area = 25 + 175 * r[0]
    let rooms = Int(area / 30) + Int(2 * r[1])
    let age = 100 * r[2]
    let (city, extra) = districts[Int(4 * r[3])]
    let price = 40 + 2.2 * area + 8 * Double(rooms) - 0.6 * age + extra + 20 * (r[4] - 0.5)
    let ageCell = r[5] < 0.05 ? "NA" : String(format: "%.1f", age)
    let areaCell = r[6] < 0.05 ? "" : String(format: "%.1f", area)
    lines.append("\(areaCell),\(rooms),\(ageCell),\(city),\(String(format: "%.1f", price))")
  }
  try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
}

try withStrategy(.mpi, lossScaling: .globalBatch) {
  let ranks = DistributionContext.strategy.communicator
  if ranks.rank == 0 { try writeHouses(to: "houses.csv") }
  // The others read what rank 0 has written.
  try ranks.barrier()

  let table = try CSV.readFrame("houses.csv")
  let city = try table.categories("city")
  let raw = try table.numbers(["area", "rooms", "age"])
  let price = try table.numbers("price")
  let count = table.rowCount
  let training = 0..<count * 8 / 10
  let test = training.upperBound..<count

  // A missing number becomes the mean of those that the rows of training have.
  let isMissing = isNaN(raw[training])
  let present = sum(logicalNot(isMissing).cast(to: .float32), axis: 0)
  let means = sum(select(isMissing, 0, raw[training]), axis: 0) / present
  let numbers = select(isNaN(raw), means, raw)
  func houses(_ rows: Range<Int>) -> [String: Tensor] {
    ["numbers": numbers[rows], "city": city.indices[rows]]
  }

  let network = HouseNetwork(cities: city.names.count)
  network.normalization.adapt(numbers[training])
  let mean = Engine.mean(price[training])
  let deviation = sqrt(variance(price[training]))
  let target = (price - mean) / deviation

  let model = Model(
    module: network, loss: MeanSquaredError(), optimizer: Adam(learningRate: 3e-3))
  let history = try model.fit(
    x: houses(training), y: target[training], batchSize: 32, epochs: 100, verbose: .silent,
    callbacks: [EarlyStopping(patience: 10, restoreBestWeights: true)], validationSplit: 0.2)
  try model.saveWeights(to: "houses.safetensors")

  let predicted: Tensor = try model.predict(x: houses(test))
  let error = Engine.mean(abs(predicted * deviation + mean - price[test])).item()
  let baseline = Engine.mean(abs(mean - price[test])).item()
  if model.isChief {
    print(
      String(
        format: "%d epochs; a price is off by %.1f, the mean price by %.1f",
        history["loss"].count, error, baseline))
  }
}
