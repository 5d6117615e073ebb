// What openai/whisper measures on decoded text. Pure functions; may be called from any thread.
#pragma once

#include <string_view>

namespace amanuensis::decoding {

// `text` (UTF-8) without white space at both ends: the code points for which Python's str.isspace() holds, as
// str.strip() removes them.
std::string_view strip_text(std::string_view text);

// Bytes of `text` divided by bytes of its zlib stream at the default level (openai/whisper, utils.py:
// compression_ratio): a repetition loop compresses well. 0 for empty text.
// Throws std::bad_alloc.
double compression_ratio(std::string_view text);

}  // namespace amanuensis::decoding
