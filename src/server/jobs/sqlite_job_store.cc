#include "server/jobs/sqlite_job_store.h"

#include <fmt/format.h>

namespace amanuensis::server {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, status TEXT NOT NULL, created_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,
  attempt INTEGER NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, audio TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  url TEXT NOT NULL, model TEXT NOT NULL, options TEXT NOT NULL, webhook_url TEXT NOT NULL, language TEXT NOT NULL,
  duration_s REAL NOT NULL, processing_s REAL NOT NULL, warning TEXT NOT NULL, error TEXT NOT NULL,
  segments INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (created_ms, id);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status);
CREATE TABLE IF NOT EXISTS transcripts (
  job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE, transcript TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
  job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE, url TEXT NOT NULL, attempt INTEGER NOT NULL,
  next_ms INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
)";

constexpr std::string_view kColumns =
    "id, status, created_ms, started_ms, ended_ms, attempt, owner, name, audio, size_bytes, url, model, options, "
    "webhook_url, language, duration_s, processing_s, warning, error, segments";

std::optional<std::int64_t> optional_number(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.number(column);
}

JobRecord read_job(const Statement& row) {
  JobRecord job;
  job.id = row.text(0);
  job.status = parse_status(row.text(1)).value_or(WorkStatus::kFailed);
  job.created_ms = row.number(2);
  job.started_ms = optional_number(row, 3);
  job.ended_ms = optional_number(row, 4);
  job.attempt = row.number(5);
  job.owner = row.text(6);
  job.name = row.text(7);
  job.audio = row.text(8);
  job.size_bytes = row.number(9);
  job.url = row.text(10);
  job.model = row.text(11);
  job.options = row.text(12);
  job.webhook_url = row.text(13);
  job.language = row.text(14);
  job.duration_s = row.real(15);
  job.processing_s = row.real(16);
  job.warning = row.text(17);
  job.error = row.text(18);
  job.segments = row.number(19);
  return job;
}

std::vector<JobRecord> read_jobs(Statement& statement) {
  std::vector<JobRecord> jobs;
  while (statement.step()) jobs.push_back(read_job(statement));
  return jobs;
}

