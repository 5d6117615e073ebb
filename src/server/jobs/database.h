// SQLite, as far as the jobs need it: a connection and its statements, with errors as Error. Belongs to one thread at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace amanuensis::server {

class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Values for ?1, ?2, ...
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, std::int64_t number);
  Statement& bind(int place, double number);
  Statement& bind(int place, std::nullptr_t);
  template <typename T>
  Statement& bind(int place, const std::optional<T>& value) {
    return value ? bind(place, *value) : bind(place, nullptr);
  }

  // Whether there is a row. Throws Error{kResourceExhausted} when the disk is full, Error{kIo} for other failures.
  bool step();
  // Runs a statement that gives no rows.
  void run() { step(); }
  std::string text(int column) const;
  std::int64_t number(int column) const;
  double real(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

class Database {
 public:
  // Opens or makes the file; write-ahead log, every commit on disk before it returns. Throws Error{kIo | kBadData}.
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  Statement prepare(std::string_view sql) { return {handle_, sql}; }
  // Rows changed by the last statement.
  std::int64_t changes() const;

 private:
  sqlite3* handle_ = nullptr;
};

// Undoes what was done since its beginning unless it is committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace amanuensis::server
