#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

Section task_mistakes() {
  const std::string task = "tasks:\n  - name: tickets\n", label = "    label: queue", text = "    text: title";
  const std::string built_in =
      "  - name: tickets\n    train: data/train.csv\n    test: data/test.csv\n    text: title\n    label: queue";
  return {
      "Tasks",
      {
          in_grid("A built-in task that is misspelt", built_in, "  - sst-3",
                  "grid.yaml:3: no built-in task \"sst-3\"; did you mean \"sst2\"? (a task of your own is a map with "
                  "name, train, test, text and label)"),
          in_grid("A name that is no built-in task", built_in, "  - tickets",
                  "grid.yaml:3: no built-in task \"tickets\"; known: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte and "
                  "wnli (a task of your own is a map with name, train, test, text and label)"),
          in_grid("A built-in task without data", built_in, "  - sst2",
                  "grid.yaml:3: the built-in task sst2 needs the key `data`: the folder that holds GLUE"),
          in_grid("Data that is not there", built_in, "  - sst2\ndata: glue",
                  "grid.yaml:3: task sst2: glue: no such folder; `data` is where GLUE's folders lie"),
          in_grid("Data without the task's folder", built_in, "  - sst2\ndata: data",
                  "grid.yaml:3: task sst2: data: no folder SST-2 for the task sst2"),
          in_grid("A key that built-in tasks do not have", built_in, "  - {name: sst2, text: sentence}\ndata: data",
                  "grid.yaml:3: the built-in task sst2 has no key \"text\"; known: name, metrics, margin, targets and "
                  "training"),
          in_grid("A task without a name", "- name: tickets\n    train", "- train",
                  "grid.yaml:3: this task has no name; reports need one"),
          in_grid("A task without training rows", "    train: data/train.csv\n", "",
                  "grid.yaml:3: the task \"tickets\" has no train; give the file of its training rows"),
          in_grid("A task without a test", "    test: data/test.csv\n", "",
                  "grid.yaml:3: the task \"tickets\" has no test; give the file that is reported"),
          in_grid("A task without text", text + "\n", "",
                  "grid.yaml:3: the task \"tickets\" has no text; name the column to read, or two"),
          in_grid("A task without a label", label + "\n", "",
                  "grid.yaml:3: the task \"tickets\" has no label; name the column to predict"),
          in_grid("An unknown key of a task", "    test: data", "    tests: data",
                  "grid.yaml:5: a task has no key \"tests\"; did you mean \"test\"?"),
          in_grid("Three columns of text", text, "    text: [title, body, queue]",
                  "grid.yaml:6: text names 3 columns; one or two can be read"),
          in_grid("A label that is the text", label, "    label: title",
                  "grid.yaml:7: label and text name the same column; the label would be read from the text"),
          in_grid("A file whose ending says nothing", "data/train.csv", "data/train.dat",
                  "grid.yaml:4: the ending of \"data/train.dat\" names no format; end it .tsv, .csv or .jsonl, or add "
                  "`format:`"),
          in_grid(
              "A file of JSON that is no JSON Lines", "data/train.csv", "data/train.json",
              "grid.yaml:4: \"data/train.json\" is one JSON value by its ending; JSON Lines, one object a line, would "
              "be right: end it .jsonl (`jq -c '.[]'` writes it of a list), or add `format: jsonl` if it is that"),
          in_grid("A test file of another format", "data/test.csv", "data/test.tsv",
                  "grid.yaml:5: \"data/test.tsv\" is tsv by its ending, and the training file is csv; write both "
                  "alike, or say `format:` if an ending is wrong"),
          in_grid("A delimiter of two characters", label, label + "\n    delimiter: \"::\"",
                  "grid.yaml:8: delimiter is \"::\"; one character such as \";\", or tab, would be right"),
          in_grid("A delimiter that CSV needs for itself", label, label + "\n    delimiter: '\"'",
                  "grid.yaml:8: delimiter is \"\"\"; one character such as \";\", or tab, would be right"),
          in_grid("Quotes in JSON Lines", label, label + "\n    format: jsonl\n    quotes: true",
                  "grid.yaml:9: delimiter and quotes are for tables; JSON Lines has neither"),
          in_grid("An unknown format", label, label + "\n    format: excel",
                  "grid.yaml:8: format is \"excel\"; known: tsv, csv and jsonl"),
          in_grid("A column by name in a file without a header", label, label + "\n    header: false",
                  "grid.yaml:6: a text column (a column's number, as the file has no header) is \"title\"; a whole "
                  "number from 0 to 9999 would be right"),
          in_grid("An unknown kind", label, label + "\n    kind: ranking",
                  "grid.yaml:8: kind is \"ranking\"; known: classification, regression, choice and "
                  "language_model"),
          in_grid("A metric that is misspelt", label, label + "\n    metrics: [macrof]",
                  "grid.yaml:8: a metric of a classification is \"macrof\"; did you mean \"macro_f1\"?"),
          in_grid(
              "A metric of another kind", label, label + "\n    metrics: [pearson]",
              "grid.yaml:8: pearson is a metric of a regression, and this task is a classification; `kind: regression` "
              "would make it one"),
          in_grid("A text column given twice", text, "    text: [title, title]",
                  "grid.yaml:6: the column \"title\" is here twice"),
          in_grid("A metric given twice", label, label + "\n    metrics: [accuracy, accuracy]",
                  "grid.yaml:8: the metric accuracy is here twice"),
          in_grid("A task's margin of nothing", label, label + "\n    margin: 0",
                  "grid.yaml:8: margin is \"0\"; a number from 0.01 to 100 would be right"),
          in_grid("An error's margin of nothing", label,
                  label + "\n    kind: regression\n    metrics: [mae]\n    margin: 0",
                  "grid.yaml:10: margin is \"0\"; a number from 1e-09 to 1000000000 would be right"),
          in_grid("F1 of one class where there are three", label,
                  label + "\n    labels: [help, sales, other]\n    metrics: [f1]",
                  "grid.yaml:3: f1 is for two labels, and the task tickets has 3; macro_f1 would be right"),
          in_grid("One label", label, label + "\n    labels: [help]",
                  "grid.yaml:8: labels has one label; a classification needs at least two"),
          in_grid("A label given twice", label, label + "\n    labels: [help, help]",
                  "grid.yaml:8: the label \"help\" is here twice"),
          in_grid("Labels of a regression", label, label + "\n    kind: regression\n    labels: [a, b]",
                  "grid.yaml:9: labels are for a classification; this task is a regression"),
          in_grid("Targets of a classification", label, label + "\n    targets: raw",
                  "grid.yaml:8: targets are for a regression; this task is a classification"),
          in_grid("Unknown targets", label, label + "\n    kind: regression\n    targets: scaled",
                  "grid.yaml:9: targets is \"scaled\"; known: standardized and raw"),
          in_grid("Targets of a built-in classification", built_in, "  - {name: sst2, targets: raw}\ndata: data",
                  "grid.yaml:3: targets are for a regression; this task is a classification"),
          in_grid("A label set that lacks a label of the file", label, label + "\n    labels: [help, other]",
                  "grid.yaml:3: task tickets: data/train.csv:2: the label \"sales\" is not in the label set: \"help\" "
                  "and \"other\""),
          in_grid(
              "Two tasks of one name", "tasks:\n",
              "tasks:\n  - {name: tickets, train: data/train.csv, test: data/test.csv, text: title, label: queue}\n",
              "grid.yaml:4: two tasks are called \"tickets\"; names must differ"),
          in_grid("A training file that is not there", "data/train.csv", "data/training.csv",
                  "grid.yaml:3: task tickets: data/training.csv: no such file"),
          in_grid("A test file that is a folder", "data/test.csv", "data\n    format: csv",
                  "grid.yaml:3: task tickets: data: is not a plain file"),
          in_grid("A column that is misspelt", text, "    text: titel",
                  "grid.yaml:3: task tickets: data/train.csv:1: no column \"titel\"; did you mean \"title\"? The "
                  "header has \"title\", \"body\" and \"queue\""),
      },
  };
}

