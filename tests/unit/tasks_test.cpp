#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/read_table.hpp"
#include "worker/tasks/sampling.hpp"
#include "worker/tasks/task.hpp"

namespace peftgrid::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

Table parse(const std::string& format, const std::string& text, const std::vector<Column>& columns,
            bool header = true) {
  return parse_table(text, {format, header, columns, false}, "table");
}

TEST(Tables, TsvKnowsNoQuotes) {
  const Table table = parse("tsv", "a\tb\n\"x\ty\"\n", {{"b", -1}, {"a", -1}});
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("y\"", "\"x")));
}

TEST(Tables, ByteOrderMarkAndCarriageReturnsAreNoText) {
  const Table table = parse("tsv", "\xEF\xBB\xBFlabel\ttext\r\n1\thallo\r\n", {{"label", -1}, {"text", -1}});
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("1", "hallo")));
}

TEST(Tables, CsvFieldsMaySpanLinesAndHoldQuotes) {
  const Table table = parse("csv", "a,b\n\"one\ntwo\",\"say \"\"hi\"\"\"\n3,4", {{"a", -1}, {"b", -1}});
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("one\ntwo", "say \"hi\""), ElementsAre("3", "4")));
  EXPECT_THAT(table.lines, ElementsAre(2, 4));
}

TEST(Tables, JsonLinesTakesTextsAndNumbers) {
  const Table table =
      parse("jsonl", "{\"t\": \"a\\nb\", \"y\": 1}\n\n{\"y\": true, \"t\": \"c\"}\n", {{"t", -1}, {"y", -1}});
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("a\nb", "1"), ElementsAre("c", "true")));
  EXPECT_THAT(table.lines, ElementsAre(1, 3));
}

TEST(Tables, WithoutAHeaderColumnsHaveNumbers) {
  const Table table = parse("tsv", "gj04\t1\t\tOur friends\n", {{"", 3}, {"", 1}}, false);
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("Our friends", "1")));
}

TEST(Tables, MalformedRowsAreCountedWhereThatIsKnown) {
  const Table table = parse_table("a\tb\n1\t2\nbroken\n3\t4\n", {"tsv", true, {{"a", -1}}, true}, "table");
  EXPECT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.skipped, 1);
}

