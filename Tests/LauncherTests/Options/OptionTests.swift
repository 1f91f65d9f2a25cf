import Testing

extension ApusTests {
  /// Options are checked before anything starts: one message, no ranks.
  @Suite("Options") struct OptionTests {
    @Test(
      "that make no sense are refused with a reason",
      arguments: [
        ("train --data mnst:x", #"unknown kind of data "mnst""#),
        ("train --data idx:one", "expected idx:IMAGES,LABELS"),
        ("train --data npy:a,b,c", "two files with one comma between them"),
        ("train --data csv:", "expected csv:FILE"),
        ("train --data digits:x", "digits stands alone"),
        ("train --validation-split 1", "--validation-split 1.0: expected a part of the data"),
        ("train --validation-split -0.1", "--validation-split -0.1: expected a part of the data"),
        ("train --epochs 0", "--epochs 0: at least 1"),
        ("train --batch-size -2", "--batch-size -2: at least 1"),
        ("train --learning-rate 0", "--learning-rate 0.0: expected a number above 0"),
        ("train --learning-rate fast", "fast"),
        ("train --model rnn", "rnn"),
        ("train --optimizer sdg", "sdg"),
        ("train --precision half", "half"),
        ("train -n 0", "-n 0: the number of ranks must be at least 1"),
        ("train -n -3", "-n -3: the number of ranks must be at least 1"),
        ("train --threads 0", "--threads 0: a rank needs at least 1 thread"),
        ("train --threads 100000", "--threads 100000: a rank can have at most 1024 threads"),
        ("bench gemm --threads 100000", "--threads 100000: a rank can have at most 1024 threads"),
        ("train --header yes", "--header yes goes with --data csv:FILE only"),
        ("train --data csv:x --header maybe", "maybe"),
        ("train --label y", "--label y goes with --data csv:FILE only"),
        ("train --hosts a:0", "--hosts a:0: \"0\" is no number of ranks from 1"),
        ("train --hosts a:1,a:1", "each name once"),
        ("train -n 4 --hosts a:2", "--hosts a:2 takes 2 ranks"),
        ("train digits", "digits"),
        ("run -n 2", "no program"),
        ("doctor -n 0", "-n 0"),
        ("doctor -np 0", "-n 0"),
        ("doctor --shared-folder x", "--shared-folder goes with --hosts or --hostfile"),
        ("doctor --hosts a,a", "a is there twice"),
        ("doctor --hosts a --node-timeout 0", "--node-timeout 0: expected seconds"),
        ("bench train --workload rnn", "rnn"),
        ("bench train --precision float16", "float16"),
        ("bench train --blocks 0", "--blocks 0: at least 1"),
        ("bench train -n 0", "-n 0: the number of ranks must be at least 1"),
        ("bench gemm --threads 0", "--threads 0: at least 1"),
        ("bench kernels --threads 0", "--threads 0: at least 1"),
        ("bench kernels --elements 100", "--elements 100: at least a row of 128"),
        ("bench allreduce --largest 0", "--largest 0: at least 1 KiB"),
        ("bench steps --steps 15", "--steps 15: expected a multiple of 10"),
        ("inspect plan --workload rnn", "rnn"),
        ("inspect plan --rows 0", "--rows 0: at least 1"),
        ("inspect plan --ranks 0", "--ranks 0: at least 1"),
        ("inspect plan --rows 2 --ranks 3", "--ranks 3: there are 2 samples only"),
        ("inspect plan --bucket-bytes -1", "--bucket-bytes -1: at least 0"),
      ])
    func refused(line: String, message: String) async throws {
      let outcome = try await Apus.run(line.split(separator: " ").map(String.init))
      // EX_USAGE of sysexits.h, as argument parsers give it.
      #expect(outcome.code == 64, "\(outcome)")
      #expect(outcome.errors.hasPrefix("Error: "), "\(outcome)")
      #expect(outcome.errors.contains(message), "\(outcome)")
      #expect(!outcome.errors.contains("mpirun"), "\(outcome)")
    }

    @Test("are explained, with what is held out") func help() async throws {
      let outcome = try await Apus.run(["train", "--help"])
      #expect(outcome.code == 0)
      let text = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(text.contains("drawn at random by the seed for digits, the last rows of files"))
      let options = [
        "--data", "--model", "--epochs", "--batch-size", "--seed", "--json", "--hosts",
      ]
      for option in options { #expect(text.contains(option)) }
    }

    @Test("of launching are the same for every command that starts ranks")
    func launching() async throws {
      for command in [["train"], ["bench", "train"], ["bench", "allreduce"], ["run", "x"]] {
        let options = ["--hosts", "a:2,b:2", "-np", "3", "-x", "PLACE=here", "--threads", "1"]
        let words = command[0] == "run" ? ["run"] + options : command + options
        let program = command[0] == "run" ? ["x"] : []
        let outcome = try await Apus.run(
          words + ["--dry-run"] + program, without: Apus.variables(["LANG", "LC_ALL", "TZ"]))
        #expect(outcome.code == 0, "\(outcome)")
        let line = outcome.lines.last ?? ""
        #expect(line.contains(" PLACE=here mpirun -n 3 -H a:2,b:2 "), "\(outcome)")
        #expect(line.contains(" -x PLACE ") && line.contains(" --share-node "), "\(outcome)")
        #expect(outcome.lines.contains { $0.hasPrefix("# 2     b     0  ") }, "\(outcome)")
      }
    }

    @Test("reach the ranks as they were given") func forwarded() async throws {
      let options = [
        "--data", "csv:a b.csv", "--model", "mlp", "--epochs", "3", "--batch-size", "8",
        "--learning-rate", "0.01", "--optimizer", "sgd", "--precision", "mixed_bfloat16",
        "--seed", "5", "--validation-split", "0.3", "--out", "runs/x", "--json", "--gradients",
        "bfloat16",
      ]
      let outcome = try await Apus.run(
        ["train", "-n", "2", "--threads", "2", "--dry-run"] + options)
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.lines.last?.hasPrefix("env ") == true, "\(outcome)")
      #expect(outcome.output.contains(" mpirun -n 2 "), "\(outcome)")
      #expect(
        outcome.output.hasSuffix(
          """
          /apus train --data 'csv:a b.csv' --epochs 3 --batch-size 8 --learning-rate 0.01 \
          --optimizer sgd --precision mixed_bfloat16 --seed 5 --validation-split 0.3 --gradients bfloat16 --model mlp --out runs/x --json \
          --progress lines --threads 2

          """), "\(outcome)")
    }
  }
}
