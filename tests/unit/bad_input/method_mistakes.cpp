#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

BadInput method(std::string what, std::string text, std::string message) {
  return in_grid(std::move(what), "methods: [full, lora]", "methods:\n" + text, std::move(message));
}

BadInput read_by_mean(std::string what, std::string text, std::string message) {
  BadInput bad = method(std::move(what), std::move(text), std::move(message));
  bad.shown = "backbones: [{path: models/tiny, readout: mean}]\n" + bad.shown;
  bad.set = {"backbones=[{path: models/tiny, readout: mean}]"};
  return bad;
}

}  // namespace

Section method_mistakes() {
  return {
      "Methods",
      {
          method("A method that is misspelt", "  - lorra", "grid.yaml:9: no method \"lorra\"; did you mean \"lora\"?"),
          method("A method of a later version", "  - compacter",
                 "grid.yaml:9: no method \"compacter\"; docs/grid_file.md lists them"),
          method("An option that is misspelt", "  - lora: {rnak: 8}",
                 "grid.yaml:9: lora has no key \"rnak\"; did you mean \"rank\"?"),
          method("An option of another method", "  - bitfit: {rank: 8}",
                 "grid.yaml:9: bitfit has no key \"rank\"; known: biases, name, learning_rate, width and training"),
          method("A width that is no number", "  - lora: {width: wide}",
                 "grid.yaml:9: width is \"wide\"; auto, or a number of ranks, would be right"),
          method("A width of nothing", "  - lora: {width: 0}",
                 "grid.yaml:9: width is \"0\"; a whole number from 1 to 4096 would be right"),
          method("More ranks than rows", "  - lora: {width: 32}",
                 "grid.yaml:9: width 32 is more than the 16 rows of a batch, which the ranks share"),
          method("A rank of nothing", "  - lora: {rank: 0}",
                 "grid.yaml:9: rank is \"0\"; a whole number from 1 to 65536 would be right"),
          method("A rank that is not whole", "  - lora: {rank: 8.5}",
                 "grid.yaml:9: rank is \"8.5\"; a whole number from 1 to 65536 would be right"),
          method("A rank in quotes", "  - lora: {rank: \"8\"}",
                 "grid.yaml:9: rank is \"8\" in quotes, which make it a text; 8 without them would be right"),
          method("A rate in quotes", "  - lora: {learning_rate: '1e-3'}",
                 "grid.yaml:9: learning_rate is \"1e-3\" in quotes, which make it a text; 1e-3 without them would be "
                 "right"),
          method("A method by the name of its paper", "  - prefix-tuning",
                 "grid.yaml:9: no method \"prefix-tuning\"; did you mean \"prefix\"?"),
          method("A method by another program's name", "  - finetune",
                 "grid.yaml:9: no method \"finetune\"; did you mean \"full\"?"),
          method("A method in capitals", "  - LoRA", "grid.yaml:9: no method \"LoRA\"; did you mean \"lora\"?"),
          method("Another program's name of an option", "  - lora: {r: 8}",
                 "grid.yaml:9: lora has no key \"r\"; did you mean \"rank\"?"),
          method("Another program's name of a rate", "  - lora: {lr: 1e-3}",
                 "grid.yaml:9: lora has no key \"lr\"; did you mean \"learning_rate\"?"),
          method("How to train what does not train", "  - none: {learning_rate: 0.1}",
                 "grid.yaml:9: none trains nothing, and has no learning_rate; leave it out"),
          method("Epochs of what does not train", "  - none: {epochs: 3}",
                 "grid.yaml:9: none trains nothing, and has no epochs; leave it out"),
          method("How to train among the options", "  - lora: {epochs: 3}",
                 "grid.yaml:9: lora has no key \"epochs\"; it goes into `training: {epochs: ...}`"),
          method(
              "More pretrained layers than the model has", "  - full: {pretrained_layers: 99}",
              "grid.yaml:9: full.pretrained_layers is 99; this backbone has 2 blocks: 0 to 2, or -1 for all, would be "
              "right"),
          method("Another program's name of a module", "  - lora: {targets: [q_proj]}",
                 "grid.yaml:9: an item of targets is \"q_proj\"; did you mean \"query\"?"),
          method("A text without a token to start from", "  - prompt: {init: text, text: \" \"}",
                 "grid.yaml:3: task tickets on tiny: prompt: the text \" \" has no token to start from"),
          method("A rank larger than the layer", "  - lora: {rank: 64}",
                 "grid.yaml:9: lora.rank is 64; this backbone allows 1 to 16, the width of its linear layers"),
          method("A dropout of one", "  - lora: {dropout: 1}",
                 "grid.yaml:9: dropout is \"1\"; a number from 0 to 0.9 would be right"),
          method("A target that is misspelt", "  - lora: {targets: [querry]}",
                 "grid.yaml:9: an item of targets is \"querry\"; did you mean \"query\"?"),
          method("A target given twice", "  - lora: {targets: [query, query]}",
                 "grid.yaml:9: \"query\" is twice in targets"),
          method("No target", "  - lora: {targets: []}", "grid.yaml:9: targets is empty; at least one is needed"),
          method("All biases, and one of them", "  - bitfit: {biases: [all, query]}",
                 "grid.yaml:9: biases names all, and others beside it"),
          method("An unknown start of a prompt", "  - prompt: {init: vocab}",
                 "grid.yaml:9: init is \"vocab\"; known: random, vocabulary and text"),
          method("A prompt of no text", "  - prompt: {init: text}",
                 "grid.yaml:9: prompt.init is text, and there is no prompt.text to start from"),
          method("A text that no prompt starts from", "  - prompt: {text: film}",
                 "grid.yaml:9: prompt.text is given, and prompt.init is random; only init text reads it"),
          method("A text of two lines", "  - prompt: {init: text, text: \"a\\nb\"}",
                 "grid.yaml:9: text is \"a\\x0ab\"; one line of at most 1000 bytes without control characters would be "
                 "right"),
          read_by_mean("A prompt's first vector where none is read", "  - prompt: {readout_at: first}",
                       "grid.yaml:9: prompt.readout_at is first, and the readout mean takes no first token; pooler or "
                       "cls would"),

          method("A prompt that leaves no place for the text", "  - prompt: {length: 40}",
                 "grid.yaml:9: max_length 32 and a prompt of 40 make 72; the backbone tiny has 64 positions"),
          method("A shifted prefix that leaves no place for the text", "  - prefix: {length: 40, positions: shifted}",
                 "grid.yaml:9: max_length 32 and a prefix of 40 make 72; the backbone tiny has 64 positions"),
          method("A start of what a network makes", "  - prefix: {network_width: 8, init_std: 0.02}",
                 "grid.yaml:9: prefix.init_std is of keys and values that train alone; with a network_width of 8 a "
                 "network makes them, and it has to be left out"),
          method("More layers than the model has", "  - top_layers: {layers: 12}",
                 "grid.yaml:9: top_layers.layers is 12; this backbone allows 1 to 2, its number of layers"),
          method("More gated layers than the model has", "  - llama_adapter: {layers: 12}",
                 "grid.yaml:9: llama_adapter.layers is 12; this backbone allows 1 to 2, its number of layers"),
          method("A bottleneck narrower than nothing", "  - pfeiffer: {reduction: 100}",
                 "grid.yaml:9: pfeiffer.reduction is 100; this backbone allows 1 to 16, its width"),
          method("Options that are not indented", "  - lora:\n    rank: 8",
                 "grid.yaml:9: an item of methods is one method, like `- lora: {rank: 8}`; options belong inside, "
                 "indented below its name"),
          method("A list in the place of a method", "  - [full, lora]",
                 "grid.yaml:9: a method is a list; its name, or {name: {options}}, would be right"),
          method("A learning rate in two places", "  - lora: {learning_rate: 1e-3, training: {learning_rate: 2e-3}}",
                 "grid.yaml:9: learning_rate is given here and in this method's training; one of them decides"),
          method("A learning rate that is no number", "  - full: {learning_rate: small}",
                 "grid.yaml:9: learning_rate is \"small\"; a number from 1e-09 to 10 would be right"),
          method("One method twice", "  - full\n  - full",
                 "grid.yaml:10: this method and the one on line 9 have the same label \"full\" and no option that "
                 "differs; change an option, or give one a `name`"),
          method("One method under two names", "  - full\n  - full: {name: other}",
                 "grid.yaml:10: full of tickets on tiny and other of tickets on tiny are the same trials in everything "
                 "that can change a number; leave one out"),
          method("A value twice in a list", "  - lora: {rank: [4, 4]}",
                 "grid.yaml:9: rank is 4 twice in this list; each value makes a cell"),
          method("A name with an equals sign", "  - lora: {name: r=8}",
                 "grid.yaml:9: name is \"r=8\"; a name of at most 80 bytes without , = / \\ and not beginning with . "
                 "or - would be right"),
      },
  };
}

}  // namespace peftgrid::tests