TEST(Tables, LinesMayEndInCarriageReturnsAlone) {
  EXPECT_THAT(parse("csv", "a,b\r1,2\r3,\"4\r5\"\r", {{"a", -1}, {"b", -1}}).rows,
              ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4\n5")));
  EXPECT_THAT(parse("tsv", "a\tb\r1\t2\r3\t4\n", {{"b", -1}}).rows, ElementsAre(ElementsAre("2"), ElementsAre("4")));
  EXPECT_THAT(parse("jsonl", "{\"a\": 1}\r{\"a\": 2}", {{"a", -1}}).lines, ElementsAre(1, 2));
  EXPECT_THAT(parse("csv", "a,b\n1,\"2\r3\"\n", {{"b", -1}}).rows, ElementsAre(ElementsAre("2\r3")))
      << "one within a text of a file whose lines end otherwise stays";
}

TEST(Tables, AnyDelimiterStandsWhereTheFormatsOwnDoes) {
  TableRequest request{"csv", true, {{"b", -1}}, false, ";"};
  EXPECT_THAT(parse_table("a;b\n1,5;\"2;3\"\n", request, "table").rows, ElementsAre(ElementsAre("2;3")));
  request.format = "tsv";
  request.delimiter = "|";
  EXPECT_THAT(parse_table("a|b\n1|\"2\"\n", request, "table").rows, ElementsAre(ElementsAre("\"2\"")));
}

TEST(Sampling, SizesAreNestedAndShareTheSelectionRows) {
  const Sample small = sample(1000, 200, 50, "sst2", 1), large = sample(1000, 200, 300, "sst2", 1);
  const Sample all = sample(1000, 200, 0, "sst2", 1);
  EXPECT_EQ(small.selection, large.selection);
  EXPECT_EQ(small.selection, all.selection);
  EXPECT_TRUE(std::equal(small.train.begin(), small.train.end(), large.train.begin()));
  EXPECT_TRUE(std::equal(large.train.begin(), large.train.end(), all.train.begin()));
  EXPECT_EQ(all.train.size(), 800U);
}

TEST(Sampling, EveryRowComesOnce) {
  const Sample all = sample(1000, 200, 0, "sst2", 1);
  std::set<std::int64_t> rows(all.train.begin(), all.train.end());
  rows.insert(all.selection.begin(), all.selection.end());
  EXPECT_EQ(rows.size(), 1000U);
  EXPECT_EQ(*rows.begin(), 0);
  EXPECT_EQ(*rows.rbegin(), 999);
}

TEST(Sampling, TaskAndDataSeedDecide) {
  EXPECT_NE(sample(1000, 0, 50, "sst2", 1).train, sample(1000, 0, 50, "sst2", 2).train);
  EXPECT_NE(sample(1000, 0, 50, "sst2", 1).train, sample(1000, 0, 50, "rte", 1).train);
  EXPECT_NE(sample(1000, 0, 50, "sst2", 1).train, sample(1000, 0, 50, "sst2", 1ULL << 32).train);
}

// Fixed for good: a change here changes the rows behind every stored trial, and needs another kNumericsVersion.
TEST(Sampling, TheDrawIsTheSameOnEveryMachine) {
  EXPECT_THAT(sample(100, 2, 6, "sst2", 1).train, ElementsAre(40, 14, 7, 82, 41, 32));
}

TEST(Sampling, RowsAreDrawnEvenly) {
  std::vector<int> first(10, 0);
  for (std::uint64_t seed = 0; seed < 5000; ++seed)
    ++first[static_cast<std::size_t>(sample(10, 0, 1, "t", seed).train[0])];
  for (const int count : first) EXPECT_NEAR(count, 500, 100);
}

TEST(Sampling, MoreRowsThanThereAreAreRefused) {
  EXPECT_THROW(sample(10, 5, 6, "t", 1), std::invalid_argument);
  EXPECT_THROW(sample(10, 10, 0, "t", 1), std::invalid_argument);
}

/// GLUE in small, written as the official files are: folders, headers, the traps.
class SmallGlue : public testing::Test {
 protected:
  SmallGlue() : data_(fs::path(testing::TempDir()) / ("glue_" + std::to_string(getpid()))) { fs::remove_all(data_); }
  ~SmallGlue() override { fs::remove_all(data_); }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((data_ / file).parent_path());
    std::ofstream(data_ / file) << text;
  }
  Dataset read(const std::string& task) { return read_dataset(glue_task(task, data_.string())); }
  fs::path data_;
};

TEST_F(SmallGlue, ColaHasNoHeader) {
  write("CoLA/train.tsv", "gj04\t1\t\tGood.\ngj04\t0\t*\tBad is.\n");
  write("CoLA/dev.tsv", "gj04\t1\t\tFine.\n");
  const Dataset data = read("cola");
  EXPECT_EQ(data.train.size(), 2U);
  EXPECT_EQ(data.train[0].texts[0], "Good.");
  EXPECT_EQ(data.train[0].label, 1);
  EXPECT_EQ(data.train[0].texts.size(), 1U);
}

TEST_F(SmallGlue, MrpcBeginsWithAByteOrderMarkAndKeepsQuotes) {
  const std::string head = "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";
  write("mrpc/train.tsv", head + "1\t1\t2\t\" a\tb\n");
  write("mrpc/dev.tsv", head + "0\t1\t2\tc\td\n");
  const Dataset data = read("mrpc");
  EXPECT_EQ(data.train[0].texts[0], "\" a");
  EXPECT_EQ(data.tests[0][0].label, 0);
}

