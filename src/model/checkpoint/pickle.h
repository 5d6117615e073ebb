// Reads a Python pickle (protocols 2 to 5; Python's pickletools) as data: containers, texts and numbers as they are,
// calls and objects as what they were made of, nothing run. For torch_file.cc. Values own their memory; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::model {

struct PickleValue {
  enum class Kind {
    kNothing,     // None, booleans, floats: what no tensor is made of
    kInteger,     // `integer`
    kText,        // `text`
    kList,        // lists, tuples and sets: `items`
    kDict,        // `items`: key, value, key, value, ...
    kGlobal,      // a class or function: `text` is "module name"
    kPersistent,  // something outside of the pickle: `items` is its one identifier
    kCall,        // `items`: what is called, then its arguments as a list
  };
  Kind kind = Kind::kNothing;
  std::int64_t integer = 0;
  std::string text = {};
  std::vector<const PickleValue*> items = {};
};

// All values of one pickle; they point at each other, and may do so in circles.
class Pickle {
 public:
  // `file` is the file's name, for messages. Throws Error{kBadData}.
  Pickle(std::span<const std::byte> bytes, std::string_view file);

  const PickleValue& root() const { return *root_; }

 private:
  class Reader;

  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
};

}  // namespace amanuensis::model
