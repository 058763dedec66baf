#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

BadInput whole_grid(std::string what, std::string text, std::string message) {
  BadInput bad = in_file(std::move(what), "grid.yaml", std::move(text), std::move(message));
  bad.shown.erase(0, std::string("grid.yaml:\n").size());
  return bad;
}

BadInput hidden(BadInput bad, std::string shown) {
  bad.shown = std::move(shown);
  return bad;
}

}  // namespace

Section grid_mistakes() {
  const std::string seeds = "seeds: 2", sizes = "train_sizes: [4]", selection = "selection: none";
  const std::string training = "training: {max_length: 32}";
  return {
      "The grid file",
      {
          whole_grid("An empty file", "", "grid.yaml:1: the grid is empty; docs/grid_file.md shows one"),
          whole_grid("A file that is a list", "- full\n- lora\n",
                     "grid.yaml:1: the grid is a list; a map of keys and values would be right"),
          hidden(whole_grid("A file that is not UTF-8", "run: caf\xE9\n", "grid.yaml:1: is not UTF-8 text"),
                 "run: caf(a byte of Latin-1)"),
          in_grid("A bracket that is not closed", "[full, lora]", "[full, lora",
                  "grid.yaml:9: a list that opens with [ has no ] up to here"),
          in_grid("A quote that is not closed", selection, "run: \"first\n",
                  "grid.yaml:11: a quote opens here and is not closed on its line"),
          in_grid("A single quote that is not closed", selection, "run: 'first\n",
                  "grid.yaml:11: a quote opens here and is not closed on its line"),
          in_grid("A tab for indentation", "    text: title", "\ttext: title",
                  "grid.yaml:6: is not YAML: illegal tab when looking for indentation"),
          in_grid("A key given twice", seeds, "seeds: 2\nseeds: 3",
                  "grid.yaml:11: key \"seeds\" is here twice; the first is on line 10"),
          in_grid("A second document", seeds, "seeds: 2\n---",
                  "grid.yaml:11: a second document begins here; a grid file is one"),
          in_grid("Text that YAML would drop silently", seeds, "seeds: 2\n- full",
                  "grid.yaml:11: this does not fit what stands above it; look at the indentation"),
          whole_grid("More that YAML would drop silently", "- full\nseeds: 2\n",
                     "grid.yaml:2: a second document begins here; a grid file is one"),
          in_grid("A colon too many", seeds, "run: first: second",
                  "grid.yaml:10: a colon where no key can be; a text that holds one needs quotes"),
          in_grid("A brace that is not closed", training, "training: {max_length: 32",
                  "grid.yaml:13: a map that opens with { has no } up to here"),
          in_grid("A tag", seeds, "seeds: !!int 2",
                  "grid.yaml:10: tags (\"tag:yaml.org,2002:int\") have no meaning in a grid file"),
          in_grid("Lists in lists without end", seeds, "seeds: " + std::string(25, '[') + std::string(25, ']'),
                  "grid.yaml:10: nested more than 20 deep"),
          in_grid("A key that is misspelt", seeds, "seed: 2",
                  "grid.yaml:10: the grid has no key \"seed\"; did you mean \"seeds\"?"),
          in_grid(
              "A key that is nothing like any", seeds, "colour: red",
              "grid.yaml:10: the grid has no key \"colour\"; known: run, protocol, backbones, data, tasks, methods, "
              "train_sizes, seeds, data_seed, precision, width, training, selection, keep, logits, compare "
              "and margin"),
          in_grid("A word reserved for later", seeds, "tune: true",
                  "grid.yaml:10: \"tune\" is reserved for a later version; this one does not know it yet"),
          in_grid("No backbones", "backbones: [models/tiny]\n", "",
                  "grid.yaml:1: the grid has no key \"backbones\"; it needs one, like `backbones: [models/minilm]`"),
          in_grid("No methods", "methods: [full, lora]\n", "",
                  "grid.yaml:1: the grid has no key \"methods\"; it needs one, like `methods: [full, lora]`"),
          in_grid("An empty list", "[full, lora]", "[]", "grid.yaml:8: methods is empty; at least one is needed"),
          in_grid("An empty item", "[full, lora]", "[full, , lora]", "grid.yaml:8: an item of methods is empty"),
          in_grid("Seeds that are no number", seeds, "seeds: five",
                  "grid.yaml:10: seeds is \"five\"; a whole number from 1 to 100000 would be right"),
          in_grid("No seed at all", seeds, "seeds: 0",
                  "grid.yaml:10: seeds is \"0\"; a whole number from 1 to 100000 would be right"),
          in_grid("A seed given twice", seeds, "seeds: [1, 2, 1]", "grid.yaml:10: the seed 1 is here twice"),
          in_grid("A negative seed", seeds, "seeds: [-1]",
                  "grid.yaml:10: a seed is \"-1\"; a whole number from 0 to 2^63 - 1 would be right"),
          in_grid("A data seed that is no number", seeds, "data_seed: random",
                  "grid.yaml:10: data_seed is \"random\"; same, or a whole number, would be right"),
          in_grid("A training size in words", sizes, "train_sizes: [few]",
                  "grid.yaml:9: a training size is \"few\"; a number of rows, or all, would be right"),
          in_grid("A training size given twice", sizes, "train_sizes: [4, 4]",
                  "grid.yaml:9: this training size is here twice"),
          in_grid("A training size of nothing", sizes, "train_sizes: [0]",
                  "grid.yaml:9: a training size is \"0\"; a whole number from 1 to 1000000000000 would be right"),
          in_grid("A training size that fits no task", sizes, "train_sizes: [1000]",
                  "grid.yaml:9: the training size 1000 fits no task: tickets has 6"),
          in_grid("A training size that fits no task beside the selection rows", selection, "selection: {rows: 5}",
                  "grid.yaml:9: the training size 4 with 5 selection rows (fewer, or `selection: none`, may fit) fits "
                  "no task: tickets has 6"),
          in_grid("An unknown precision", seeds, "precision: fp16",
                  "grid.yaml:10: precision is \"fp16\"; known: fp32 and bf16"),
          in_grid("An unknown keep", seeds, "keep: everything",
                  "grid.yaml:10: keep is \"everything\"; known: adapters, all and none"),
          in_grid("Logits that are neither kept nor not", seeds, "logits: test",
                  "grid.yaml:10: logits is \"test\"; true or false would be right"),
          in_grid("A comparison of what is no method", seeds, "compare: [full, lore]",
                  "grid.yaml:10: compare names \"lore\", which is no method of this grid; did you mean \"lora\"?"),
          in_grid("A comparison of a method with itself", seeds, "compare: [full, lora, full]",
                  "grid.yaml:10: compare names a method twice; once each, the baseline first, would be right"),
          in_grid("A comparison of one method", seeds, "compare: full",
                  "grid.yaml:10: compare names one method; two or more, the baseline first, would be right"),
          in_grid("A margin of nothing", seeds, "margin: 0",
                  "grid.yaml:10: margin is \"0\"; a number from 0.01 to 100 would be right"),
          in_grid("A selection that is misspelt", selection, "selection: validaton",
                  "grid.yaml:11: selection is \"validaton\"; did you mean \"validation\"?"),
          in_grid("An unknown key of selection", selection, "selection: {row: 100}",
                  "grid.yaml:11: selection has no key \"row\"; did you mean \"rows\"?"),
          in_grid("Selection from a file that no task gives", selection, "selection: validation",
                  "grid.yaml:3: selection is validation, but the task tickets has no validation file; give one, or "
                  "keep rows out"),
          in_grid("Selection rows beside a validation file", selection, "selection: {from: validation, rows: 100}",
                  "grid.yaml:11: rows are kept out of train only with `from: rows`"),
          in_grid("An interval of selection in words", selection, "selection: {rows: 1, every: step}",
                  "grid.yaml:11: every is \"step\"; epoch, or a number of steps, would be right"),
          in_grid("An unknown key of training", training, "training: {epoch: 3}",
                  "grid.yaml:12: training has no key \"epoch\"; did you mean \"epochs\"?"),
          in_grid("Training that is no map", training, "training: 3",
                  "grid.yaml:12: training is \"3\"; a map of keys and values would be right"),
          in_grid("Epochs in words", training, "training: {epochs: many}",
                  "grid.yaml:12: epochs is \"many\"; a whole number from 1 to 100000 would be right"),
          in_grid("Epochs and steps both", training, "training: {epochs: 3, max_steps: 100}",
                  "grid.yaml:12: epochs and max_steps are both given; one of them decides"),
          in_grid("A rate below zero", training, "training: {learning_rate: -1e-4}",
                  "grid.yaml:12: learning_rate is \"-1e-4\"; a number from 1e-09 to 10 would be right"),
          in_grid("A schedule that is misspelt", training, "training: {schedule: liner}",
                  "grid.yaml:12: schedule is \"liner\"; did you mean \"linear\"?"),
          in_grid("A warm-up between share and steps", training, "training: {warmup: 1.5}",
                  "grid.yaml:12: warmup is 1.5; a share below 1 or a whole number of steps would be right"),
          in_grid("A dropout that is no rate", training, "training: {dropout: high}",
                  "grid.yaml:12: dropout is \"high\"; a number from 0 to 0.9 would be right"),
          in_grid("Rows longer than the backbone allows", training, "training: {max_length: 512}",
                  "grid.yaml:12: max_length is 512; the backbone tiny has 64 positions"),
          in_grid("A name that is a path", seeds, "run: runs/first",
                  "grid.yaml:10: run is \"runs/first\"; a name of at most 80 bytes without , = / \\ and not beginning "
                  "with . or - would be right"),
          in_grid("A side that is none", "[models/tiny]", "[{path: models/tiny, truncation_side: top}]",
                  "grid.yaml:1: truncation_side is \"top\"; known: right and left"),
          in_grid("Weights of another name", "[models/tiny]", "[models/tiny/adapter_model.safetensors]",
                  "grid.yaml:1: the weights of a backbone are model.safetensors (or its shards); "
                  "\"adapter_model.safetensors\" would not be read"),
          in_grid("A name on the Hugging Face hub", "[models/tiny]", "[google-bert/bert-base-uncased]",
                  "grid.yaml:1: backbone bert-base-uncased: google-bert/bert-base-uncased: no such folder; a backbone "
                  "is a Hugging Face folder with config.json, model.safetensors and tokenizer.json; if "
                  "google-bert/bert-base-uncased is a name on the Hugging Face hub, fetch it first: `hf download "
                  "google-bert/bert-base-uncased --local-dir models/bert-base-uncased`, and name "
                  "models/bert-base-uncased here"),
          in_grid("A page of the Hugging Face hub", "[models/tiny]",
                  "[\"https://huggingface.co/google-bert/bert-base-uncased\"]",
                  "grid.yaml:1: backbone bert-base-uncased: https:/huggingface.co/google-bert/bert-base-uncased: no "
                  "such folder; a "
                  "backbone is a Hugging Face folder with config.json, model.safetensors and tokenizer.json; if "
                  "google-bert/bert-base-uncased is a name on the Hugging Face hub, fetch it first: `hf download "
                  "google-bert/bert-base-uncased --local-dir models/bert-base-uncased`, and name "
                  "models/bert-base-uncased here"),
          in_grid("A short name on the Hugging Face hub", "[models/tiny]", "[bert-base-uncased]",
                  "grid.yaml:1: backbone bert-base-uncased: bert-base-uncased: no such folder; a backbone is a Hugging "
                  "Face folder with config.json, model.safetensors and tokenizer.json; if bert-base-uncased is a name "
                  "on the Hugging Face hub, fetch it first: `hf download bert-base-uncased --local-dir "
                  "models/bert-base-uncased`, and name models/bert-base-uncased here"),
          in_grid("Another program's name of a key", seeds, "lr: 1e-3",
                  "grid.yaml:10: the grid has no key \"lr\"; it goes into `training: {learning_rate: ...}`"),
          in_grid("Another program's name of a training key", training, "training: {num_train_epochs: 3}",
                  "grid.yaml:12: training has no key \"num_train_epochs\"; did you mean \"epochs\"?"),
          in_grid("A backbone without a path", "[models/tiny]", "[{name: tiny}]",
                  "grid.yaml:1: this backbone has no path; give the Hugging Face folder"),
          in_grid("An unknown readout", "[models/tiny]", "[{path: models/tiny, readout: max}]",
                  "grid.yaml:1: readout is \"max\"; known: pooler, cls, mean and last"),
          in_grid("Two backbones of one name", "[models/tiny]", "[models/tiny, other/tiny]",
                  "grid.yaml:1: two backbones are called \"tiny\"; give them different names"),
          in_grid("One backbone under two names", "[models/tiny]", "[models/tiny, {name: again, path: models/tiny}]",
                  "grid.yaml:8: full of tickets on tiny and full of tickets on again are the same trials in everything "
                  "that can change a number; leave one out"),
      },
  };
}

}  // namespace peftgrid::tests