TEST_F(SmallGlue, MnliHasItsLabelLastAndTwoTestSets) {
  const std::string front = "index\tp\tq\tgenre\ts1b\ts2b\ts1p\ts2p\tsentence1\tsentence2\tlabel1\t";
  const std::string row = "0\t1\t1n\tfiction\t-\t-\t-\t-\tA man.\tA dog.\tneutral\t";
  write("MNLI/train.tsv", front + "gold_label\n" + row + "contradiction\n");
  for (const char* part : {"matched", "mismatched"}) {
    write(std::string("MNLI/dev_") + part + ".tsv", front + "label2\tgold_label\n" + row + "neutral\tentailment\n");
  }
  const Dataset data = read("mnli");
  EXPECT_EQ(data.train[0].label, 2);
  ASSERT_EQ(data.tests.size(), 2U);
  EXPECT_EQ(data.tests[1][0].label, 0);
  EXPECT_EQ(data.tests[1][0].texts[1], "A dog.");
}

TEST_F(SmallGlue, QqpsBrokenRowsAreLeftOutAndCounted) {
  const std::string head = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n";
  write("QQP/train.tsv", head + "1\t2\t3\ta?\tb?\t0\nbroken\n4\t5\t6\tc?\td?\t1\n");
  write("QQP/dev.tsv", head + "1\t2\t3\ta?\tb?\t0\n");
  const Dataset data = read("qqp");
  EXPECT_EQ(data.train.size(), 2U);
  EXPECT_EQ(data.skipped_rows, 1);
}

TEST_F(SmallGlue, StsbIsARegression) {
  const std::string head = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n";
  write("STS-B/train.tsv", head + "0\tg\tf\ty\to\ts\ts\tA.\tB.\t3.25\n");
  write("STS-B/dev.tsv", head + "0\tg\tf\ty\to\ts\ts\tA.\tB.\t5\n");
  const Dataset data = read("stsb");
  EXPECT_EQ(data.train[0].label, 3.25);
  EXPECT_TRUE(data.labels.empty());
}

TEST_F(SmallGlue, EntailmentIsFirstInRteAndSecondInWnli) {
  EXPECT_EQ(glue_tasks().size(), 9U);
  const std::string head = "index\tsentence1\tsentence2\tlabel\n";
  for (const char* file : {"RTE/train.tsv", "RTE/dev.tsv"}) write(file, head + "0\tA.\tB.\tentailment\n");
  for (const char* file : {"WNLI/train.tsv", "WNLI/dev.tsv"}) write(file, head + "0\tA.\tB.\t1\n");
  EXPECT_EQ(read("rte").train[0].label, 0);
  EXPECT_EQ(read("wnli").train[0].label, 1);
  EXPECT_EQ(read("wnli").labels[1], "entailment");
}

TEST_F(SmallGlue, LabelsOfOnesOwnAreSortedNumbersByValue) {
  TaskSpec task;
  task.name = "own";
  task.format = "csv";
  task.text = {{"t", -1}};
  task.label = {"y", -1};
  write("own.csv", "t,y\na,10\nb,9\nc,10\n");
  task.train = (data_ / "own.csv").string();
  task.tests = {{"test", task.train}};
  const TaskFacts facts = inspect_task(task);
  EXPECT_THAT(facts.labels, ElementsAre("9", "10"));
  EXPECT_THAT(facts.train_share, ElementsAre(testing::DoubleNear(1.0 / 3, 1e-12), testing::DoubleNear(2.0 / 3, 1e-12)));
  write("own.csv", "t,y\na,b\nb,B\nc,10\n");
  EXPECT_THAT(inspect_task(task).labels, ElementsAre("10", "B", "b"));
}

/// A task of one's own over files that each test writes.
class OwnTask : public SmallGlue {
 protected:
  OwnTask() {
    task_.name = "own";
    task_.text = {{"t", -1}};
    task_.label = {"y", -1};
  }
  TaskFacts facts(const std::string& ending, const std::string& train, const std::string& test) {
    write("train." + ending, train);
    write("test." + ending, test);
    task_.format = ending;
    task_.train = (data_ / ("train." + ending)).string();
    task_.tests = {{"test", (data_ / ("test." + ending)).string()}};
    return inspect_task(task_);
  }
  TaskSpec task_;
};

