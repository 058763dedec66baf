#pragma once

#include <string>

#include "orchestrator/report/model.hpp"

namespace peftgrid::orchestrator {

/// One sentence in words on a table: on each task which method leads, what cannot be told apart from it, what is
/// behind, what does not beat the majority class.
std::string sentence_of(const ScoreTable& table);

}  // namespace peftgrid::orchestrator
