// What a decoder's config.json says, as transformers 5.23 reads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"

namespace peftgrid::worker {
namespace {

using nlohmann::json;
using testing::HasSubstr;

ModelConfig config_of(const json& keys) {
  return parse_model(keys.dump(), "config.json").config;
}
std::string refusal_of(const json& keys) {
  try {
    config_of(keys);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// A LLaMA or a cousin of it with these keys over its own.
json llama(const json& keys, const char* type = "llama") {
  json config = {{"model_type", type},       {"vocab_size", 64},
                 {"hidden_size", 48},        {"num_hidden_layers", 2},
                 {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                 {"intermediate_size", 32},  {"max_position_embeddings", 8192},
                 {"rope_theta", 500.0}};
  config.update(keys);
  return config;
}
json gpt2(const json& keys) {
  json config = {{"model_type", "gpt2"}, {"vocab_size", 64}};
  config.update(keys);
  return config;
}
const json kGptSizes = {{"n_embd", 48}, {"n_layer", 2}, {"n_head", 4}, {"n_positions", 32}};

TEST(RotaryKeys, MayStandInAnObjectOrBesideIt) {
  json inside = llama({{"rope_scaling", {{"type", "linear"}, {"factor", 4}, {"rope_theta", 500.0}}}});
  inside.erase("rope_theta");
  const RotaryConfig rotary = config_of(inside).rotary;
  EXPECT_EQ(rotary.base, 500);
  EXPECT_EQ(rotary.factor, 4);
  EXPECT_EQ(config_of(llama({{"rope_scaling", {{"type", "linear"}, {"factor", 4}}}})).rotary, rotary);
  EXPECT_EQ(config_of(llama({{"rope_scaling", {{"type", "linear"}, {"factor", 4}, {"rope_theta", 500.0}}}})).rotary,
            rotary);
  EXPECT_EQ(
      config_of(llama({{"rope_parameters", json::object()}, {"rope_scaling", {{"type", "linear"}, {"factor", 4}}}}))
          .rotary,
      rotary)
      << "an empty object says nothing";
}

TEST(RotaryKeys, ThatDisagreeAreRefused) {
  EXPECT_THAT(refusal_of(llama({{"rope_scaling", {{"type", "linear"}, {"factor", 4}, {"rope_theta", 100.0}}}})),
              HasSubstr("\"rope_scaling\": \"rope_theta\" has another value beside it"));
  EXPECT_THAT(refusal_of(llama({{"rope_parameters", {{"rope_type", "default"}}},
                                {"rope_scaling", {{"type", "linear"}, {"factor", 4}}}})),
              HasSubstr("\"rope_parameters\" and \"rope_scaling\" say different things"));
  EXPECT_THAT(refusal_of(llama({{"head_dim", 12},
                                {"partial_rotary_factor", 0.5},
                                {"rope_parameters", {{"rope_theta", 500.0}, {"partial_rotary_factor", 1.0}}}},
                               "glm")),
              HasSubstr("\"partial_rotary_factor\" has another value beside it"));
}

TEST(RotaryKeys, OfLlama3FallBackToTheModelsPositions) {
  json scaling = {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 1}, {"high_freq_factor", 4}};
  EXPECT_EQ(config_of(llama({{"rope_scaling", scaling}})).rotary.original_positions, 8192);
  EXPECT_EQ(
      config_of(llama({{"rope_scaling", scaling}, {"original_max_position_embeddings", 64}})).rotary.original_positions,
      64);
  scaling["original_max_position_embeddings"] = 32;
  EXPECT_EQ(config_of(llama({{"rope_scaling", scaling}})).rotary.original_positions, 32);
  EXPECT_THAT(refusal_of(llama({{"rope_scaling", scaling}, {"original_max_position_embeddings", 64}})),
              HasSubstr("\"original_max_position_embeddings\" has another value beside it"));
}

TEST(SizesOfTwoNames, AreReadByEitherAndMustAgree) {
  const ModelConfig named = config_of(gpt2(
      {{"hidden_size", 48}, {"num_hidden_layers", 2}, {"num_attention_heads", 4}, {"max_position_embeddings", 32}}));
  EXPECT_EQ(named, config_of(gpt2(kGptSizes)));
  json both = gpt2(kGptSizes);
  both["num_attention_heads"] = 4;
  EXPECT_EQ(config_of(both), named);
  both["num_attention_heads"] = 6;
  EXPECT_THAT(refusal_of(both), HasSubstr("\"n_head\" is 4 and \"num_attention_heads\" is 6, two names of one number"));
}

TEST(KeyHeads, AreTransformersOwnNumberWhereTheKeyIsAbsent) {
  const auto key_heads = [](const char* type, std::int64_t heads, bool null) {
    json config = llama({{"num_attention_heads", heads}, {"head_dim", 2}}, type);
    config.erase("num_key_value_heads");
    if (null) config["num_key_value_heads"] = nullptr;
    return config_of(config).kv_heads;
  };
  EXPECT_EQ(key_heads("llama", 16, false), 16);
  EXPECT_EQ(key_heads("mistral", 16, false), 8);
  EXPECT_EQ(key_heads("qwen2", 64, false), 32);
  EXPECT_EQ(key_heads("qwen3", 64, false), 32);
  EXPECT_EQ(key_heads("mistral", 16, true), 16);
  json glm = llama({{"head_dim", 12}}, "glm");
  glm.erase("num_key_value_heads");
  EXPECT_EQ(config_of(glm).kv_heads, 2);
}

TEST(Windows, HoldRowsWhereABlockHasOne) {
  const auto positions = [](const json& keys, const char* type) { return config_of(llama(keys, type)).positions; };
  EXPECT_EQ(positions(json::object(), "mistral"), 4096) << "transformers' own, where the key is absent";
  EXPECT_EQ(positions({{"sliding_window", nullptr}}, "mistral"), 8192);
  EXPECT_EQ(positions({{"sliding_window", 100}}, "mistral"), 100);
  EXPECT_EQ(positions({{"sliding_window", 100}, {"use_sliding_window", true}, {"max_window_layers", 1}}, "qwen2"), 100);
  EXPECT_EQ(positions({{"sliding_window", 100}, {"use_sliding_window", true}, {"max_window_layers", 2}}, "qwen2"),
            8192);
  EXPECT_EQ(positions({{"sliding_window", 100}, {"layer_types", {"full_attention", "sliding_attention"}}}, "qwen3"),
            100);
  EXPECT_EQ(positions({{"sliding_window", 100},
                       {"use_sliding_window", true},
                       {"layer_types", {"full_attention", "full_attention"}}},
                      "qwen3"),
            8192);
}

TEST(PaddingIndex, IsTransformersOwn) {
  EXPECT_EQ(config_of(llama(json::object())).padding_index, -1);
  EXPECT_EQ(config_of(llama({{"pad_token_id", 2}})).padding_index, 2);
  EXPECT_EQ(config_of(llama({{"pad_token_id", -1}})).padding_index, 63) << "counted from the end, as torch does";
  EXPECT_THAT(refusal_of(llama({{"pad_token_id", 64}})), HasSubstr("\"pad_token_id\" is 64"));
  json gpt = gpt2(kGptSizes);
  gpt["pad_token_id"] = 2;
  EXPECT_EQ(config_of(gpt).padding_index, -1) << "GPT-2's table has none";
  const json bert = {{"model_type", "bert"},         {"vocab_size", 64},         {"hidden_size", 48},
                     {"num_hidden_layers", 2},       {"num_attention_heads", 4}, {"intermediate_size", 32},
                     {"max_position_embeddings", 32}};
  EXPECT_EQ(config_of(bert).padding_index, 0);
}

}  // namespace
}  // namespace peftgrid::worker
