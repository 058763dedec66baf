#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors.hpp"
#include "tests/support/tiny_model.hpp"
#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

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

/// A tokenizer that sets neither [CLS] nor [SEP].
void without_special_tokens(const fs::path& folder) {
  std::ifstream in(folder / "tokenizer.json");
  nlohmann::json tokenizer = nlohmann::json::parse(in);
  tokenizer["post_processor"] = nullptr;
  write_text(folder / "tokenizer.json", tokenizer.dump());
}

void names_with_slashes(const fs::path& folder) {
  const checkpoint::ShardedTensors before = checkpoint::open_safetensors(folder);
  std::vector<checkpoint::TensorToWrite> tensors;
  for (const auto& [name, located] : before.tensors) {
    tensors.push_back({"net/" + name, located.entry.dtype, located.entry.shape, before.data(located),
                       located.entry.end - located.entry.begin});
  }
  checkpoint::write_safetensors(folder / "renamed", tensors);
  fs::rename(folder / "renamed", folder / "model.safetensors");
}

}  // namespace

Section backbone_mistakes() {
  const auto rewrite = [](TinyModel options) {
    return [=](const fs::path& folder) { write_tiny_model(folder, options); };
  };
  TinyModel narrow, wide_vocabulary;
  narrow.ffn = 48;
  wide_vocabulary.vocabulary = 80;
  BadInput outer = model(
      "A folder whose model lies in one within", "models/tiny/modules.json: \"path\": \"0_Transformer\"",
      [](const fs::path& folder) {
        fs::remove(folder / "config.json");
        write_text(folder / "modules.json",
                   R"([{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}])");
      },
      "grid.yaml:1: backbone tiny: models/tiny/config.json: no such file; the folder's model lies in 0_Transformer: "
      "name that");
  BadInput no_token = model(
      "A row without any token", "models/tiny/tokenizer.json: \"post_processor\": null",
      [](const fs::path& folder) {
        without_special_tokens(folder);
        write_text(folder / "../../data/test.csv", "title,queue\nab,help\n\"\",sales\n");
      },
      "grid.yaml:3: task tickets on tiny: data/test.csv:3: the row has no token: its text is empty to the tokenizer, "
      "which adds none of its own; leave the row out");
  no_token.shown += "\ndata/test.csv:\ntitle,queue\nab,help\n\"\",sales\n";
  no_token.set = {"backbones=[{path: models/tiny, readout: mean}]"};
  BadInput one_type = config("Pairs, and one type of token", "\"type_vocab_size\": 2", "\"type_vocab_size\": 1",
                             "grid.yaml:3: task tickets on tiny: data/train.csv:2: the tokenizer gives the second text "
                             "type 1, and the model knows type 0 alone (\"type_vocab_size\" of "
                             "models/tiny/config.json); a task of one text, or another backbone, would be right");
  one_type.spoil = [](const fs::path& folder) {
    TinyModel options;
    options.token_types = 1;
    write_tiny_model(folder / "models/tiny", options);
    replace_in(folder / "grid.yaml", "text: title", "text: [title, body]");
  };
  BadInput beyond =
      in_file("A row that holds a token without an embedding", "models/tiny/tokenizer_config.json",
              "{\"additional_special_tokens\": [\"<url>\"]}",
              "grid.yaml:3: task tickets on tiny: data/test.csv:3: holds a token that the model has no embedding of "
              "(models/tiny/tokenizer.json: 1 of its tokens lies beyond the model's table of 64: \"<url>\"); leave "
              "such tokens out of the texts, or resize the model's table to its tokenizer and save it");
  beyond.shown += "\ndata/test.csv:\ntitle,queue\nab,help\nsee <url>,sales\n";
  beyond.spoil = [write = beyond.spoil](const fs::path& folder) {
    write(folder);
    write_text(folder / "data/test.csv", "title,queue\nab,help\nsee <url>,sales\n");
  };
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
              "when it is read; convert it once with: python3 -c \"import glob, torch; from "
              "safetensors.torch import save_file; save_file({name: tensor.clone() for file in "
              "glob.glob('models/tiny/pytorch_model*.bin') for name, tensor in torch.load(file, "
              "weights_only=True).items()}, 'models/tiny/model.safetensors')\""),
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
          in_file("A pooling that is not to be had", "models/tiny/1_Pooling/config.json", "{\"pooling_mode\": \"max\"}",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: the pooling is max, which is not to "
                  "be had here; say `readout: mean` (or pooler, cls, last) for this backbone, or change the file"),
          in_file(
              "Several poolings at once", "models/tiny/1_Pooling/config.json",
              "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}",
              "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: asks for mean and cls together, and one "
              "readout is made here; say `readout: mean` (or pooler, cls, last) for this backbone, or change the file"),
          in_file("No pooling at all", "models/tiny/1_Pooling/config.json", "{\"pooling_mode_mean_tokens\": false}",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: asks for no pooling, and one readout "
                  "is made here; say `readout: mean` (or pooler, cls, last) for this backbone, or change the file"),
          in_file("An unknown pooling", "models/tiny/1_Pooling/config.json", "{\"pooling_mode\": \"median\"}",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: \"pooling_mode\" is \"median\"; "
                  "known: mean, cls, lasttoken, max, weightedmean and mean_sqrt_len_tokens"),
          in_file("A pooling of the wrong type", "models/tiny/1_Pooling/config.json",
                  "{\"pooling_mode_mean_tokens\": 1}",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: \"pooling_mode_mean_tokens\" is 1; "
                  "true or false would be right"),
          in_file("Modules without the pooling that they name", "models/tiny/modules.json",
                  "[{\"path\": \"2_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"}]",
                  "grid.yaml:1: backbone tiny: models/tiny/2_Pooling/config.json: no such file; modules.json says that "
                  "it holds the pooling"),
          in_file("A list of modules that is none", "models/tiny/modules.json", "{\"path\": \"\"}",
                  "grid.yaml:1: backbone tiny: models/tiny/modules.json: is not a JSON list"),
          in_file(
              "A module without a path", "models/tiny/modules.json", "[{\"type\": \"x.Pooling\"}]",
              "grid.yaml:1: backbone tiny: models/tiny/modules.json: a module is not {\"type\": ..., \"path\": ...}"),
          config("A decoder of an encoder's name", "\"model_type\"", "\"is_decoder\": true, \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"is_decoder\" is true: each token would see "
                 "only those before it; an encoder's false is what runs here"),
          config("Attention to a second text", "\"model_type\"", "\"add_cross_attention\": true, \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"add_cross_attention\" is true: the blocks "
                 "would read a second text; an encoder's false is what runs here"),
          config("Heads that were cut out", "\"model_type\"", "\"pruned_heads\": {\"0\": [1]}, \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"pruned_heads\" cuts heads out of the blocks; "
                 "weights of whole blocks, without the key, would be right"),
          config("Quantized weights", "\"model_type\"", "\"quantization_config\": {\"bits\": 4}, \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"quantization_config\" says that the weights "
                 "are quantized; F32, F16 and BF16 are read"),
          config("A truth that is none", "\"model_type\"", "\"is_decoder\": \"no\", \"model_type\"",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: \"is_decoder\" is \"no\"; true or false would "
                 "be right"),
          config("No model_type", "\"model_type\": \"bert\",", "",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: key \"model_type\" is missing; "
                 "\"architectures\" names \"BertModel\", so add \"model_type\": \"bert\""),
          config("No model_type, and no class", "\"model_type\": \"bert\",", "\"architectures\": null,",
                 "grid.yaml:1: backbone tiny: models/tiny/config.json: key \"model_type\" is missing; add it, with "
                 "what the weights are of; known: bert, …"),
          in_file("A side of truncation that is none", "models/tiny/tokenizer_config.json",
                  "{\"truncation_side\": \"middle\"}",
                  "grid.yaml:1: backbone tiny: models/tiny/tokenizer_config.json: \"truncation_side\" is \"middle\"; "
                  "left or right would be right"),
          in_file("A tokenizer_config.json that is none", "models/tiny/tokenizer_config.json", "[]",
                  "grid.yaml:1: backbone tiny: models/tiny/tokenizer_config.json: is not a JSON object"),
          model(
              "A link to nothing", "models/tiny/config.json is a link to config-v2.json, which is not there",
              [](const fs::path& folder) {
                fs::remove(folder / "config.json");
                fs::create_symlink("config-v2.json", folder / "config.json");
              },
              "grid.yaml:1: backbone tiny: models/tiny/config.json: is a link to config-v2.json, and nothing is there"),
          model(
              "Weights that are a link to nothing",
              "models/tiny/model.safetensors is a link to ../blob, which is not there",
              [](const fs::path& folder) {
                fs::remove(folder / "model.safetensors");
                fs::create_symlink("../blob", folder / "model.safetensors");
              },
              "grid.yaml:1: backbone tiny: models/tiny/model.safetensors: is a link to ../blob, and nothing is there"),
          model(
              "A folder that is a link to nothing", "models/tiny is a link to v2, which is not there",
              [](const fs::path& folder) {
                fs::remove_all(folder);
                fs::create_symlink("v2", folder);
              },
              "grid.yaml:1: backbone tiny: models/tiny: is a link to v2, and nothing is there; a backbone is a Hugging "
              "Face folder with config.json, model.safetensors and tokenizer.json"),
          model("Tensors of other names", "models/tiny/model.safetensors: \"net/embeddings...\"", names_with_slashes,
                "grid.yaml:1: backbone tiny: models/tiny: tensor \"embeddings.word_embeddings.weight\" is missing; "
                "config.json says it has the shape [64, 16]; the file's names look like "
                "\"net/embeddings.LayerNorm.bias\", \"net/embeddings.LayerNorm.weight\" and "
                "\"net/embeddings.position_embeddings.weight\""),
          model(
              "No token before a text", "models/tiny/tokenizer.json: \"post_processor\": null",
              [](const fs::path& folder) { without_special_tokens(folder); },
              "grid.yaml:3: task tickets on tiny: models/tiny/tokenizer.json: puts no token before a text, and the "
              "readout pooler reads a row's first one, which would be a word of it; `readout: mean` would be right, or "
              "a post-processor that sets [CLS]"),
          no_token,
          one_type,
          beyond,
          outer,
          in_file("A pooling file that is none", "models/tiny/1_Pooling/config.json", "[]",
                  "grid.yaml:1: backbone tiny: models/tiny/1_Pooling/config.json: is not a JSON object"),
      },
  };
}

}  // namespace peftgrid::tests
