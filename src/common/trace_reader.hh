// SPDX-License-Identifier: BSD-3-Clause
//
// Reads a trace of a real program. The format is described, and every record of a file checked, in
// homeshift.workload.trace; this reader checks again what its own safety depends on.

#ifndef HOMESHIFT_COMMON_TRACE_READER_HH
#define HOMESHIFT_COMMON_TRACE_READER_HH

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/access.hh"

namespace homeshift
{

namespace trace_file
{

constexpr std::size_t kRecordBytes = 12;

inline std::uint64_t
little_endian(const char *bytes, int count)
{
    std::uint64_t value = 0;
    for (int i = count - 1; i >= 0; --i) {
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return value;
}

// Returns where the records begin: behind the magic, the version, the header's length and header.
inline std::size_t
records_begin(const std::string &content, const std::string &path)
{
    const std::string start("\x93NUMPY\x01\x00", 8);
    if (content.size() < 10 || content.compare(0, 8, start) != 0) {
        throw std::runtime_error(path + ": not a .npy file of version 1.0");
    }
    const std::size_t begin = 10 + little_endian(content.data() + 8, 2);
    if (begin > content.size()) {
        throw std::runtime_error(path + ": truncated in its header");
    }
    std::string header = content.substr(10, begin - 10);
    header.erase(std::remove_if(header.begin(), header.end(),
                                [](unsigned char c) { return std::isspace(c) != 0; }),
                 header.end());
    const std::string records = "[('address','<u8'),('gap','<u2'),('size','|u1'),('write','|u1')]";
    const std::string shape = "(" + std::to_string((content.size() - begin) / kRecordBytes) + ",)";
    if (header.find(records) == std::string::npos ||
        header.find("'fortran_order':False") == std::string::npos) {
        throw std::runtime_error(path + ": not a trace, its records are of another type");
    }
    if (header.find("'shape':" + shape) == std::string::npos ||
        (content.size() - begin) % kRecordBytes != 0) {
        throw std::runtime_error(path + ": truncated, or longer than its header says");
    }
    return begin;
}

} // namespace trace_file

// Returns the accesses of a trace, moved to guest address `base`; all lie below `limit`. Each comes
// after the one before by the time of its instructions, and a cycle at least. What rounding to
// whole cycles gives or takes, the next one takes or gives: in sum the time is right.
inline std::vector<Access>
read_trace(const std::string &path, std::uint64_t base, std::uint64_t limit,
           double cycles_per_instruction)
{
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
    if (!file) {
        throw std::runtime_error(path + ": cannot be read");
    }
    const std::size_t begin = trace_file::records_begin(content, path);
    std::vector<Access> accesses;
    accesses.reserve((content.size() - begin) / trace_file::kRecordBytes);
    double owed = 0.0; // cycles, from -0.5 to 0.5
    for (std::size_t at = begin; at < content.size(); at += trace_file::kRecordBytes) {
        const char *record = content.data() + at;
        const std::uint64_t address = trace_file::little_endian(record, 8);
        const auto gap = static_cast<double>(trace_file::little_endian(record + 8, 2));
        if (base > limit || address >= limit - base) {
            throw std::invalid_argument(path + ": reaches beyond the VM's memory");
        }
        const double exact = std::max(1.0, gap * cycles_per_instruction) + owed;
        const double whole = std::floor(exact + 0.5); // at least 1
        owed = exact - whole;
        const auto after_issue = static_cast<std::uint32_t>(whole) - 1;
        accesses.push_back({base + address, after_issue, record[11] != 0});
    }
    if (accesses.empty()) {
        throw std::runtime_error(path + ": no record in it");
    }
    return accesses;
}

// Replays a trace, over and over.
class TraceStream final : public RequestStream
{
  public:
    explicit TraceStream(std::vector<Access> accesses) : accesses_(std::move(accesses))
    {}

  protected:
    void
    more() override
    {
        next_ = accesses_.data();
        end_ = next_ + accesses_.size();
    }

  private:
    std::vector<Access> accesses_;
};

} // namespace homeshift

#endif // HOMESHIFT_COMMON_TRACE_READER_HH
