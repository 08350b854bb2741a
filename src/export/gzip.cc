#include "export/gzip.h"

#include <zlib.h>

#include <limits>

namespace loopscope {

Result<std::string> gzip(std::string_view data) {
  constexpr int kGzipWindowBits = 15 + 16;  // zlib.h: "add 16 to write a simple gzip header"
  constexpr int kMemoryLevel = 8;
  if (data.size() > std::numeric_limits<uInt>::max()) return Error{"too large to compress"};
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error{"cannot start compression: out of memory"};
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(data.size())), '\0');
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) return Error{"compression failed"};
  return out;
}

}  // namespace loopscope