TEST_F(OwnTask, InJsonOneNumberIsOneLabelHoweverItIsWritten) {
  const TaskFacts found = facts("jsonl",
                                R"({"t": "a", "y": 1})"
                                "\n"
                                R"({"t": "b", "y": 0})"
                                "\n"
                                R"({"t": "c", "y": 1.0})",
                                R"({"t": "d", "y": 0.0})");
  EXPECT_THAT(found.labels, ElementsAre("0", "1"));
  EXPECT_THAT(found.train_labels, ElementsAre(1, 0, 1));
  const TaskFacts floats = facts("jsonl",
                                 R"({"t": "a", "y": 1.0})"
                                 "\n"
                                 R"({"t": "b", "y": 0.0})",
                                 R"({"t": "d", "y": 1})");
  EXPECT_THAT(floats.labels, ElementsAre("0.0", "1.0")) << "as they always were, so that ids stay";
}

TEST_F(OwnTask, LabelsThatLookAlikeAreCounted) {
  EXPECT_THAT(
      facts("csv", "t,y\na,Positive\nb,positive\nc,positive\nd,negative\ne,negative \n",
            "t,y\na,positive\nb,negative\n")
          .notes,
      ElementsAre(HasSubstr("the labels \"negative\" (1 row) and \"negative \" (1 row) differ only"),
                  HasSubstr("the labels \"Positive\" (1 row) and \"positive\" (2 rows) differ only in case, blanks")));
  EXPECT_THAT(facts("csv", "t,y\na,1\nb,1.0\nc,0\n", "t,y\na,1\nb,0\n").notes,
              ElementsAre(HasSubstr("the labels \"1\" (1 row) and \"1.0\" (1 row) differ only")));
  EXPECT_THAT(facts("csv", "t,y\na,x\nb,y\nc,-\n", "t,y\na,x\nb,y\n").notes,
              ElementsAre(HasSubstr("the label \"-\" (1 row) is a class here")));
  EXPECT_THAT(facts("csv", "t,y\na,0.5\nb,2\n", "t,y\na,2\nb,0.5\n").notes,
              ElementsAre(HasSubstr("say `kind: regression`")));
  EXPECT_TRUE(facts("csv", "t,y\na,x\nb,y\n", "t,y\na,x\nb,y\n").notes.empty());
  task_.labels = {"Yes", "yes"};
  EXPECT_TRUE(facts("csv", "t,y\na,Yes\nb,yes\n", "t,y\na,yes\nb,Yes\n").notes.empty()) << "the grid has named them";
}

TEST_F(OwnTask, QuotesOfASpreadsheetAreNoticedWhereATableHasNone) {
  const std::string plain = "t\ty\na\tx\nb\ty\n";
  EXPECT_THAT(facts("tsv", "t\ty\n\"a \"\"b\"\"\"\tx\n\"c\"\tx\nd\ty\n", plain).notes,
              ElementsAre(HasSubstr("2 of 3 fields of the column t are quoted, and the quotes are part of")));
  EXPECT_TRUE(facts("tsv", "t\ty\n\"a\"\tx\nb \"c\"\tx\nd\ty\n", plain).notes.empty()) << "most have none";
  EXPECT_THAT(facts("tsv", "t\ty\n\"a \"\"b\"\"\"\tx\nb\tx\nc\tx\nd\ty\n", plain).notes,
              ElementsAre(HasSubstr("1 of 4 fields of the column t are quoted")))
      << "a quote that is written twice";
  EXPECT_TRUE(facts("tsv", "t\ty\n\"a\" and \"b\"\tx\n36\" or 42\"\tx\nd\ty\n", plain).notes.empty());
}

