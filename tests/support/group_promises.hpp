#pragma once

#include <functional>
#include <string>
#include <vector>

#include "collectives/group.hpp"

/// What every Group promises, as GoogleTest expectations: run by all ranks together, whether threads or processes.
namespace peftgrid::tests {

struct Promise {
  std::string name;
  std::function<void(collectives::Group&)> keep;
};

/// All of them; each leaves the group in step.
const std::vector<Promise>& group_promises();

/// A deadline that no test should ever reach.
collectives::Deadline soon(const std::string& phase = "test");

/// Takes the group out of step (all ranks learn it): the ranks but the last wait for one that comes too late.
void a_deadline_that_passes_names_its_phase(collectives::Group& group);
/// The group is a checked one; its ranks call unlike things and every rank hears of it.
void unlike_calls_are_learnt_by_all(collectives::Group& checked);

}  // namespace peftgrid::tests
