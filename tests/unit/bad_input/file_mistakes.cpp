#include "tests/unit/bad_input/cases.hpp"

#include "tests/support/tiny_model.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

BadInput train(std::string what, std::string text, std::string message) {
  return in_file(std::move(what), "data/train.csv", std::move(text), std::move(message));
}

/// The training rows in a format of their own.
BadInput train_as(std::string what, std::string file, std::string text, std::string message) {
  BadInput bad = in_file(std::move(what), file, std::move(text), std::move(message));
  bad.spoil = [file, write = bad.spoil](const fs::path& folder) {
    write(folder);
    replace_in(folder / "grid.yaml", "data/train.csv", file);
  };
  return bad;
}

BadInput config(std::string what, std::string old_text, std::string new_text, std::string message) {
  return {std::move(what),
          "models/tiny/config.json: " + new_text,
          [=](const fs::path& folder) { replace_in(folder / "models/tiny/config.json", old_text, new_text); },
          {},
          {},
          std::move(message)};
}

BadInput model(std::string what, std::string shown, std::function<void(const fs::path&)> spoil, std::string message) {
  return {std::move(what),   std::move(shown), [=](const fs::path& folder) { spoil(folder / "models/tiny"); }, {}, {},
          std::move(message)};
}

}  // namespace

Section table_mistakes() {
  BadInput latin = train(
      "A table that is not UTF-8", "title,queue\nab,sales\ncaf\xE9,help\n",
      "grid.yaml:3: task tickets: data/train.csv:3: is not UTF-8 from here on; convert it, with iconv for example");
  latin.shown = "data/train.csv, line 3:\ncaf(a byte of Latin-1),help";
  BadInput zero = train("A table with a zero byte", std::string("title,queue\nab,sales\nc\0d,help\n", 28),
                        "grid.yaml:3: task tickets: data/train.csv:3: holds a zero byte; tables are UTF-8 text");
  zero.shown = "data/train.csv, line 3:\nc(a zero byte)d,help";
  BadInput regression = train(
      "A label that is no number", "title,queue\nab,1.5\ncd,high\n",
      "grid.yaml:3: task tickets: data/train.csv:3: the label \"high\" is not a number; this task is a regression");
  regression.spoil = [write = regression.spoil](const fs::path& folder) {
    write(folder);
    replace_in(folder / "grid.yaml", "label: queue", "label: queue\n    kind: regression");
  };
  BadInput many = train("A column that is none of classes", "",
                        "grid.yaml:3: task tickets: data/train.csv: more than 1000 different labels; for numbers to "
                        "predict, say `kind: regression`");
  many.shown = "data/train.csv: 2,000 rows, each with a label of its own";
  many.spoil = [](const fs::path& folder) {
    std::string text = "title,queue\n";
    for (int i = 0; i < 2000; ++i) text += "a," + std::to_string(i) + "\n";
    write_text(folder / "data/train.csv", text);
  };
  return {
      "Tables",
      {
          train("An empty table", "", "grid.yaml:3: task tickets: data/train.csv:1: is empty"),
          train("A table of a header alone", "title,queue\n",
                "grid.yaml:3: task tickets: data/train.csv:1: has a header and no rows"),
          train("A column that is not there", "title,body\nab,cd\n",
                "grid.yaml:3: task tickets: data/train.csv:1: no column \"queue\"; the header has \"title\" and "
                "\"body\""),
          train("Two columns of one name", "title,title,queue\na,b,c\n",
                "grid.yaml:3: task tickets: data/train.csv:1: two columns are called \"title\"; names must differ"),
          train("A row with a field too many", "title,queue\nab,sales\ncd,help,now\n",
                "grid.yaml:3: task tickets: data/train.csv:3: 3 fields where the header has 2"),
          train("A quote that is never closed", "title,queue\nab,sales\n\"cd,help\nef,sales\n",
                "grid.yaml:3: task tickets: data/train.csv:3: a quoted field opens here and is never closed"),
          train("Text after a closing quote", "title,queue\n\"ab\"c,sales\n",
                "grid.yaml:3: task tickets: data/train.csv:2: text after a closing quote; a quote inside a quoted "
                "field is written twice"),
          train("A quote inside a plain field", "title,queue\na\"b,sales\n",
                "grid.yaml:3: task tickets: data/train.csv:2: a quote inside a field that does not begin with one; CSV "
                "wants the whole field quoted"),
          latin,
          zero,
          train("An empty label", "title,queue\nab,sales\ncd,\n",
                "grid.yaml:3: task tickets: data/train.csv:3: the label is empty"),
          train("One label everywhere", "title,queue\nab,sales\ncd,sales\n",
                "grid.yaml:3: task tickets: data/train.csv: every row has the label \"sales\"; there must be at least "
                "two"),
          many,
          regression,
          in_file("A label in test that training lacks", "data/test.csv", "title,queue\nab,sale\n",
                  "grid.yaml:3: task tickets: data/test.csv:2: the label \"sale\" is not in the label set: \"help\" "
                  "and \"sales\"; did you mean \"sales\"?"),
          train_as(
              "A row that is not JSON", "data/train.jsonl", "{\"title\": \"ab\", \"queue\": \"sales\"}\n{title: cd}\n",
              "grid.yaml:3: task tickets: data/train.jsonl:2: is not JSON; JSON Lines has one whole object a line"),
          train_as("A row that is no object", "data/train.jsonl", "[\"ab\", \"sales\"]\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: is not a JSON object; each line must be {\"key\": "
                   "value, ...}"),
          train_as("A row without a key", "data/train.jsonl", "{\"titel\": \"ab\", \"queue\": \"sales\"}\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: no key \"title\"; did you mean \"titel\"?"),
          train_as("A key that holds nothing", "data/train.jsonl", "{\"title\": null, \"queue\": \"sales\"}\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: key \"title\" holds null; a text or a number would "
                   "be right"),
          train_as("A TSV file with commas", "data/train.tsv", "title,queue\nab,sales\n",
                   "grid.yaml:3: task tickets: data/train.tsv:1: no column \"title\"; the header has \"title,queue\""),
      },
  };
}