Section command_line_mistakes() {
  const auto set = [](std::string what, std::string argument, std::string message) {
    return BadInput{std::move(what), "--set " + argument, {}, {argument}, {}, std::move(message)};
  };
  const auto only = [](std::string what, std::string argument, std::string message) {
    return BadInput{std::move(what), "--only " + argument, {}, {}, {argument}, std::move(message)};
  };
  const auto words = [](std::string what, std::vector<std::string> command, std::string message) {
    std::string shown = "orchestrator";
    for (const std::string& word : command) shown += " " + word;
    return BadInput{std::move(what), shown, {}, {}, {}, std::move(message), std::move(command)};
  };
  return {
      "The command line",
      {
          words("A command that is misspelt", {"rum"},
                "there is no command \"rum\"; did you mean \"run\"? The commands are run, plan, submit and merge; a "
                "grid is run with --grid FILE"),
          words("A grid in the place of a command", {"grid.yaml"},
                "there is no command \"grid.yaml\"; a grid is run with: orchestrator run grid.yaml"),
          words("Two grids", {"plan", "grid.yaml", "other.yaml"},
                "plan: \"other.yaml\" is no option, and the grid is \"grid.yaml\" already"),
          words("No grid", {"plan"}, "plan: --grid is missing; name the grid file"),
          set("An override without a value", "seeds", "--set seeds: is not key=value, like --set training.epochs=2"),
          set("An override of a key that is misspelt", "training.epoch=2",
              "--set training.epoch=2: training has no key \"epoch\"; did you mean \"epochs\"?"),
          set("An override of an unknown key", "sedes=2",
              "--set sedes=2: the grid has no key \"sedes\"; did you mean \"seeds\"?"),
          set("An override of the wrong type", "seeds=many",
              "--set seeds=many: seeds is \"many\"; a whole number from 1 to 100000 would be right"),
          set("An override inside a plain value", "seeds.first=1",
              "--set seeds.first=1: \"first\" cannot be set inside the plain value on line 10; set the whole value"),
          set("An override of an item that is not there", "methods.7=full",
              "--set methods.7=full: \"7\" is no item of the list on line 8; it has items 0 to 1"),
          set("An override with an empty part", "training..epochs=2",
              "--set training..epochs=2: a part of the key is empty"),
          only("A filter without a value", "lora", "--only lora: is not key=value, like --only method=lora,task=sst2"),
          only("A filter by an unknown key", "model=tiny",
               "--only model=tiny: no key \"model\"; known: backbone, task, method, size and seed"),
          only("A filter by a name that is misspelt", "method=lorra",
               "--only method=lorra: the grid has no method \"lorra\"; did you mean \"lora\"?"),
          only("A filter by a size that the grid does not have", "size=5",
               "--only size=5: the grid has no size \"5\"; it has 4"),
      },
  };
}

}  // namespace peftgrid::tests
