#include "worker/model/row_means.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

namespace peftgrid::worker {

at::Tensor row_means(const at::Tensor& x, const RowLines& of) {
  if (!x.is_cpu()) {  // index_add would add in any order
    const at::Tensor whose = at::arange(of.rows, of.row.options()).unsqueeze(1);
    return at::matmul(of.row.eq(whose) * of.share.t(), at::index_select(x, 0, of.line));
  }
  const at::Tensor weighted = at::index_select(x, 0, of.line) * of.share;
  return at::zeros({of.rows, x.size(1)}, x.options()).index_add(0, of.row, weighted);
}

}  // namespace peftgrid::worker
