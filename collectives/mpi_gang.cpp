#include "collectives/mpi_gang.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

namespace peftgrid::collectives {

namespace {

using Bytes = std::vector<std::byte>;

/// What MPI reads or fills while it is under way.
struct Transfer {
  std::shared_ptr<Bytes> bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

bool has_ended(Transfer& transfer) {
  int done = 0;
  check_mpi(MPI_Test(&transfer.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

/// Transfers whose gang is no more: to a dead rank they never end, and MPI may touch their memory until they do.
class Abandoned {
 public:
  void take(std::list<Transfer>& transfers) {
    const std::lock_guard lock(mutex_);
    transfers_.splice(transfers_.end(), transfers);
    transfers_.remove_if(has_ended);
  }

 private:
  std::mutex mutex_;
  std::list<Transfer> transfers_;
};

Abandoned& abandoned() {
  static auto* const all = new Abandoned;  // never destroyed: MPI may be at it when the process ends
  return *all;
}

/// Steps of ranks that share a trial end within a few milliseconds of each other: looked for eagerly at first, so that
/// a sum costs little, then ever more seldom, so that a neighbour has the core.
void pause(int looks) {
  constexpr int kEagerLooks = 3000;
  if (looks < kEagerLooks) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(1000, 50 + (looks - kEagerLooks))));
  }
}

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class MpiGang : public Group {
 public:
  MpiGang(MPI_Comm communicator, std::vector<int> members, int tag)
      : communicator_(communicator), members_(std::move(members)), tag_(tag) {
    int mine = 0;
    check_mpi(MPI_Comm_rank(communicator_, &mine), "MPI_Comm_rank");
    const auto found = std::ranges::find(members_, mine);
    if (found == members_.end()) throw CommError("rank " + std::to_string(mine) + " is not of this gang");
    rank_ = static_cast<int>(found - members_.begin());
  }
  MpiGang(const MpiGang&) = delete;
  MpiGang& operator=(const MpiGang&) = delete;
  ~MpiGang() override { abandoned().take(under_way_); }

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(members_.size()); }

  void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) override {
    if (rank_ == root) return send_to_others(bytes);
    const Bytes come = receive(root, deadline);
    copy_if_alike(come, bytes, root, deadline);
  }

  /// Each rank adds up one part for all (a reduce-scatter), then sends it round (an all-gather): every number travels
  /// twice, whatever the number of ranks.
  void all_reduce(std::span<float> values, Deadline deadline) override {
    for (int to = 0; to < size(); ++to) {
      if (to != rank_) send(to, std::as_bytes(part(values, to)));
    }
    const std::span<float> mine = part(values, rank_);
    std::vector<float> own(mine.begin(), mine.end()), theirs(mine.size());
    for (int from = 0; from < size(); ++from) {
      std::span<const float> next = own;
      if (from != rank_) {
        copy_if_alike(receive(from, deadline), std::as_writable_bytes(std::span(theirs)), from, deadline);
        next = theirs;
      }
      for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = from == 0 ? next[i] : mine[i] + next[i];
    }
    send_to_others(std::as_bytes(mine));
    for (int from = 0; from < size(); ++from) {
      if (from == rank_) continue;
      copy_if_alike(receive(from, deadline), std::as_writable_bytes(part(values, from)), from, deadline);
    }
  }

  std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) override {
    std::vector<std::string> all;
    if (rank_ != root) {
      send(root, bytes_of(mine));
      return all;
    }
    for (int from = 0; from < size(); ++from) all.push_back(from == rank_ ? mine : text_of(receive(from, deadline)));
    return all;
  }

  void barrier(Deadline deadline) override {
    gather("", 0, deadline);
    broadcast({}, 0, deadline);
  }

  Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) override {
    const std::vector<std::string> all = gather(trouble ? "!" + *trouble : "", 0, deadline);
    const auto first = std::ranges::find_if(all, [](const std::string& text) { return !text.empty(); });
    std::string said = first == all.end() ? "" : std::to_string(first - all.begin()) + *first;
    if (rank_ == 0) {
      send_to_others(bytes_of(said));
    } else {
      said = text_of(receive(0, deadline));
    }
    if (said.empty()) return {};
    const std::size_t mark = said.find('!');
    return {false, std::stoi(said.substr(0, mark)), said.substr(mark + 1)};
  }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// The part of `values` that rank `of` adds up.
  std::span<float> part(std::span<float> values, int of) const {
    const auto at = [&](int rank) {
      return values.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(size());
    };
    return values.subspan(at(of), at(of + 1) - at(of));
  }

  void copy_if_alike(const Bytes& come, std::span<std::byte> to, int from, const Deadline& deadline) const {
    if (come.size() != to.size()) {
      throw CommError(deadline.phase() + ": rank " + std::to_string(rank_) + " expects " + std::to_string(to.size()) +
                      " bytes, rank " + std::to_string(from) + " sends " + std::to_string(come.size()));
    }
    std::ranges::copy(come, to.begin());
  }

  void send(int to, std::span<const std::byte> bytes) { post(to, std::make_shared<Bytes>(bytes.begin(), bytes.end())); }
  void send_to_others(std::span<const std::byte> bytes) {
    const auto shared = std::make_shared<Bytes>(bytes.begin(), bytes.end());
    for (int to = 0; to < size(); ++to) {
      if (to != rank_) post(to, shared);
    }
  }
  void post(int to, std::shared_ptr<Bytes> bytes) {
    under_way_.remove_if(has_ended);
    Transfer& transfer = under_way_.emplace_back(Transfer{std::move(bytes), MPI_REQUEST_NULL});
    check_mpi(MPI_Isend(transfer.bytes->data(), static_cast<int>(transfer.bytes->size()), MPI_BYTE,
                        members_[static_cast<std::size_t>(to)], tag_, communicator_, &transfer.request),
              "MPI_Isend");
  }

  Bytes receive(int from, const Deadline& deadline) {
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    await(from, deadline, [&] {
      int there = 0;
      check_mpi(MPI_Improbe(members_[static_cast<std::size_t>(from)], tag_, communicator_, &there, &message, &status),
                "MPI_Improbe");
      return there != 0;
    });
    int count = 0;
    MPI_Get_count(&status, MPI_BYTE, &count);
    // In the list from the beginning, so that it outlives a wait that is given up.
    Transfer& transfer =
        under_way_.emplace_back(Transfer{std::make_shared<Bytes>(static_cast<std::size_t>(count)), MPI_REQUEST_NULL});
    const auto place = std::prev(under_way_.end());
    check_mpi(MPI_Imrecv(transfer.bytes->data(), count, MPI_BYTE, &message, &transfer.request), "MPI_Imrecv");
    await(from, deadline, [&] { return has_ended(transfer); });
    Bytes come = std::move(*transfer.bytes);
    under_way_.erase(place);
    return come;
  }

  template <typename Come>
  void await(int from, const Deadline& deadline, Come come) const {
    for (int looks = 0; !come(); ++looks) {
      if (looks % 64 == 63 && deadline.passed()) {
        throw CommError(deadline.phase() + ": rank " + std::to_string(rank_) + " of the gang waited in vain for rank " +
                        std::to_string(from));
      }
      pause(looks);
    }
  }

  MPI_Comm communicator_;
  std::vector<int> members_;
  int tag_, rank_ = 0;
  std::list<Transfer> under_way_;
};

}  // namespace

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw CommError(std::string(call) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

std::unique_ptr<Group> make_mpi_gang(MPI_Comm communicator, std::vector<int> members, int tag) {
  return std::make_unique<MpiGang>(communicator, std::move(members), tag);
}

}  // namespace peftgrid::collectives