TEST_F(OwnTask, ConstantLabelsOfATestSetAreSaid) {
  EXPECT_THAT(facts("csv", "t,y\na,x\nb,y\n", "t,y\na,x\nb,x\n").notes,
              ElementsAre(HasSubstr("test.csv: all 2 rows have the label \"x\"; a metric that compares classes")));
  task_.kind = "regression";
  task_.metrics = {"mae", "pearson"};
  EXPECT_THAT(facts("csv", "t,y\na,1\nb,2\n", "t,y\na,3\nb,3\n").notes,
              ElementsAre(HasSubstr("all 2 rows have the value 3; a correlation is undefined there")));
  task_.metrics = {"mae"};
  EXPECT_TRUE(facts("csv", "t,y\na,1\nb,2\n", "t,y\na,3\nb,3\n").notes.empty()) << "an error is defined";
  EXPECT_THAT(facts("csv", "t,y\na,1\nb,1\n", "t,y\na,3\nb,4\n").notes,
              ElementsAre(HasSubstr("all 2 rows have the value 1; there is nothing to learn")));
}

TEST_F(OwnTask, WholeNumbersThatADoubleCannotTellApartAreLabelsByTheirDigits) {
  const std::string rows = "{\"t\": \"a\", \"y\": 9007199254740993}\n{\"t\": \"b\", \"y\": 9007199254740992}\n";
  facts("jsonl", rows, rows);
  EXPECT_THAT(read_dataset(task_).labels, testing::UnorderedElementsAre("9007199254740993", "9007199254740992"));
}

TEST_F(OwnTask, AKeyGivenTwiceInARowIsRefused) {
  try {
    facts("jsonl", "{\"t\": \"a\", \"t\": \"b\", \"y\": \"x\"}\n", "{\"t\": \"a\", \"y\": \"x\"}\n");
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(":1: the key \"t\" is here twice"));
  }
}

TEST_F(OwnTask, SelectionRowsThatAreAllAlikeAreSeen) {
  TrialSpec spec;
  spec.selection.rows = 3;
  spec.task.name = "own";
  spec.train_size = 2;
  EXPECT_FALSE(selects_among_equals(spec, facts("csv", "t,y\na,1\nb,2\nc,3\nd,4\ne,5\n", "t,y\na,1\nb,2\n")));
  task_.kind = "regression";
  EXPECT_FALSE(selects_among_equals(spec, facts("csv", "t,y\na,1\nb,2\nc,3\nd,4\ne,5\n", "t,y\na,1\nb,2\n")));
  const TaskFacts alike = facts("csv", "t,y\na,1\nb,1\nc,1\nd,1\ne,1\n", "t,y\na,1\nb,2\n");
  EXPECT_TRUE(selects_among_equals(spec, alike));
  spec.selection.from = "none";
  EXPECT_FALSE(selects_among_equals(spec, alike));
}

TEST_F(SmallGlue, AChangedRowChangesTheHash) {
  TaskSpec task;
  task.format = "csv";
  task.text = {{"t", -1}};
  task.label = {"y", -1};
  write("a.csv", "t,y\na,1\nb,2\n");
  write("b.csv", "t,y\nc,1\n");
  task.train = (data_ / "a.csv").string();
  task.tests = {{"test", (data_ / "b.csv").string()}};
  const std::string before = inspect_task(task).data_sha256;
  EXPECT_EQ(inspect_task(task).data_sha256, before);
  write("b.csv", "t,y\nd,1\n");
  EXPECT_NE(inspect_task(task).data_sha256, before);
}

/// The real files, where they are.
TEST(RealGlue, EveryTaskIsReadWhole) {
  const char* data = std::getenv("PEFTGRID_GLUE");
  if (data == nullptr) GTEST_SKIP() << "PEFTGRID_GLUE is not set: the folder of GLUE's files";
  for (const std::string& name : glue_tasks()) {
    SCOPED_TRACE(name);
    const TaskFacts facts = inspect_task(glue_task(name, data));
    EXPECT_GT(facts.train_rows, 500);
    EXPECT_EQ(facts.test_rows.size(), name == "mnli" ? 2U : 1U);
  }
}

}  // namespace
}  // namespace peftgrid::worker
