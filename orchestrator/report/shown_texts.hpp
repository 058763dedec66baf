#pragma once

#include "orchestrator/report/sources.hpp"

namespace peftgrid::orchestrator {

/// Every text that a report may print as it may be shown (worker::shown): names, reasons and warnings come from files
/// that anybody may have made, and one line or table row of them must stay one.
void show_texts(Sources& sources);

}  // namespace peftgrid::orchestrator
