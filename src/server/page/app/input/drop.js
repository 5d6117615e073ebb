// Files and whole folders that are dragged onto the page.

const kMedia =
  /\.(aac|ac3|aiff?|amr|ape|au|avi|caf|flac|flv|m4a|m4b|m4v|mka|mkv|mov|mp[234]|mpe?g|mpga|oga|ogg|ogv|opus|ra|spx|tta|ts|voc|wav|webm|wm[av]|wv|3gp)$/i;

export function isMedia(file) {
  return /^(audio|video)\//.test(file.type) || kMedia.test(file.name);
}

const readSome = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

async function filesBelow(entry) {
  if (entry.isFile) return [await fileOf(entry)];
  const reader = entry.createReader();
  const files = [];
  // A reader gives a hundred entries or so at a time.
  for (let some = await readSome(reader); some.length > 0; some = await readSome(reader)) {
    for (const each of some.sort((a, b) => a.name.localeCompare(b.name))) files.push(...await filesBelow(each));
  }
  return files;
}

// All files of a drop. Of folders, only sound and video; what is dropped by itself is taken as it is.
async function filesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  // Entries can be had only before this function waits for the first time.
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = items.map((item) => item.getAsFile());
  const files = [];
  for (const [i, entry] of entries.entries()) {
    if (entry === null || entry.isFile) files.push(plain[i]);
    else files.push(...(await filesBelow(entry)).filter(isMedia));
  }
  return files.filter(Boolean);
}

// Anywhere on the page. `zone` shows that it would be taken.
export function wireDrop(zone, onFiles) {
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = () => {
    zone.classList.toggle("dragged", depth > 0);
    document.body.classList.toggle("dragging", depth > 0);
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    show();
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    onFiles(await filesOf(event.dataTransfer));
  });
}
