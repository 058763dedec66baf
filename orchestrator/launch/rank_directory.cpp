#include "orchestrator/launch/rank_directory.hpp"

#include <string>

#include "orchestrator/launch/start_deadline.hpp"

namespace peftgrid::orchestrator {

RankDirectory exchange_ids(collectives::Group& group) {
  const collectives::Deadline deadline("learning who is who", StartDeadline::kMeet_s);
  RankDirectory directory;
  const std::string me = to_json(this_process());
  for (const std::string& text : group.gather(me, 0, deadline)) directory.ranks.push_back(process_from_json(text));
  directory.coordinator = process_from_json(collectives::broadcast_text(group, me, 0, deadline));
  std::vector<RankCores> cores;
  for (const std::string& text : group.gather(to_json(cores_of_this_process()), 0, deadline)) {
    cores.push_back(rank_cores_from_json(text));
  }
  directory.cores =
      shared_cores_from_json(collectives::broadcast_text(group, to_json(shared_cores(cores)), 0, deadline));
  return directory;
}

}  // namespace peftgrid::orchestrator
