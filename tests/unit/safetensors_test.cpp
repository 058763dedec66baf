#include "checkpoint/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string with_length(const std::string& header, std::uint64_t length) {
  std::string start(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) start[i] = static_cast<char>((length >> (8 * i)) & 255U);
  return start + header;
}
std::string file_of(const std::string& header, std::size_t data) {
  return with_length(header, header.size()) + std::string(data, 'x');
}

std::string complaint(const std::string& bytes) {
  try {
    parse_safetensors_header(bytes, bytes.size(), "model.safetensors");
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("model.safetensors"));
    return error.what();
  }
  return "none";
}

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string name = (fs::temp_directory_path() / "safetensors.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Folder() override { fs::remove_all(folder_); }
  void shard(const std::string& name, const std::vector<std::string>& tensors) const {
    static const std::array<float, 2> values = {1.0F, 2.0F};
    std::vector<TensorToWrite> all;
    for (const auto& tensor : tensors) all.push_back({tensor, "F32", {2}, values.data(), sizeof values});
    write_safetensors(folder_ / name, all);
  }
  void index(const std::string& text) const { std::ofstream(folder_ / "model.safetensors.index.json") << text; }
  std::string refusal() const {
    try {
      open_safetensors(folder_);
    } catch (const FileError& error) {
      return error.what();
    }
    return "none";
  }
  fs::path folder_;
};
using SafetensorsFolder = Folder;

TEST(SafetensorsHeader, GivesPlacesFromTheStartOfTheFile) {
  const std::string bytes = file_of(
      R"({"__metadata__":{"a":"b"},"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  )",
      16);
  const TensorIndex index = parse_safetensors_header(bytes, bytes.size(), "x");
  ASSERT_EQ(index.size(), 2U);
  EXPECT_EQ(index.at("w").end, bytes.size());
  EXPECT_EQ(index.at("w").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(index.at("b").begin, bytes.size() - 16);
}

TEST(SafetensorsHeader, RefusesWhatIsNotOne) {
  EXPECT_THAT(complaint(""), HasSubstr("too few"));
  EXPECT_THAT(complaint("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("Git LFS"));
  EXPECT_THAT(complaint(with_length("{}", 3)), HasSubstr("claims 3 bytes"));
  EXPECT_THAT(complaint(with_length("{}", ~std::uint64_t{0})), HasSubstr("claims"));
  EXPECT_THAT(complaint(file_of("[1]", 0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint(file_of("{\"a\":", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(complaint(file_of(std::string(100'000, '['), 0)), HasSubstr("nests deeper"));
}

TEST(SafetensorsHeader, RefusesTensorsThatCannotBe) {
  const auto tensor = [](const std::string& description, std::size_t data) {
    return complaint(file_of("{\"w\":" + description + "}", data));
  };
  EXPECT_THAT(tensor(R"({"shape":[1],"data_offsets":[0,4]})", 4), HasSubstr("tensor w has no \"dtype\""));
  EXPECT_THAT(tensor(R"({"dtype":"F31","shape":[1],"data_offsets":[0,4]})", 4), HasSubstr("unknown type F31"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4), HasSubstr("-1"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})", 4), HasSubstr("1.5"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4), HasSubstr("4 bytes"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})", 4), HasSubstr("need"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})", 4), HasSubstr("cut short"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4), HasSubstr("lies at"));
  EXPECT_THAT(tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4]})", 4), HasSubstr("data_offsets"));
  EXPECT_THAT(tensor("7", 4), HasSubstr("not described"));
}

TEST(SafetensorsHeader, RefusesOverlapsHolesAndRepeatedNames) {
  const std::string one = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_THAT(complaint(file_of("{" + one + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6)),
              HasSubstr("overlap"));
  EXPECT_THAT(complaint(file_of("{" + one + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})", 8)),
              HasSubstr("belong to no tensor"));
  EXPECT_THAT(complaint(file_of("{" + one + "}", 8)), HasSubstr("belong to no tensor"));
  EXPECT_THAT(complaint(file_of("{" + one + "," + one + "}", 4)), HasSubstr("twice"));
}

TEST_F(SafetensorsFolder, ReadsBackWhatItWrote) {
  shard("model.safetensors", {"b", "a"});
  const ShardedTensors all = open_safetensors(folder_);
  ASSERT_EQ(all.tensors.size(), 2U);
  float value = 0;
  std::memcpy(&value, all.data(all.tensors.at("a")) + 4, 4);
  EXPECT_EQ(value, 2.0F);
  EXPECT_EQ(all.tensors.at("b").entry.begin % 64, 0U);
  EXPECT_LT(all.tensors.at("b").entry.begin, all.tensors.at("a").entry.begin) << "the order given is kept";
}

TEST_F(SafetensorsFolder, ReadsShards) {
  shard("one.safetensors", {"a"});
  shard("two.safetensors", {"b", "extra"});
  index(R"({"metadata":{},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  const ShardedTensors all = open_safetensors(folder_);
  EXPECT_EQ(all.files.size(), 2U);
  EXPECT_EQ(all.tensors.size(), 3U);
}

TEST_F(SafetensorsFolder, RefusesBrokenIndexes) {
  EXPECT_THAT(refusal(), HasSubstr("no model.safetensors"));
  shard("one.safetensors", {"a"});
  shard("two.safetensors", {"a"});
  index(R"({"weight_map":{"a":"three.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("three.safetensors, which is missing"));
  index(R"({"weight_map":{"a":"../one.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("not a file name inside the folder"));
  index(R"({"weight_map":{"a":"/etc/passwd"}})");
  EXPECT_THAT(refusal(), HasSubstr("not a file name inside the folder"));
  index(R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("holds tensor a, and so does"));
  index(R"({"weight_map":{"a":"one.safetensors","b":"one.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("tensor b is not in one.safetensors"));
  index(R"({"weight_map":[1]})");
  EXPECT_THAT(refusal(), HasSubstr("not an index of shards"));
}

TEST_F(SafetensorsFolder, TellsHowToConvertABinFile) {
  std::ofstream(folder_ / "pytorch_model.bin") << "x";
  EXPECT_THAT(refusal(), HasSubstr("save_file"));
}

}  // namespace
}  // namespace peftgrid::checkpoint
