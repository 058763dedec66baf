#include "collectives/mpi_group.hpp"

#include <mpi.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "collectives/mpi_gang.hpp"

namespace peftgrid::collectives {

namespace {

/// Waits for a request without burning the core that a neighbour trains on: looks once a millisecond, and after the
/// first second fifty times a second (32 idle ranks at 1 ms would take a fifth of a core).
void wait(MPI_Request request, const Deadline& deadline, int rank) {
  int done = 0;
  for (int polls = 0;; ++polls) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return;
    if (deadline.passed()) {
      throw CommError(deadline.phase() + ": rank " + std::to_string(rank) + " waited " +
                      std::to_string(deadline.timeout_s()) + " s for the others");
    }
    if (polls < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(polls < 1100 ? 1 : 20));
    }
  }
}

class MpiGroup : public Group {
 public:
  explicit MpiGroup(MPI_Comm communicator) : communicator_(communicator) {
    MPI_Comm_rank(communicator_, &rank_);
    MPI_Comm_size(communicator_, &size_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void broadcast(std::span<std::byte> bytes, int root, Deadline deadline) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, root, communicator_, &request),
              "MPI_Ibcast");
    wait(request, deadline, rank_);
  }

  void all_reduce(std::span<float> values, Deadline deadline) override {
    // Gathered and summed by rank: MPI_Allreduce does not promise an order, and the order decides the bytes.
    std::vector<float> all(values.size() * static_cast<std::size_t>(size_));
    MPI_Request request = MPI_REQUEST_NULL;
    const int count = static_cast<int>(values.size());
    check_mpi(MPI_Iallgather(values.data(), count, MPI_FLOAT, all.data(), count, MPI_FLOAT, communicator_, &request),
              "MPI_Iallgather");
    wait(request, deadline, rank_);
    for (std::size_t i = 0; i < values.size(); ++i) {
      float sum = all[i];
      for (std::size_t r = 1; r < static_cast<std::size_t>(size_); ++r) sum += all[r * values.size() + i];
      values[i] = sum;
    }
  }

  std::vector<std::string> gather(const std::string& mine, int root, Deadline deadline) override {
    const int length = static_cast<int>(mine.size());
    std::vector<int> lengths(static_cast<std::size_t>(size_)), starts(static_cast<std::size_t>(size_));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, communicator_, &request),
              "MPI_Iallgather");
    wait(request, deadline, rank_);
    int total = 0;
    for (std::size_t r = 0; r < lengths.size(); ++r) {
      starts[r] = total;
      total += lengths[r];
    }
    std::string all(static_cast<std::size_t>(rank_ == root ? total : 0), '\0');
    check_mpi(MPI_Igatherv(mine.data(), length, MPI_BYTE, all.data(), lengths.data(), starts.data(), MPI_BYTE, root,
                           communicator_, &request),
              "MPI_Igatherv");
    wait(request, deadline, rank_);
    std::vector<std::string> texts;
    if (rank_ != root) return texts;
    for (std::size_t r = 0; r < lengths.size(); ++r) {
      texts.push_back(all.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(lengths[r])));
    }
    return texts;
  }

  void barrier(Deadline deadline) override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibarrier(communicator_, &request), "MPI_Ibarrier");
    wait(request, deadline, rank_);
  }

  Verdict agree(const std::optional<std::string>& trouble, Deadline deadline) override {
    int mine = trouble ? rank_ : size_;
    int lowest = size_;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, communicator_, &request), "MPI_Iallreduce");
    wait(request, deadline, rank_);
    if (lowest == size_) return {};
    return {false, lowest, broadcast_text(*this, trouble.value_or(""), lowest, deadline)};
  }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  MPI_Comm communicator_;
  int rank_ = 0, size_ = 1;
};

constexpr int kToCoordinator = 1, kToWorker = 2;

/// Between rank 0's worker and its coordinator, which are one process. MPI would take their letters, too, but with each
/// look it gives the core away, to whoever else wants it.
class InProcessMailbox {
 public:
  void put(int tag, Letter letter) {
    Box& box = boxes_.at(static_cast<std::size_t>(tag));
    {
      const std::lock_guard lock(mutex_);
      box.letters.push_back(std::move(letter));
      ++box.put;
    }
    box.changed.notify_all();
  }
  std::optional<Letter> take(int tag) {
    const std::lock_guard lock(mutex_);
    std::deque<Letter>& letters = boxes_.at(static_cast<std::size_t>(tag)).letters;
    if (letters.empty()) return std::nullopt;
    Letter first = std::move(letters.front());
    letters.pop_front();
    return first;
  }
  /// Until more than `heard` letters were put there, by now perhaps taken by another thread; sets it to how many.
  void wait(int tag, std::uint64_t& heard, double seconds) {
    Box& box = boxes_.at(static_cast<std::size_t>(tag));
    std::unique_lock lock(mutex_);
    box.changed.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return box.put != heard; });
    heard = box.put;
  }

 private:
  struct Box {
    std::condition_variable changed;
    std::deque<Letter> letters;
    std::uint64_t put = 0;
  };
  std::mutex mutex_;
  std::array<Box, kToWorker + 1> boxes_;
};

