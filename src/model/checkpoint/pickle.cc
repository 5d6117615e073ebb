#include "model/checkpoint/pickle.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <unordered_map>

#include "base/error.h"

namespace amanuensis::model {

using Kind = PickleValue::Kind;

// The stack machine that a pickle is a program for. Names of instructions are those of pickletools.
class Pickle::Reader {
 public:
  Reader(Pickle& pickle, std::span<const std::byte> bytes, std::string_view file)
      : values_(pickle.values_), bytes_(bytes), file_(file) {}

  const PickleValue* run() {
    while (true) {
      const auto instruction = static_cast<char>(number<std::uint8_t>());
      if (instruction == '.') return pop();  // STOP
      step(instruction);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadData, fmt::format("{}: its pickle {} (at byte {})", file_, what, at_));
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("breaks off");
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return part;
  }
  template <typename T>
  T number() {
    T value{};
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string text(std::uint64_t count) {
    const auto part = take(count);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  std::string line() {
    std::string result;
    for (char c = static_cast<char>(number<std::uint8_t>()); c != '\n'; c = static_cast<char>(number<std::uint8_t>())) {
      result += c;
    }
    return result;
  }

  PickleValue* push(PickleValue value) {
    values_.push_back(std::move(value));
    stack_.push_back(&values_.back());
    return stack_.back();
  }
  void push_integer(std::int64_t integer) { push({.kind = Kind::kInteger, .integer = integer}); }
  void push_text(std::string value) { push({.kind = Kind::kText, .text = std::move(value)}); }
  PickleValue* pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() == marks_.back())) fail("takes more than it has made");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PickleValue* top() {
    PickleValue* value = pop();
    stack_.push_back(value);
    return value;
  }
  // Everything since the last mark.
  std::vector<const PickleValue*> pop_marked() {
    if (marks_.empty()) fail("has a list without a beginning");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const PickleValue*> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<const PickleValue*> pop_last(std::size_t count) {
    std::vector<const PickleValue*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  void push_list(std::vector<const PickleValue*> items) { push({.kind = Kind::kList, .items = std::move(items)}); }
  void append(const std::vector<const PickleValue*>& items) {
    PickleValue* to = top();
    to->items.insert(to->items.end(), items.begin(), items.end());
  }
  // Calls that make an empty container stay that container, so that it can be filled.
  void call(const PickleValue* callee, const PickleValue* arguments) {
    const bool makes_dict = callee->kind == Kind::kGlobal && callee->text == "collections OrderedDict";
    if (makes_dict) {
      push({.kind = Kind::kDict});
    } else {
      push({.kind = Kind::kCall, .items = {callee, arguments}});
    }
  }

  void step(char instruction) {
    if (make_value(instruction) || make_container(instruction)) return;
    switch (instruction) {
      case '\x80':  // PROTO
        number<std::uint8_t>();
        break;
      case '\x95':  // FRAME
        number<std::uint64_t>();
        break;
      case 'c':  // GLOBAL
      {
        const std::string module = line();
        push({.kind = Kind::kGlobal, .text = module + " " + line()});
        break;
      }
      case '\x93':  // STACK_GLOBAL
      {
        const auto names = pop_last(2);
        push({.kind = Kind::kGlobal, .text = names[0]->text + " " + names[1]->text});
        break;
      }
      case 'R':     // REDUCE
      case '\x81':  // NEWOBJ
      {
        const auto parts = pop_last(2);
        call(parts[0], parts[1]);
        break;
      }
      case 'b':  // BUILD: an object's state, which is no tensor's
        pop();
        top();
        break;
      case 'Q':  // BINPERSID
        push({.kind = Kind::kPersistent, .items = {pop()}});
        break;
      case '0':  // POP
        pop();
        break;
      case '(':  // MARK
        marks_.push_back(stack_.size());
        break;
      case 'q':  // BINPUT
        memo_[number<std::uint8_t>()] = top();
        break;
      case 'r':  // LONG_BINPUT
        memo_[number<std::uint32_t>()] = top();
        break;
      case '\x94':  // MEMOIZE
        memo_[static_cast<std::uint32_t>(memo_.size())] = top();
        break;
      case 'h':  // BINGET
        recall(number<std::uint8_t>());
        break;
      case 'j':  // LONG_BINGET
        recall(number<std::uint32_t>());
        break;
      default:
        fail(fmt::format("has the unknown instruction {:#04x}", static_cast<unsigned char>(instruction)));
    }
  }

  bool make_value(char instruction) {
    switch (instruction) {
      case 'N':     // NONE
      case '\x88':  // NEWTRUE
      case '\x89':  // NEWFALSE
        push({});
        return true;
      case 'G':  // BINFLOAT
        take(8);
        push({});
        return true;
      case 'J':  // BININT
        push_integer(number<std::int32_t>());
        return true;
      case 'K':  // BININT1
        push_integer(number<std::uint8_t>());
        return true;
      case 'M':  // BININT2
        push_integer(number<std::uint16_t>());
        return true;
      case '\x8A':  // LONG1
        push_long(take(number<std::uint8_t>()));
        return true;
      case 'X':  // BINUNICODE
      case 'T':  // BINSTRING
      case 'B':  // BINBYTES
        push_text(text(number<std::uint32_t>()));
        return true;
      case '\x8C':  // SHORT_BINUNICODE
      case 'U':     // SHORT_BINSTRING
      case 'C':     // SHORT_BINBYTES
        push_text(text(number<std::uint8_t>()));
        return true;
      default:
        return false;
    }
  }

  bool make_container(char instruction) {
    switch (instruction) {
      case '}':  // EMPTY_DICT
        push({.kind = Kind::kDict});
        return true;
      case ']':     // EMPTY_LIST
      case ')':     // EMPTY_TUPLE
      case '\x8F':  // EMPTY_SET
        push_list({});
        return true;
      case 't':  // TUPLE
      case 'l':  // LIST
        push_list(pop_marked());
        return true;
      case '\x85':  // TUPLE1
      case '\x86':  // TUPLE2
      case '\x87':  // TUPLE3
        push_list(pop_last(static_cast<std::size_t>(instruction - '\x85') + 1));
        return true;
      case 'a':  // APPEND
        append(pop_last(1));
        return true;
      case 's':  // SETITEM
        append(pop_last(2));
        return true;
      case 'e':     // APPENDS
      case 'u':     // SETITEMS
      case '\x90':  // ADDITEMS
        append(pop_marked());
        return true;
      default:
        return false;
    }
  }

  void push_long(std::span<const std::byte> little_endian) {
    std::uint64_t value = 0;
    if (little_endian.size() > sizeof(value)) fail("has a number of more than 64 bits");
    for (std::size_t i = 0; i < little_endian.size(); ++i) {
      value |= std::to_integer<std::uint64_t>(little_endian[i]) << (8 * i);
    }
    push_integer(static_cast<std::int64_t>(value));
  }

  void recall(std::uint32_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) fail(fmt::format("speaks of value {}, which was never made", number));
    stack_.push_back(found->second);
  }

  std::deque<PickleValue>& values_;
  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleValue*> memo_;
};

Pickle::Pickle(std::span<const std::byte> bytes, std::string_view file) { root_ = Reader(*this, bytes, file).run(); }

}  // namespace amanuensis::model