// For LIKE: what the client types is text, not a pattern.
std::string like_pattern(const std::string& text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

SqliteJobStore::SqliteJobStore(const std::filesystem::path& file) : database_(file) { database_.execute(kSchema); }

void SqliteJobStore::insert(const JobRecord& job) {
  const std::string sql = fmt::format(
      "INSERT INTO jobs ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
      "?19, ?20)",
      kColumns);
  Statement insert = database_.prepare(sql);
  insert.bind(1, job.id).bind(2, to_string(job.status)).bind(3, job.created_ms).bind(4, job.started_ms);
  insert.bind(5, job.ended_ms).bind(6, job.attempt).bind(7, job.owner).bind(8, job.name).bind(9, job.audio);
  insert.bind(10, job.size_bytes).bind(11, job.url).bind(12, job.model).bind(13, job.options);
  insert.bind(14, job.webhook_url).bind(15, job.language).bind(16, job.duration_s).bind(17, job.processing_s);
  insert.bind(18, job.warning).bind(19, job.error).bind(20, job.segments);
  insert.run();
}

std::optional<JobRecord> SqliteJobStore::find(const std::string& id) {
  Statement statement = database_.prepare(fmt::format("SELECT {} FROM jobs WHERE id = ?1", kColumns));
  statement.bind(1, id);
  if (!statement.step()) return std::nullopt;
  return read_job(statement);
}

std::vector<JobRecord> SqliteJobStore::list(const JobFilter& filter) {
  std::string sql = fmt::format("SELECT {} FROM jobs WHERE 1", kColumns);
  if (!filter.statuses.empty()) {
    sql += " AND status IN (";
    for (std::size_t i = 0; i < filter.statuses.size(); ++i) {
      sql += fmt::format("{}'{}'", i > 0 ? ", " : "", to_string(filter.statuses[i]));
    }
    sql += ")";
  }
  if (filter.owner) sql += " AND owner = ?1";
  if (!filter.search.empty()) sql += " AND name LIKE ?2 ESCAPE '\\'";
  if (!filter.after.empty()) sql += " AND (created_ms, id) < (SELECT created_ms, id FROM jobs WHERE id = ?3)";
  sql += " ORDER BY created_ms DESC, id DESC LIMIT ?4";
  Statement statement = database_.prepare(sql);
  if (filter.owner) statement.bind(1, *filter.owner);
  if (!filter.search.empty()) statement.bind(2, like_pattern(filter.search));
  if (!filter.after.empty()) statement.bind(3, filter.after);
  statement.bind(4, static_cast<std::int64_t>(filter.limit));
  return read_jobs(statement);
}

std::vector<JobRecord> SqliteJobStore::take_unfinished() {
  Transaction transaction(database_);
  database_.execute(
      "UPDATE jobs SET attempt = attempt + 1, status = 'queued', started_ms = NULL WHERE status = 'running'");
  Statement statement =
      database_.prepare(fmt::format("SELECT {} FROM jobs WHERE status = 'queued' ORDER BY created_ms, id", kColumns));
  std::vector<JobRecord> jobs = read_jobs(statement);
  transaction.commit();
  return jobs;
}

void SqliteJobStore::mark_running(const std::string& id, std::int64_t started_ms) {
  Statement update =
      database_.prepare("UPDATE jobs SET status = 'running', started_ms = ?2 WHERE id = ?1 AND status = 'queued'");
  update.bind(1, id).bind(2, started_ms).run();
}

void SqliteJobStore::set_audio(const std::string& id, const std::string& audio, std::int64_t size_bytes) {
  Statement update = database_.prepare("UPDATE jobs SET audio = ?2, size_bytes = ?3 WHERE id = ?1");
  update.bind(1, id).bind(2, audio).bind(3, size_bytes).run();
}

bool SqliteJobStore::finish(const JobRecord& job, const std::optional<std::string>& transcript) {
  Transaction transaction(database_);
  Statement update = database_.prepare(
      "UPDATE jobs SET status = ?2, ended_ms = ?3, language = ?4, duration_s = ?5, processing_s = ?6, warning = ?7, "
      "error = ?8, segments = ?9 WHERE id = ?1 AND status IN ('queued', 'running')");
  update.bind(1, job.id).bind(2, to_string(job.status)).bind(3, job.ended_ms).bind(4, job.language);
  update.bind(5, job.duration_s).bind(6, job.processing_s).bind(7, job.warning).bind(8, job.error);
  update.bind(9, job.segments).run();
  if (database_.changes() == 0) return false;
  if (transcript) {
    Statement insert = database_.prepare("INSERT OR REPLACE INTO transcripts (job_id, transcript) VALUES (?1, ?2)");
    insert.bind(1, job.id).bind(2, *transcript).run();
  }
  if (!job.webhook_url.empty()) {
    Statement insert =
        database_.prepare("INSERT OR REPLACE INTO webhooks (job_id, url, attempt, next_ms) VALUES (?1, ?2, 0, ?3)");
    insert.bind(1, job.id).bind(2, job.webhook_url).bind(3, job.ended_ms.value_or(0)).run();
  }
  transaction.commit();
  return true;
}

std::optional<std::string> SqliteJobStore::transcript(const std::string& id) {
  Statement statement = database_.prepare("SELECT transcript FROM transcripts WHERE job_id = ?1");
  statement.bind(1, id);
  if (!statement.step()) return std::nullopt;
  return statement.text(0);
}

bool SqliteJobStore::remove(const std::string& id) {
  Statement statement = database_.prepare("DELETE FROM jobs WHERE id = ?1");
  statement.bind(1, id).run();
  return database_.changes() > 0;
}

std::vector<JobRecord> SqliteJobStore::over_before(std::int64_t ended_ms) {
  Statement statement =
      database_.prepare(fmt::format("SELECT {} FROM jobs WHERE ended_ms IS NOT NULL AND ended_ms < ?1", kColumns));
  statement.bind(1, ended_ms);
  return read_jobs(statement);
}

std::vector<std::string> SqliteJobStore::audio_files() {
  Statement statement = database_.prepare("SELECT audio FROM jobs WHERE audio <> ''");
  std::vector<std::string> files;
  while (statement.step()) files.push_back(statement.text(0));
  return files;
}

std::int64_t SqliteJobStore::count(WorkStatus status) {
  Statement statement = database_.prepare("SELECT COUNT(*) FROM jobs WHERE status = ?1");
  statement.bind(1, to_string(status)).step();
  return statement.number(0);
}

std::int64_t SqliteJobStore::audio_bytes() {
  Statement statement = database_.prepare("SELECT COALESCE(SUM(size_bytes), 0) FROM jobs WHERE audio <> ''");
  statement.step();
  return statement.number(0);
}

std::vector<WebhookDelivery> SqliteJobStore::webhooks_due(std::int64_t now_ms) {
  Statement statement = database_.prepare(
      "SELECT job_id, url, attempt, next_ms FROM webhooks WHERE next_ms <= ?1 ORDER BY next_ms LIMIT 16");
  statement.bind(1, now_ms);
  std::vector<WebhookDelivery> due;
  while (statement.step()) {
    due.push_back({statement.text(0), statement.text(1), statement.number(2), statement.number(3)});
  }
  return due;
}

std::optional<std::int64_t> SqliteJobStore::next_webhook_ms(std::int64_t after_ms) {
  Statement statement = database_.prepare("SELECT MIN(next_ms) FROM webhooks WHERE next_ms > ?1");
  statement.bind(1, after_ms);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.number(0);
}

void SqliteJobStore::retry_webhook(const std::string& job_id, std::int64_t next_ms) {
  Statement update = database_.prepare("UPDATE webhooks SET attempt = attempt + 1, next_ms = ?2 WHERE job_id = ?1");
  update.bind(1, job_id).bind(2, next_ms).run();
}

void SqliteJobStore::end_webhook(const std::string& job_id) {
  Statement statement = database_.prepare("DELETE FROM webhooks WHERE job_id = ?1");
  statement.bind(1, job_id).run();
}

}  // namespace amanuensis::server
