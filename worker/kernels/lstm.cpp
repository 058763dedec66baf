#include "worker/kernels/lstm.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <vector>

namespace peftgrid::worker {

namespace {

using at::Tensor;

/// The four parts of a line, in torch's order.
struct Gates {
  explicit Gates(const Tensor& line)
      : input(part(line, 0)), forget(part(line, 1)), cell(part(line, 2)), output(part(line, 3)) {}
  Tensor input, forget, cell, output;

 private:
  static Tensor part(const Tensor& line, std::int64_t which) {
    const std::int64_t n = line.size(0) / 4;
    return line.narrow(0, which * n, n);
  }
};

/// The steps of a sequence in the order in which they are taken.
struct Order {
  std::int64_t steps;
  bool backwards;
  std::int64_t at(std::int64_t i) const { return backwards ? steps - 1 - i : i; }
};

}  // namespace

LstmSteps run_lstm(const Tensor& gates, const Tensor& recurrent, bool backwards) {
  const Order order{gates.size(0), backwards};
  const std::int64_t n = recurrent.size(1);
  const Tensor none = at::zeros({n}, gates.options());
  LstmSteps steps{at::empty({order.steps, n}, gates.options()), at::empty({order.steps, n}, gates.options()),
                  at::empty(gates.sizes(), gates.options())};
  Tensor state = none, cell = none;
  for (std::int64_t i = 0; i < order.steps; ++i) {
    const std::int64_t t = order.at(i);
    const Gates before(at::addmv(gates[t], recurrent, state));
    Gates now(steps.gates[t]);
    at::sigmoid_out(now.input, before.input);
    at::sigmoid_out(now.forget, before.forget);
    at::tanh_out(now.cell, before.cell);
    at::sigmoid_out(now.output, before.output);
    cell = steps.cells[t].copy_(now.forget * cell + now.input * now.cell);
    state = steps.states[t].copy_(now.output * at::tanh(cell));
  }
  return steps;
}

LstmGradients lstm_gradients(const LstmSteps& steps, const Tensor& recurrent, const Tensor& states, bool backwards) {
  const Order order{states.size(0), backwards};
  const Tensor none = at::zeros({recurrent.size(1)}, states.options());
  LstmGradients found{at::empty(steps.gates.sizes(), states.options()), {}};
  std::vector<Tensor> before(static_cast<std::size_t>(order.steps));  // the state that each step began with
  Tensor state = none, cell = none;                                   // gradients that the later step hands back
  for (std::int64_t i = order.steps; i-- > 0;) {
    const std::int64_t t = order.at(i);
    const Tensor cell_before = i == 0 ? none : steps.cells[order.at(i - 1)];
    before[static_cast<std::size_t>(t)] = i == 0 ? none : steps.states[order.at(i - 1)];
    const Gates now(steps.gates[t]), up(found.gates[t]);
    const Tensor out = states[t] + state, bent = at::tanh(steps.cells[t]);
    const Tensor inner = cell + out * now.output * (1 - bent * bent);
    up.input.copy_(inner * now.cell * now.input * (1 - now.input));
    up.forget.copy_(inner * cell_before * now.forget * (1 - now.forget));
    up.cell.copy_(inner * now.input * (1 - now.cell * now.cell));
    up.output.copy_(out * bent * now.output * (1 - now.output));
    cell = inner * now.forget;
    if (i > 0) state = at::mv(recurrent.t(), found.gates[t]);
  }
  // One product over all steps: a sum of as many outer products would move the whole matrix at each of them.
  found.recurrent = at::mm(found.gates.t(), at::stack(before));
  return found;
}

}  // namespace peftgrid::worker
