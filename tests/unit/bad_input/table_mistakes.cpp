#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

BadInput train(std::string what, std::string text, std::string message) {
  return in_file(std::move(what), "data/train.csv", std::move(text), std::move(message));
}

/// The rows in a format of their own.
BadInput train_as(std::string what, std::string file, std::string text, std::string message) {
  BadInput bad = in_file(std::move(what), file, std::move(text), std::move(message));
  bad.spoil = [file, write = bad.spoil](const fs::path& folder) {
    write(folder);
    replace_in(folder / "grid.yaml", "data/train.csv", file);
    replace_in(folder / "grid.yaml", "data/test.csv", file);
  };
  return bad;
}

}  // namespace

Section table_mistakes() {
  BadInput latin = train(
      "A table that is not UTF-8", "title,queue\nab,sales\ncaf\xE9,help\n",
      "grid.yaml:3: task tickets: data/train.csv:3: is not UTF-8 from here on; convert it, with iconv for example");
  latin.shown = "data/train.csv, line 3:\ncaf(a byte of Latin-1),help";
  BadInput wide = train("A table in UTF-16", std::string("\xFF\xFEt\0,\0q\0\n\0", 10),
                        "grid.yaml:3: task tickets: data/train.csv:1: is UTF-16; tables are UTF-8 text: convert it "
                        "with `iconv -f UTF-16 -t UTF-8`");
  wide.shown = "data/train.csv: saved as \"Unicode text\"";
  BadInput packed = train("A table that is compressed", std::string("\x1F\x8B\x08\0", 4),
                          "grid.yaml:3: task tickets: data/train.csv:1: is compressed; unpack it with `gunzip` first");
  packed.shown = "data/train.csv: as gzip wrote it";
  const BadInput excel =
      train("A line that Excel writes for itself", "sep=;\ntitle;queue\nab;sales\n",
            "grid.yaml:3: task tickets: data/train.csv:1: is Excel's own line for the delimiter; leave "
            "it out and say `delimiter: \";\"`");
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
  BadInput values = train("A regression that is not said to be one", "title,queue\nab,1.5\ncd,2\n",
                          "grid.yaml:3: task tickets: data/test.csv:2: the label \"1.75\" is not in the label set: "
                          "\"1.5\" and \"2\"; for numbers to predict, say `kind: regression`");
  values.shown += "\ndata/test.csv:\ntitle,queue\nef,1.75\n";
  values.spoil = [write = values.spoil](const fs::path& folder) {
    write(folder);
    write_text(folder / "data/test.csv", "title,queue\nef,1.75\n");
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
          wide,
          packed,
          excel,
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
          in_file("An empty label in test", "data/test.csv", "title,queue\nab,\n",
                  "grid.yaml:3: task tickets: data/test.csv:2: the label is empty"),
          in_file("A label in capitals", "data/test.csv", "title,queue\nab,HELP\n",
                  "grid.yaml:3: task tickets: data/test.csv:2: the label \"HELP\" is not in the label set: \"help\" "
                  "and \"sales\"; the training file writes \"help\": write them alike"),
          train_as(
              "A row that is not JSON", "data/train.jsonl", "{\"title\": \"ab\", \"queue\": \"sales\"}\n{title: cd}\n",
              "grid.yaml:3: task tickets: data/train.jsonl:2: is not JSON; JSON Lines has one whole object a line"),
          train_as("A number that JSON does not know", "data/train.jsonl",
                   "{\"title\": \"ab\", \"queue\": \"sales\"}\n{\"title\": NaN, \"queue\": \"help\"}\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:2: holds NaN, which is no JSON value; write a text or "
                   "a number there, or leave the row out"),
          train_as("A file that is one list", "data/train.jsonl",
                   "[\n{\"title\": \"ab\", \"queue\": \"sales\"},\n{\"title\": \"cd\", \"queue\": \"help\"}\n]\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: is one JSON list of 2 objects; JSON Lines has one "
                   "object a line, as `jq -c '.[]'` writes them"),
          train_as("A row that is no object", "data/train.jsonl", "[\"ab\", \"sales\"]\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: is not a JSON object; each line must be {\"key\": "
                   "value, ...}"),
          train_as("A row without a key", "data/train.jsonl", "{\"titel\": \"ab\", \"queue\": \"sales\"}\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: no key \"title\"; did you mean \"titel\"?"),
          train_as("A key that holds nothing", "data/train.jsonl", "{\"title\": null, \"queue\": \"sales\"}\n",
                   "grid.yaml:3: task tickets: data/train.jsonl:1: key \"title\" holds null; a text or a number would "
                   "be right"),
          train_as("A TSV file with commas", "data/train.tsv", "title,queue\nab,sales\n",
                   "grid.yaml:3: task tickets: data/train.tsv:1: no column \"title\"; the header has no tab, but a "
                   "comma: `format: csv` would be right"),
          train("A CSV file with semicolons", "title;queue\nab;sales\n",
                "grid.yaml:3: task tickets: data/train.csv:1: no column \"title\"; the header has no comma, but a "
                "semicolon: `delimiter: \";\"` would be right"),
          train("A CSV file with tabs", "title\tqueue\nab\tsales\n",
                "grid.yaml:3: task tickets: data/train.csv:1: no column \"title\"; the header has no comma, but a tab: "
                "`delimiter: tab` would be right"),
          train("A CSV file with quotes and semicolons", "\"title\";\"queue\"\n\"ab\";\"sales\"\n",
                "grid.yaml:3: task tickets: data/train.csv:1: a semicolon after a closing quote, where fields are said "
                "to end with a comma; `delimiter: \";\"` would be right"),
          train_as("A TSV file whose names are quoted", "data/train.tsv", "\"title\"\t\"queue\"\n\"ab\"\t\"sales\"\n",
                   "grid.yaml:3: task tickets: data/train.tsv:1: no column \"title\"; the header has it in quotes, "
                   "which `quotes: true` takes off"),
          train_as("A quoted text of two lines where nothing is quoted", "data/train.tsv",
                   "title\tqueue\n\"ab\ncd\"\tsales\n",
                   "grid.yaml:3: task tickets: data/train.tsv:2: 1 field where the header has 2; a field that opens "
                   "with a quote and goes on in the next line is read with `quotes: true`"),
          in_file("A test file whose labels are secret", "data/test.csv", "title,queue\nab,-1\ncd,-1\n",
                  "grid.yaml:3: task tickets: data/test.csv:2: the label \"-1\" is not in the label set: \"help\" and "
                  "\"sales\"; -1 often stands for labels that are kept secret: such rows can neither train nor test"),
          values,
      },
  };
}

}  // namespace peftgrid::tests
