#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/tiny_model.hpp"
#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void change_config(const fs::path& folder, const json& change) {
  json config;
  std::ifstream(folder / "config.json") >> config;
  for (const auto& [key, value] : change.items()) {
    if (value.is_null()) {
      config.erase(key);
    } else {
      config[key] = value;
    }
  }
  write_text(folder / "config.json", config.dump());
}

/// A tiny model of that architecture with these keys of its config.json changed, or taken away where null.
BadInput with(const char* architecture, std::string what, const json& change, const std::string& message) {
  return {std::move(what),
          "models/tiny/config.json, " + std::string(architecture) + ": " + change.dump(),
          [=](const fs::path& folder) {
            write_tiny_model(folder / "models/tiny", {.architecture = architecture});
            change_config(folder / "models/tiny", change);
          },
          {},
          {},
          "grid.yaml:1: backbone tiny: models/tiny" + message};
}

BadInput file_alone(std::string what, const char* gone, const char* name, const std::string& message) {
  return {std::move(what),
          {},
          [=](const fs::path& folder) {
            write_tiny_model(folder / "models/tiny", {.architecture = "llama"});
            fs::remove(folder / "models/tiny" / gone);
            write_text(folder / "models/tiny" / name, "not read");
          },
          {},
          {},
          "grid.yaml:1: backbone tiny: models/tiny" + message};
}

/// A grid's value that no decoder can have.
BadInput of_encoders(std::string what, const std::string& key, const std::string& value, std::string message) {
  BadInput bad = with("gpt2", std::move(what), json::object(), "");
  bad.shown = key + ": " + value + "   (gpt2)";
  bad.set = {key + "=" + value};
  bad.message = std::move(message);
  return bad;
}

}  // namespace

Section decoder_mistakes() {
  return {
      "Decoders",
      {
          with("llama", "A tied table beside one of its own", {{"tie_word_embeddings", true}},
               "/config.json: \"tie_word_embeddings\" is true, and the files hold a \"lm_head.weight\" unlike "
               "\"embed_tokens.weight\"; which of the two predicts next tokens? false would be right where the former "
               "does"),
          with("llama", "Key heads that cannot be shared out", {{"num_attention_heads", 3}, {"num_key_value_heads", 2}},
               "/config.json: \"num_key_value_heads\" is 2, which \"num_attention_heads\", 3, cannot be shared out to"),
          with("gpt2", "Heads that do not divide a decoder's width", {{"n_head", 3}},
               "/config.json: \"n_embd\" is 16, which 3 heads (\"n_head\") cannot share out evenly"),
          with("llama", "Positions that turn nobody knows how fast", {{"rope_theta", nullptr}},
               "/config.json: key \"rope_theta\" is missing; it says how fast positions turn, and models differ: add "
               "the one that this model was trained with (10000 for the first LLaMA)"),
          with("llama", "An unknown scaling of positions", {{"rope_scaling", {{"type", "yarn"}, {"factor", 4}}}},
               "/config.json: \"rope_scaling\": \"type\" is \"yarn\"; known: default, linear and llama3"),
          with("llama", "A scaling without its factor",
               {{"rope_parameters", {{"rope_type", "linear"}, {"rope_theta", 100}}}},
               "/config.json: \"rope_parameters\": key \"factor\" is missing"),
          with("qwen2", "A part of each head that turns", {{"partial_rotary_factor", 0.5}},
               "/config.json: \"partial_rotary_factor\" is 0.5: another model's attention; whole heads turn here"),
          with("gpt2", "Another attention in GPT-2's weights", {{"scale_attn_by_inverse_layer_idx", true}},
               "/config.json: \"scale_attn_by_inverse_layer_idx\" is true: another model's attention; GPT-2's false is "
               "what runs here"),
          with("chatglm", "A stretch of positions that releases take in two ways", {{"rope_ratio", 50}},
               "/config.json: \"rope_ratio\" is not 1, and releases differ in what it does (it divides positions in "
               "ChatGLM2-32k, and multiplies the base in ChatGLM3-32k and GLM-4); a model with 1, or one in "
               "transformers' form (glm), is read"),
          with("chatglm", "Quantized weights of ChatGLM2", {{"quantization_bit", 4}},
               "/config.json: \"quantization_bit\" is set: these are not the plain weights of the release"),
          with(
              "llama", "A model that is near to one that is known", {{"model_type", "glm4"}},
              "/config.json: \"model_type\" is \"glm4\": GLM-4-0414 has two more norms in a block than GLM-4-9B (glm), "
              "which is read; known: bert, …"),
          with("gpt2", "A fused matrix of another shape", {{"n_inner", 48}},
               "/model.safetensors: tensor \"h.0.mlp.c_fc.weight\" has the shape [16, 32]; config.json says [16, 48]"),
          with("llama", "A gate that the weights lack", {{"num_hidden_layers", 3}},
               ": tensor \"layers.2.input_layernorm.weight\" is missing; config.json says it has the shape [16]"),
          with("mistral", "Layers beyond reason", {{"num_hidden_layers", 1'000'000'000}},
               "/config.json: \"num_hidden_layers\" is 1000000000; a whole number from 1 to 1000 would be right"),
          with("qwen3", "A vocabulary smaller than the tokenizer's", {{"vocab_size", 50}},
               "/model.safetensors: tensor \"embed_tokens.weight\" has the shape [64, 16]; config.json says [50, 16]"),
          of_encoders("A decoder read by its first token, which has seen nothing", "backbones",
                      "[{path: models/tiny, readout: cls}]",
                      "--set backbones=[{path: models/tiny, readout: cls}]: backbone tiny: \"cls\" is no readout "
                      "of the architecture gpt2; it has last and mean"),
          of_encoders(
              "A decoder's prompt read by its first vector", "methods", "[{prompt: {readout_at: first}}]",
              "--set methods=[{prompt: {readout_at: first}}]: prompt.readout_at is first, and a decoder's first "
              "token sees no other; leave it out"),
          file_alone("A model in llama.cpp's form", "config.json", "tiny.gguf",
                     ": tiny.gguf is a GGUF file, which is not read; examples/gguf_to_folder.py makes a Hugging Face "
                     "folder of a LLaMA's"),
          file_alone("A vocabulary in SentencePiece's form alone", "tokenizer.json", "tokenizer.model",
                     ": holds its vocabulary as tokenizer.model alone; examples/sentencepiece_to_json.py makes the "
                     "tokenizer.json that is read"),
      }};
}

}  // namespace peftgrid::tests