class MpiMailbox : public Mailbox {
 public:
  MpiMailbox(MPI_Comm communicator, int send_tag, int receive_tag, std::shared_ptr<InProcessMailbox> inner)
      : communicator_(communicator), send_tag_(send_tag), receive_tag_(receive_tag), inner_(std::move(inner)) {
    MPI_Comm_rank(communicator_, &rank_);
    MPI_Comm_size(communicator_, &size_);
  }

  void send(int to, std::string text) override {
    if (to == rank_) return inner_->put(send_tag_, {rank_, std::move(text)});
    forget_delivered();
    // The buffer must outlive the request: a text above the eager limit is read when the receiver asks for it.
    Outgoing& letter = outgoing_.emplace_back(Outgoing{std::move(text), MPI_REQUEST_NULL});
    check_mpi(MPI_Isend(letter.text.data(), static_cast<int>(letter.text.size()), MPI_BYTE, to, send_tag_,
                        communicator_, &letter.request),
              "MPI_Isend");
  }

  std::optional<Letter> poll() override {
    if (auto letter = inner_->take(receive_tag_)) return letter;
    if (size_ == 1) return std::nullopt;
    forget_delivered();
    int there = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    check_mpi(MPI_Improbe(MPI_ANY_SOURCE, receive_tag_, communicator_, &there, &message, &status), "MPI_Improbe");
    if (there == 0) return std::nullopt;
    int length = 0;
    MPI_Get_count(&status, MPI_BYTE, &length);
    Letter letter{status.MPI_SOURCE, std::string(static_cast<std::size_t>(length), '\0')};
    check_mpi(MPI_Mrecv(letter.text.data(), length, MPI_BYTE, &message, MPI_STATUS_IGNORE), "MPI_Mrecv");
    return letter;
  }

  void wait(double seconds) override { inner_->wait(receive_tag_, heard_, seconds); }

 private:
  struct Outgoing {
    std::string text;
    MPI_Request request;
  };

  void forget_delivered() {
    outgoing_.remove_if([](Outgoing& letter) {
      int done = 0;
      check_mpi(MPI_Test(&letter.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    });
  }

  MPI_Comm communicator_;
  int send_tag_, receive_tag_, rank_ = 0, size_ = 1;
  std::shared_ptr<InProcessMailbox> inner_;
  std::uint64_t heard_ = 0;
  std::list<Outgoing> outgoing_;
};

MPI_Comm duplicate_world() {
  MPI_Comm communicator = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &communicator), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
  return communicator;
}

}  // namespace

MpiSession::MpiSession() {
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  if (provided != MPI_THREAD_MULTIPLE) throw CommError("this MPI does not offer MPI_THREAD_MULTIPLE, which is needed");
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

int MpiSession::rank() const {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int MpiSession::size() const {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

std::unique_ptr<Group> MpiSession::group() {
  return std::make_unique<MpiGroup>(duplicate_world());
}

MpiSession::Line MpiSession::line() {
  const MPI_Comm communicator = duplicate_world();
  const auto inner = std::make_shared<InProcessMailbox>();
  Line line;
  if (rank() == 0) line.coordinator = std::make_unique<MpiMailbox>(communicator, kToWorker, kToCoordinator, inner);
  line.worker = std::make_unique<MpiMailbox>(communicator, kToCoordinator, kToWorker, inner);
  return line;
}

MpiSession::MakeGang MpiSession::gangs() {
  const MPI_Comm communicator = duplicate_world();
  int* most = nullptr;
  int known = 0;
  check_mpi(MPI_Comm_get_attr(communicator, MPI_TAG_UB, &most, &known), "MPI_Comm_get_attr");
  const std::int64_t tags = known != 0 ? *most : 32767;  // the least that MPI promises
  return [communicator, tags](const std::vector<int>& ranks, std::int64_t number) {
    return make_mpi_gang(communicator, ranks, static_cast<int>(number % tags));
  };
}

void MpiSession::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

void MpiSession::leave(int exit_code) {
  std::_Exit(exit_code);
}

std::string MpiSession::library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string version(text, static_cast<std::size_t>(length));
  return version.substr(0, version.find(','));
}

}  // namespace peftgrid::collectives
