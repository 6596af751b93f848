// Threads that do one step together, and wait for each other between its stages.
//
// A stage is a loop whose turns do not depend on each other. Each thread takes the next few turns
// that nobody has taken, so a thread that the system has put to sleep delays the others little.
// Waiting is short here (a step has hundreds of stages): a thread first asks again and again, and
// sleeps only when that has lasted long. When the other was kept from the processor, asking was a
// waste that the system counts against us: then a thread asks but briefly for some time. OpenMP does
// neither, and torch brings its own copy of it: the threads of two copies starve each other.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

class Team {
  public:
    explicit Team(int size) : size_(size) {
        for (int i = 1; i < size; i++) threads_.emplace_back([this] { work(); });
    }

    ~Team() {
        is_closing_ = true;
        announce();
        for (std::thread& thread : threads_) thread.join();
    }

    // Let every thread run `job`, the caller's too; back when all are done. One call at a time.
    void run(std::function<void()> job) {
        job_ = std::move(job);
        announce();
        job_();
        meet();
    }

    // Inside a job, called alike by every thread: `body(first, last)` for parts that together are
    // 0 ... count; back when all of them are done. Parts get smaller towards the end, so that no
    // thread has much left when the others are through.
    template <class Body>
    void share(int count, Body body) {
        for (int first = next_.load(std::memory_order_relaxed); first < count;) {
            const int last = first + std::max(1, (count - first) / (2 * size_));
            if (next_.compare_exchange_weak(first, last, std::memory_order_relaxed)) {
                body(first, last);
                first = last;
            }
        }
        meet();
    }

    int size() const { return size_; }

  private:
    static constexpr int kFew = 100, kMany = 4000;  // about one microsecond, and some tens of them
    static constexpr std::chrono::microseconds kLong{200};

    // Every thread arrives; the last opens the door for all.
    void meet() {
        static thread_local int asks = kMany;
        const unsigned round = rounds_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            arrived_.store(0, std::memory_order_relaxed);
            next_.store(0, std::memory_order_relaxed);
            rounds_.fetch_add(1, std::memory_order_release);
            rounds_.notify_all();
        } else if (has_changed(rounds_, round, asks)) {
            asks = std::min(kMany, asks + 1);
        } else {
            const auto start = std::chrono::steady_clock::now();
            rounds_.wait(round, std::memory_order_acquire);
            if (std::chrono::steady_clock::now() - start > kLong) asks = kFew;
        }
    }

    void announce() {
        jobs_.fetch_add(1, std::memory_order_release);
        jobs_.notify_all();
    }

    void work() {
        for (unsigned done = 0;; done++) {
            if (!has_changed(jobs_, done, kFew)) jobs_.wait(done, std::memory_order_acquire);
            if (is_closing_) return;
            job_();
            meet();
        }
    }

    // Whether a number has become another one, asked so many times at most.
    static bool has_changed(const std::atomic<unsigned>& number, unsigned old, int asks) {
        for (int i = 0; i < asks; i++) {
            if (number.load(std::memory_order_acquire) != old) return true;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
        return false;
    }

    int size_;
    std::vector<std::thread> threads_;
    std::function<void()> job_;
    bool is_closing_ = false;
    // each on its own cache line: threads ask for one while others write another
    alignas(64) std::atomic<unsigned> jobs_{0};
    alignas(64) std::atomic<unsigned> rounds_{0};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> next_{0};
};
