// SPDX-License-Identifier: BSD-3-Clause
//
// What a home table knows of the answers that its cores are about to get, each of a core and a
// line: that it is a fault, that it took another node.

#ifndef HOMESHIFT_COMMON_ANSWER_NOTES_HH
#define HOMESHIFT_COMMON_ANSWER_NOTES_HH

#include <cstdint>
#include <utility>
#include <vector>

namespace homeshift
{

class AnswerNotes
{
  public:
    void
    add(std::uint64_t core, std::uint64_t line)
    {
        notes_.emplace_back(core, line);
    }

    // Whether there is one of this answer. It is gone then.
    bool
    take(std::uint64_t core, std::uint64_t line)
    {
        for (auto &note : notes_) {
            if (note == std::pair(core, line)) {
                note = notes_.back();
                notes_.pop_back();
                return true;
            }
        }
        return false;
    }

  private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> notes_; // of what is under way: a few
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_ANSWER_NOTES_HH