Section backbone_mistakes() {
  const auto rewrite = [](TinyModel options) {
    return [=](const fs::path& folder) { write_tiny_model(folder, options); };
  };
  TinyModel narrow, wide_vocabulary;
  narrow.ffn = 48;
  wide_vocabulary.vocabulary = 80;
  const auto keep_config = [](const std::function<void(const fs::path&)>& spoil) {
    return [=](const fs::path& folder) {
      const fs::path kept = folder.parent_path() / "config.json";
      fs::copy_file(folder / "config.json", kept);
      spoil(folder);
      fs::rename(kept, folder / "config.json");
    };
  };
  return {
      "Backbones",
      {
          in_grid("A folder that is not there", "models/tiny", "models/tinny",
                  "grid.yaml:1: backbone tinny: models/tinny: no such folder; a backbone is a Hugging Face folder with "
                  "config.json, model.safetensors and tokenizer.json"),
          model(
              "No config.json", "", [](const fs::path& folder) { fs::remove(folder / "config.json"); },
              "grid.yaml:1: backbone tiny: models/tiny/config.json: no such file"),
          in_file("A config.json that is not JSON", "models/tiny/config.json",
                  "{\"model_type\": ", "grid.yaml:1: backbone tiny: models/tiny/config.json: is not JSON"),
          config("An unknown architecture", "\"bert\"", "\"deberta\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"model_type\" is \"deberta\"; known: bert, …"),
          config("An unknown activation", "\"gelu\"", "\"swish\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"hidden_act\" is \"swish\"; known: gelu, "
                 "gelu_new and relu"),
          config("Relative positions", "\"model_type\"",
                 "\"position_embedding_type\": \"relative_key\", \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"position_embedding_type\" is "
                 "\"relative_key\"; known: absolute"),
          config("A size that is missing", "\"hidden_size\": 16,", "",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: key \"hidden_size\" is missing"),
          config("A size of the wrong type", "\"hidden_size\": 16,", "\"hidden_size\": \"16\",",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"hidden_size\" is \"16\"; a whole number from "
                 "1 to 65536 would be right"),
          config("A size beyond reason", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 20000000",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"num_hidden_layers\" is 20000000; a whole "
                 "number from 1 to 1000 would be right"),
          config("Heads that do not divide the width", "\"num_attention_heads\": 2", "\"num_attention_heads\": 3",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"hidden_size\" is 16, which 3 heads cannot "
                 "share out evenly"),
          config("A layer that the weights lack", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
                 "grid.yaml:1: backbone tiny: models/tiny: tensor \"encoder.layer.2.attention.self.query.weight\" "
                 "is missing; config.json says it has the shape [16, 16]"),
          model("Weights of another shape", "", keep_config(rewrite(narrow)),
                "grid.yaml:1: backbone tiny: models/tiny/model.safetensors: tensor "
                "\"encoder.layer.0.intermediate.dense.weight\" has the shape [48, 16]; config.json says [32, 16]"),
          model(
              "No weights", "", [](const fs::path& folder) { fs::remove(folder / "model.safetensors"); },
              "grid.yaml:1: backbone tiny: no model.safetensors and no model.safetensors.index.json in models/tiny"),
          model(
              "Weights only as pytorch_model.bin", "",
              [](const fs::path& folder) { fs::rename(folder / "model.safetensors", folder / "pytorch_model.bin"); },
              "grid.yaml:1: backbone tiny: models/tiny holds its weights only as pytorch_model.bin, which runs code "
              "when it is read; convert it once with: python3 -c \"from transformers import AutoModel; "
              "AutoModel.from_pretrained('models/tiny').save_pretrained('models/tiny')\""),
          model(
              "Weights that were cut short", "",
              [](const fs::path& folder) { fs::resize_file(folder / "model.safetensors", 20'000); },
              "grid.yaml:1: backbone tiny: models/tiny/model.safetensors: tensor encoder.layer.0.output.dense.weight "
              "lies at [15296,17344] but the file holds 16032 bytes of data: is it cut short?"),
          in_file("Weights that are none", "models/tiny/model.safetensors",
                  "version https://git-lfs.github.com/spec/v1\n",
                  "grid.yaml:1: backbone tiny: models/tiny/model.safetensors: its header claims 2336927755350992246 "
                  "bytes of a file of 43: not safetensors, or cut short (a Git LFS pointer looks like this too)"),
          model(
              "No tokenizer.json", "", [](const fs::path& folder) { fs::remove(folder / "tokenizer.json"); },
              "grid.yaml:1: backbone tiny: models/tiny/tokenizer.json: no such file; transformers writes one with "
              "AutoTokenizer.from_pretrained(...).save_pretrained(...)"),
          in_file("A tokenizer.json that is none", "models/tiny/tokenizer.json", "{\"version\": \"1.0\"}",
                  "grid.yaml:1: backbone tiny: models/tiny/tokenizer.json: is not a tokenizer that can be used: Model "
                  "missing. at line 1 column 18"),
          model(
              "A tokenizer of another model", "a tokenizer.json of 80 entries",
              [rewrite, wide_vocabulary](const fs::path& folder) {
                rewrite(wide_vocabulary)(folder.parent_path() / "other");
                fs::copy_file(folder.parent_path() / "other/tokenizer.json", folder / "tokenizer.json",
                              fs::copy_options::overwrite_existing);
              },
              "grid.yaml:1: backbone tiny: models/tiny/tokenizer.json: has 80 entries, but the model's embedding table "
              "has 64 rows; this is another model's tokenizer"),
          in_file("A pooling file that is none", "models/tiny/1_Pooling/config.json", "[]",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: is not a JSON object"),
      },
  };
}

}  // namespace peftgrid::tests
