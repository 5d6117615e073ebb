// Puts the page together: which view stands at which address, and what they share.
import { askForKey } from "./api/key.js";
import { button, setLabel } from "./base/dom.js";
import { wireThemeButton } from "./base/theme.js";
import { notice } from "./base/notice.js";
import { DeviceView } from "./device/device_view.js";
import { StatusFeed } from "./device/status_feed.js";
import { HomeView } from "./input/home_view.js";
import { JobList } from "./jobs/job_list.js";
import { JobStore } from "./jobs/job_store.js";
import { LiveView } from "./live/live_view.js";
import { JobView } from "./transcript/job_view.js";

const store = new JobStore();
const feed = new StatusFeed(() => store.busy);
const home = new HomeView(store);
const list = new JobList(store);
const main = document.getElementById("main");
let view = null;

// "#/job/abc" -> ["job", "abc"].
function place() {
  const [name = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
  return [name, decodeURIComponent(id)];
}

function viewOf(name, id) {
  if (name === "job" && id !== "") return new JobView(store, id);
  if (name === "live") return new LiveView(store, home.options);
  if (name === "device") return new DeviceView(feed);
  return home;
}

function show(first) {
  const [name, id] = place();
  view?.close?.();
  view = viewOf(name, id);
  list.current = name === "job" ? id : null;
  main.replaceChildren(view.node);
  document.body.dataset.view = view === home ? "home" : name;
  document.title = `${view.title} · Amanuensis`;
  for (const link of document.querySelectorAll("[data-place]")) {
    if (link.dataset.place === document.body.dataset.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // Readers go where the new page begins.
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// A line on top while the server cannot be used.
function showReach(problem) {
  const line = document.getElementById("reach");
  line.hidden = problem === null;
  if (problem === null) return;
  const enter = async () => await askForKey({ again: true }) && location.reload();
  line.replaceChildren(
    problem.status === 401 ? "Without an API key this server gives nothing away. " :
                             `${problem.message} This page tries again.`,
    ...(problem.status === 401 ? [button("Enter a key", enter, { class: "link" })] : []));
}

async function start() {
  document.getElementById("job-list").replaceWith(list.node);
  wireThemeButton(document.getElementById("theme"));
  store.on("reach", showReach);
  // Who has just given one file wants to see it.
  store.on("sent", (fileId, id) => {
    if (view === home && fileId === home.single) location.hash = `#/job/${encodeURIComponent(id)}`;
  });
  feed.on("status", (status) => {
    home.options.showDiarization(status.diarization);
    setLabel(
      document.getElementById("device-link"),
      `Device: ${status.hardware?.name ?? status.hardware?.type ?? "this server"}`);
  });
  addEventListener("hashchange", () => show(false));
  addEventListener("beforeunload", (event) => {
    if (store.holdsFiles || view.recording) event.preventDefault();
  });
  show(true);
  await store.start();
  feed.refresh();
  try {
    await home.options.loadModels();
  } catch (error) {
    if (error.status !== 401) notice(error.message, { problem: true });
  }
}

start();
