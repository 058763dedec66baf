#include "orchestrator/grid/synonyms.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "worker/text.hpp"
#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

namespace {

struct Synonym {
  std::string_view theirs;  // without case, dashes and underscores
  std::string_view ours;
};

/// Of transformers, peft, adapters, sentence-transformers and common scripts.
constexpr std::array kSynonyms = {
    // the grid
    Synonym{"model", "backbones"},
    Synonym{"models", "backbones"},
    Synonym{"modelnameorpath", "backbones"},
    Synonym{"pretrainedmodel", "backbones"},
    Synonym{"encoder", "backbones"},
    Synonym{"dataset", "tasks"},
    Synonym{"datasets", "tasks"},
    Synonym{"datadir", "data"},
    Synonym{"datapath", "data"},
    Synonym{"peft", "methods"},
    Synonym{"adapters", "methods"},
    Synonym{"sizes", "train_sizes"},
    Synonym{"shots", "train_sizes"},
    Synonym{"numsamples", "train_sizes"},
    Synonym{"maxtrainsamples", "train_sizes"},
    Synonym{"randomseed", "seeds"},
    Synonym{"numseeds", "seeds"},
    Synonym{"fp16", "precision"},
    Synonym{"bf16", "precision"},
    Synonym{"dtype", "precision"},
    Synonym{"torchdtype", "precision"},
    // a backbone
    Synonym{"pooling", "readout"},
    Synonym{"poolingmode", "readout"},
    Synonym{"folder", "path"},
    Synonym{"modelpath", "path"},
    Synonym{"average", "mean"},
    Synonym{"avg", "mean"},
    Synonym{"firsttoken", "cls"},
    Synonym{"lasttoken", "last"},
    // a task
    Synonym{"trainfile", "train"},
    Synonym{"dev", "validation"},
    Synonym{"valid", "validation"},
    Synonym{"val", "validation"},
    Synonym{"validationfile", "validation"},
    Synonym{"testfile", "test"},
    Synonym{"textcolumn", "text"},
    Synonym{"sentence", "text"},
    Synonym{"input", "text"},
    Synonym{"labelcolumn", "label"},
    Synonym{"target", "label"},
    Synonym{"classes", "labels"},
    Synonym{"metric", "metrics"},
    Synonym{"metricforbestmodel", "metrics"},
    Synonym{"problemtype", "kind"},
    Synonym{"tasktype", "kind"},
    Synonym{"type", "kind"},
    Synonym{"causallm", worker::kLanguageModel},
    Synonym{"lm", worker::kLanguageModel},
    Synonym{"sft", worker::kLanguageModel},
    Synonym{"multiplechoice", worker::kChoice},
    Synonym{"prompttemplate", "template"},
    Synonym{"response", "answer"},
    Synonym{"ppl", "perplexity"},
    Synonym{"sep", "delimiter"},
    Synonym{"separator", "delimiter"},
    Synonym{"quoting", "quotes"},
    Synonym{"json", "jsonl"},
    Synonym{"acc", "accuracy"},
    Synonym{"mcc", "matthews"},
    Synonym{"matthewscorrelation", "matthews"},
    Synonym{"spearmanr", "spearman"},
    Synonym{"pearsonr", "pearson"},
    Synonym{"meansquarederror", "mse"},
    Synonym{"meanabsoluteerror", "mae"},
    Synonym{"f1macro", "macro_f1"},
    Synonym{"f1weighted", "weighted_f1"},
    // training
    Synonym{"lr", "learning_rate"},
    Synonym{"numtrainepochs", "epochs"},
    Synonym{"numepochs", "epochs"},
    Synonym{"bs", "batch_size"},
    Synonym{"trainbatchsize", "batch_size"},
    Synonym{"perdevicetrainbatchsize", "batch_size"},
    Synonym{"gradientaccumulationsteps", "accumulate"},
    Synonym{"gradaccum", "accumulate"},
    Synonym{"maxseqlength", "max_length"},
    Synonym{"maxseqlen", "max_length"},
    Synonym{"lrschedulertype", "schedule"},
    Synonym{"scheduler", "schedule"},
    Synonym{"warmupratio", "warmup"},
    Synonym{"warmupsteps", "warmup"},
    Synonym{"maxgradnorm", "clip"},
    Synonym{"wd", "weight_decay"},
    Synonym{"adambeta1", "beta1"},
    Synonym{"adambeta2", "beta2"},
    Synonym{"adamepsilon", "epsilon"},
    Synonym{"eps", "epsilon"},
    Synonym{"evalsteps", "every"},
    Synonym{"evalstrategy", "every"},
    Synonym{"earlystopping", "patience"},
    Synonym{"earlystoppingpatience", "patience"},
    Synonym{"float32", "fp32"},
    Synonym{"bfloat16", "bf16"},
    Synonym{"float16", "bf16"},
    // methods
    Synonym{"r", "rank"},
    Synonym{"lorar", "rank"},
    Synonym{"loraalpha", "alpha"},
    Synonym{"loradropout", "dropout"},
    Synonym{"targetmodules", "targets"},
    Synonym{"numvirtualtokens", "length"},
    Synonym{"prefixlength", "length"},
    Synonym{"reductionfactor", "reduction"},
    Synonym{"bottlenecksize", "bottleneck"},
    Synonym{"nonlinearity", "activation"},
    Synonym{"encoderhiddensize", "hidden"},
    Synonym{"qproj", "query"},
    Synonym{"qlin", "query"},
    Synonym{"q", "query"},
    Synonym{"kproj", "key"},
    Synonym{"klin", "key"},
    Synonym{"k", "key"},
    Synonym{"vproj", "value"},
    Synonym{"vlin", "value"},
    Synonym{"v", "value"},
    Synonym{"oproj", "attention_output"},
    Synonym{"outproj", "attention_output"},
    Synonym{"outlin", "attention_output"},
    Synonym{"attention.output.dense", "attention_output"},
    Synonym{"fc1", "ffn_up"},
    Synonym{"lin1", "ffn_up"},
    Synonym{"upproj", "ffn_up"},
    Synonym{"cfc", "ffn_up"},
    Synonym{"gateproj", "ffn_gate"},
    Synonym{"intermediate.dense", "ffn_up"},
    Synonym{"fc2", "ffn_down"},
    Synonym{"lin2", "ffn_down"},
    Synonym{"downproj", "ffn_down"},
    Synonym{"output.dense", "ffn_down"},
    Synonym{"alllinear", "all"},
};

}  // namespace

std::string meant_by(const std::string& name, const std::vector<std::string>& known) {
  const std::string theirs = worker::folded(name);
  for (const Synonym& synonym : kSynonyms) {
    if (synonym.theirs == theirs && std::ranges::find(known, synonym.ours) != known.end()) {
      return std::string(synonym.ours);
    }
  }
  return {};
}

}  // namespace peftgrid::orchestrator
