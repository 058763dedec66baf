// The YAML that grids are written in.
#include "orchestrator/grid/yaml.hpp"

#include <gtest/gtest.h>

#include "worker/errors.hpp"

namespace peftgrid::orchestrator {
namespace {

TEST(Yaml, AliasesAreCopiesAndTheirGrowthHasALimit) {
  EXPECT_EQ(parse_yaml("a: &x [1, 2]\nb: *x\n", "g").find("b")->items.size(), 2U);
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THROW(parse_yaml(bomb, "g"), worker::UsageError);
}

TEST(Yaml, QuotesMakeTexts) {
  const Node root = parse_yaml("a: '12'\nb: 12\nc: 'it''s'\nd: \"say \\\"x\\\"\"\ne: ~\n", "g");
  EXPECT_TRUE(root.find("a")->quoted);
  EXPECT_FALSE(root.find("b")->quoted);
  EXPECT_EQ(root.find("c")->scalar, "it's");
  EXPECT_EQ(root.find("d")->scalar, "say \"x\"");
  EXPECT_EQ(root.find("e")->kind, Node::Kind::Empty);
  EXPECT_EQ(root.find("c")->place, "g:3");
}

TEST(Yaml, WindowsLineEndsAndAByteOrderMarkAreFine) {
  const Node root = parse_yaml(
      "\xEF\xBB\xBF"
      "a: \"x\"\r\nb: [1]\r\n",
      "g");
  EXPECT_EQ(root.find("a")->scalar, "x");
  EXPECT_EQ(root.find("b")->items.size(), 1U);
}

}  // namespace
}  // namespace peftgrid::orchestrator
