#include "tests/support/tiny_model.hpp"
#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

/// The grid's task with other keys behind its files', its backbone a decoder.
BadInput task(std::string what, const std::string& keys, std::string message) {
  BadInput bad = in_grid(std::move(what), "    text: title\n    label: queue", keys, std::move(message));
  bad.spoil = [write = bad.spoil](const fs::path& folder) {
    write(folder);
    write_tiny_model(folder / "models/tiny", {.architecture = "gpt2"});
  };
  return bad;
}

/// The same with rows of its own, training and test.
BadInput rows(std::string what, const std::string& keys, const std::string& table, std::string message) {
  BadInput bad = task(std::move(what), keys, std::move(message));
  bad.shown += "\ndata/train.csv and data/test.csv:\n" + table;
  bad.spoil = [table, write = bad.spoil](const fs::path& folder) {
    write(folder);
    for (const char* file : {"train", "test"}) write_text(folder / "data" / (std::string(file) + ".csv"), table);
  };
  return bad;
}

}  // namespace

Section kind_mistakes() {
  const std::string model = "    kind: language_model\n", choice = "    kind: choice\n    text: title\n";
  const std::string choices = choice + "    choices: [one, two]\n    label: queue";
  BadInput encoder = in_grid("GPT-1's inputs on an encoder", "backbones: [models/tiny]",
                             "backbones: [{path: models/tiny, input: gpt1}]",
                             "grid.yaml:1: the backbone tiny has `input: gpt1`, which is for decoders; its own, plain, "
                             "would be right");
  BadInput untied =
      task("A language model of a folder that cannot predict tokens",
           model + "    template: \"{title} {answer}\"\n    answer: queue",
           "grid.yaml:1: models/tiny/config.json: \"tie_word_embeddings\" is not true, and the files hold no "
           "\"lm_head.weight\" to predict next tokens with; true would be right where the table of words does");
  untied.shown += "\nmodels/tiny/config.json, gpt2: {\"tie_word_embeddings\":false}";
  untied.spoil = [write = untied.spoil](const fs::path& folder) {
    write(folder);
    replace_in(folder / "models/tiny/config.json", "{", "{\"tie_word_embeddings\":false,");
  };
  return {
      "Choices and language models",
      {
          untied,
          task("A language model without a template", model + "    answer: queue",
               "grid.yaml:3: the task \"tickets\" has no template; write the text to learn, \"{question} {answer}\""),
          task("A language model with a label", model + "    template: \"{title} {answer}\"\n    label: queue",
               "grid.yaml:8: a language model reads the columns of its `template`, and predicts `answer`; leave out "
               "label"),
          task("A slot that does not close", model + "    template: \"{title {answer}\"",
               "grid.yaml:7: the template has a brace that is no slot at \"{title {answer}\"; a column's name in "
               "braces, "
               "{question}, would be right, and {{ stands for a brace"),
          task(
              "A template without a slot", model + "    template: \"title\"",
              "grid.yaml:7: the template has no slot, and every row would be the same text; \"{text}\" would be right"),
          task("A slot of a column that is not there", model + "    template: \"{titel} {answer}\"\n    answer: queue",
               "grid.yaml:3: task tickets: data/train.csv:1: no column \"titel\"; did you mean \"title\"? The header "
               "has "
               "\"title\", \"body\" and \"queue\""),
          task("An answer that no slot asks for", model + "    template: \"{title}\"\n    answer: queue",
               "grid.yaml:8: answer names what `{answer}` stands for, and the template has none"),
          task("An answer that stands in the text", model + "    template: \"{queue} {answer}\"\n    answer: queue",
               "grid.yaml:8: the template has both {answer} and {queue}, and answer names queue; it would be read from "
               "the text"),
          task("An answer that stands there twice",
               model + "    template: \"{title} {answer} {answer}\"\n    answer: queue",
               "grid.yaml:7: the template has {answer} twice, and the first would give the second away; once would be "
               "right"),
          task("A loss of an answer that is not there", model + "    template: \"{title}\"\n    loss: answer",
               "grid.yaml:8: the template has no `{answer}`; `loss: all` would be right"),
          task("A template of a classification", "    text: title\n    label: queue\n    template: \"{title}\"",
               "grid.yaml:8: template is for a language_model; this task is a classification"),
          rows("An answer without a token", model + "    template: \"{title}{answer}\"\n    answer: queue",
               "title,queue\nab,cd\nef,\ngh,ij\nkl,mn\n",
               "grid.yaml:3: task tickets on tiny: data/train.csv:3: the row has no token to predict: its answer is "
               "empty, was cut off, or is one token with none before it; leave the row out, or let `max_length` keep "
               "more of it"),
          rows("A blank answer", model + "    template: \"{title} {answer}\"\n    answer: queue",
               "title,queue\nab,cd\nef,\ngh,ij\nkl,mn\n",
               "grid.yaml:3: task tickets on tiny: data/train.csv:3: the row has no token to predict: its answer is "
               "empty, was cut off, or is one token with none before it; leave the row out, or let `max_length` keep "
               "more of it"),
          task("A choice without its choices", choice + "    label: queue",
               "grid.yaml:3: the task \"tickets\" has no choices; name the columns to choose from"),
          task("A choice between one and itself", choice + "    choices: [body]\n    label: queue",
               "grid.yaml:8: choices names one column; there must be two to choose from"),
          task("Choices of a classification", "    text: title\n    label: queue\n    choices: [title, body]",
               "grid.yaml:8: choices are for a choice; this task is a classification"),
          rows("A label that names no choice", choices, "title,one,two,queue\na,b,c,one\nd,e,f,three\n",
               "grid.yaml:3: task tickets: data/train.csv:3: the label \"three\" names no choice; in all rows the name "
               "of a choice's column, or in all its index from 0 to 1, would be right"),
          rows("A label of a choice that the row has not", choice + "    choices: [one, two, three]\n    label: queue",
               "title,one,two,three,queue\na,b,c,,2\n",
               "grid.yaml:3: task tickets: data/train.csv:2: the label \"2\" names a choice that the row has not"),
          rows(
              "A label by index, the others by name", choices, "title,one,two,queue\na,b,c,one\nd,e,f,0\n",
              "grid.yaml:3: task tickets: data/train.csv:3: the label \"0\" names no choice; in all rows the name of a "
              "choice's column, or in all its index from 0 to 1, would be right"),
          rows(
              "One label among indices that is none", choices, "title,one,two,queue\na,b,c,1\nd,e,f,0\ng,h,i,5\n",
              "grid.yaml:3: task tickets: data/train.csv:4: the label \"5\" names no choice; in all rows the name of a "
              "choice's column, or in all its index from 0 to 1, would be right"),
          rows("A gap among a row's choices", choice + "    choices: [one, two, three]\n    label: queue",
               "title,one,two,three,queue\na,b,,c,0\n",
               "grid.yaml:3: task tickets: data/train.csv:2: a choice is empty, and a later one is not; only a row's "
               "last "
               "choices may be missing"),
          rows("A row with one choice", choices, "title,one,two,queue\na,b,,0\n",
               "grid.yaml:3: task tickets: data/train.csv:2: the row has 1 of 2 choices; there must be two to choose "
               "from"),
          task("A pair of one text", "    text: title\n    label: queue\n    symmetric: true",
               "grid.yaml:8: symmetric is for a pair; text names one column"),
          encoder,
      },
  };
}

}  // namespace peftgrid::tests
